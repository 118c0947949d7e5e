from collections.abc import Iterable, Mapping
from functools import reduce
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import softmax

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


def combine_posteriors(
    posteriors: Mapping[str, tuple[np.ndarray, np.ndarray]],
    positions: Mapping[str, np.ndarray],
    n_obs: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Precision-weighted posterior of every observation over the modalities that it has.

    By modality: mean and standard deviation, each ``(n, n_latent)``, and the row of the result
    that each belongs to, ``(n,)``, -1 for none. Returns float32 mean and standard deviation, each
    ``(n_obs, n_latent)``, NaN for observations without a modality.
    """
    shape = (n_obs, next(iter(posteriors.values()))[0].shape[1])
    precision, weighted = np.zeros(shape), np.zeros(shape)
    for name, (mean, scale) in posteriors.items():
        found = positions[name] >= 0
        rows, own = positions[name][found], 1.0 / np.square(scale[found], dtype=np.float64)
        precision[rows] += own
        weighted[rows] += own * mean[found]
    precision[precision == 0] = np.nan
    return (weighted / precision).astype(np.float32), (precision**-0.5).astype(np.float32)


def combine_coordinates(
    coordinates: Mapping[str, np.ndarray], positions: Mapping[str, np.ndarray], n_obs: int
) -> np.ndarray:
    """Mean over the modalities that an observation has, float32 ``(n_obs, n_axes)``.

    What a modality does not tell, NaN, does not count.
    """
    total = np.zeros((n_obs, next(iter(coordinates.values())).shape[1]), dtype=np.float32)
    count = np.zeros_like(total)
    for name, own in coordinates.items():
        total[positions[name]] += np.nan_to_num(own)
        count[positions[name]] += ~np.isnan(own)
    count[count == 0] = np.nan
    return total / count


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
    shape = (n_obs, len(next(iter(weighing.values())).log_prior))
    total, count, rarity = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for name, rows in positions.items():
        total[rows] += np.nan_to_num(weighing[name].log_prior)
        count[rows] += ~np.isnan(weighing[name].log_prior)
        rarity[rows] += weighing[name].log_rarity
    return rarity + np.where(count, total / np.maximum(count, 1), np.log(_LEAST_PROBABILITY))


def combine_probabilities(
    probabilities: Mapping[str, np.ndarray],
    positions: Mapping[str, np.ndarray],
    n_obs: int,
    weighing: Mapping[str, Weighing] | None = None,
) -> np.ndarray:
    """Class probabilities of every observation over the modalities that it has.

    The log-probabilities of each modality, relative to the class frequencies among its labelled
    training samples, are added with the weights of the modalities and divided by the square root
    of their number. Their mean alone would be right if all modalities told the same, and so is
    underconfident; their sum would be right if they told independent things, and so is
    overconfident. The mean log-frequency is then added once: with each modality it would count
    several times, to the disadvantage of rare classes. A modality without samples of a class has
    no evidence for or against it, but makes it rarer (`log_rarity`). The probabilities of a single
    modality are returned unchanged.

    By modality: probabilities ``(n, n_classes)``, the row of the result that each belongs to,
    ``(n,)``, and by default a weight of 1 and equal frequencies. Returns float32 of shape
    ``(n_obs, n_classes)``, NaN for observations without a modality.
    """
    n_classes = next(iter(probabilities.values())).shape[1]
    total, count = np.zeros((n_obs, n_classes)), np.zeros((n_obs, 1))
    if not total.size:
        # without classes
        return total.astype(np.float32)
    if weighing is None:
        even = Weighing(1.0, np.zeros(n_classes), np.zeros(n_classes))
        weighing = dict.fromkeys(probabilities, even)
    for name, probability in probabilities.items():
        weight, log_prior, _ = weighing[name]
        with np.errstate(divide="ignore"):
            total[positions[name]] += weight * evidence(np.log(probability), log_prior)
        count[positions[name]] += 1
    count[count == 0] = np.nan
    prior = common_prior(weighing, {name: positions[name] for name in probabilities}, n_obs)
    combined = softmax(total / np.sqrt(count) + prior, axis=1)
    for name, probability in probabilities.items():
        alone = count[positions[name], 0] == 1
        combined[positions[name][alone]] = probability[alone]
    return combined.astype(np.float32)
