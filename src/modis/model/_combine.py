from collections.abc import Iterable, Mapping
from functools import reduce
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import log_softmax

from ..module import Weighing

# a modality alone rules no class out
_LEAST_PROBABILITY = 1e-6


class Encoding(NamedTuple):
    """What a model says of n rows, from one modality or from all that they have.

    ``mean`` of the networks' posterior, aligned once linear models are fitted, and ``scale``,
    ``(n, n_latent)`` each; log-probabilities of the classes ``(n, n_classes)``, coordinates on
    shared axes ``(n, n_axes)``, and log-odds of classes that were added ``(n, n_added)``.
    """

    mean: np.ndarray
    scale: np.ndarray
    log_probability: np.ndarray
    shared: np.ndarray
    odds: np.ndarray


def all_names(names: Iterable[pd.Index]) -> pd.Index:
    """Names of all observations of several modalities, each once."""
    return reduce(pd.Index.union, names, pd.Index([]))


def add_up(
    parts: Mapping[str, np.ndarray], positions: Mapping[str, np.ndarray], n_obs: int
) -> np.ndarray:
    """Sum over the modalities that an observation has, ``(n_obs, n_columns)``.

    By modality: values ``(n, n_columns)``, and the row of the result that each belongs to,
    ``(n,)``. So they are in all functions here.
    """
    total = np.zeros((n_obs, next(iter(parts.values())).shape[1]))
    for name, own in parts.items():
        total[positions[name]] += own
    return total


def combine_posteriors(
    posteriors: Mapping[str, tuple[np.ndarray, np.ndarray]],
    positions: Mapping[str, np.ndarray],
    n_obs: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Precision-weighted posterior of every observation over the modalities that it has.

    By modality: mean and standard deviation, each ``(n, n_latent)``. Returns float32 mean and
    standard deviation, each ``(n_obs, n_latent)``, NaN for observations without a modality.
    """
    own = {name: 1 / np.square(scale, dtype=float) for name, (_, scale) in posteriors.items()}
    precision = add_up(own, positions, n_obs)
    precision[precision == 0] = np.nan
    weighted = {name: own[name] * mean for name, (mean, _) in posteriors.items()}
    mean = add_up(weighted, positions, n_obs) / precision
    return mean.astype(np.float32), (precision**-0.5).astype(np.float32)


def combine_coordinates(
    coordinates: Mapping[str, np.ndarray], positions: Mapping[str, np.ndarray], n_obs: int
) -> np.ndarray:
    """Mean over the modalities that an observation has, float32 ``(n_obs, n_axes)``.

    What a modality does not tell, NaN, does not count.
    """
    count = add_up({name: ~np.isnan(own) for name, own in coordinates.items()}, positions, n_obs)
    count[count == 0] = np.nan
    told = {name: np.nan_to_num(own) for name, own in coordinates.items()}
    return (add_up(told, positions, n_obs) / count).astype(np.float32)


def evidence(log_probability: np.ndarray, log_prior: np.ndarray) -> np.ndarray:
    """Log-probabilities ``(n, n_classes)`` relative to the log-prior, ``(n_classes,)``.

    0 for classes whose prior is NaN: there is no evidence.
    """
    return np.nan_to_num(np.fmax(log_probability, np.log(_LEAST_PROBABILITY)) - log_prior)


def common_prior(
    weighing: Mapping[str, Weighing], positions: Mapping[str, np.ndarray], n_obs: int
) -> np.ndarray:
    """Mean log-prior over the modalities that an observation has, ``(n_obs, n_classes)``.

    A class is rarer by what modalities without samples of it imply, and has the lowest
    probability if no modality has any.
    """
    sizes = {name: (len(rows), 1) for name, rows in positions.items()}
    priors = {name: np.tile(weighing[name].log_prior, size) for name, size in sizes.items()}
    rarities = {name: np.tile(weighing[name].log_rarity, size) for name, size in sizes.items()}
    prior = combine_coordinates(priors, positions, n_obs)
    prior[np.isnan(prior)] = np.log(_LEAST_PROBABILITY)
    return prior + add_up(rarities, positions, n_obs)


def combine_classes(
    log_probability: Mapping[str, np.ndarray],
    positions: Mapping[str, np.ndarray],
    n_obs: int,
    weighing: Mapping[str, Weighing] | None = None,
) -> np.ndarray:
    """Log-probabilities of the classes over the modalities that an observation has.

    The log-probabilities of each modality, relative to the class frequencies among its labelled
    training samples, are added with the weights of the modalities and divided by the square root
    of their number: their mean would be right if all modalities told the same, their sum if they
    told independent things. The mean log-frequency is then added once. A modality without samples
    of a class has no evidence for or against it, but makes it rarer (`log_rarity`). Those of a
    single modality are returned unchanged.

    By modality: log-probabilities ``(n, n_classes)``, and by default a weight of 1 and equal
    frequencies. Returns float32 of shape ``(n_obs, n_classes)``, NaN for observations without a
    modality.
    """
    n_classes = next(iter(log_probability.values())).shape[1]
    if not n_classes * n_obs:
        return np.zeros((n_obs, n_classes), dtype=np.float32)
    if weighing is None:
        even = Weighing(1.0, np.zeros(n_classes), np.zeros(n_classes))
        weighing = dict.fromkeys(log_probability, even)
    told, ones = {}, {}
    for name, own in log_probability.items():
        told[name] = weighing[name].weight * evidence(own, weighing[name].log_prior)
        ones[name] = np.ones((len(own), 1))
    count = add_up(ones, positions, n_obs)
    count[count == 0] = np.nan
    mean = add_up(told, positions, n_obs) / np.sqrt(count)
    combined = log_softmax(mean + common_prior(weighing, positions, n_obs), axis=1)
    for name, own in log_probability.items():
        alone = count[positions[name], 0] == 1
        combined[positions[name][alone]] = own[alone]
    return combined.astype(np.float32)
