from collections.abc import Iterable, Mapping
from functools import reduce
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import log_softmax

from ..linear._translation import Arrays
from ..module import Weighing

# a modality alone rules no class out
_LEAST_PROBABILITY = 1e-6


class Encoding(NamedTuple):
    """What a model says of n rows, from one modality or from all that they have.

    Mean (aligned, with linear models) and scale of the posterior ``(n, n_latent)``,
    ``(n, n_classes)``, shared axes ``(n, n_axes)``, log-odds of added classes ``(n, n_added)``.
    """

    mean: np.ndarray
    scale: np.ndarray
    log_probability: np.ndarray
    shared: np.ndarray
    odds: np.ndarray


def all_names(names: Iterable[pd.Index]) -> pd.Index:
    """Names of all observations of several modalities, each once."""
    return reduce(pd.Index.union, names, pd.Index([]))


def add_up(parts: Arrays, positions: Arrays, n_obs: int) -> np.ndarray:
    """Sum of values ``(n, n_columns)`` by modality, at `positions` ``(n,)`` of the result."""
    total = np.zeros((n_obs, next(iter(parts.values())).shape[1]))
    for name, own in parts.items():
        total[positions[name]] += own
    return total


def combine_posteriors(
    posteriors: Mapping[str, tuple[np.ndarray, np.ndarray]], positions: Arrays, n_obs: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of every observation, from those of its modalities.

    Weighted by precision, float32, NaN for observations without a modality.
    """
    own = {name: 1 / np.square(scale, dtype=float) for name, (_, scale) in posteriors.items()}
    precision = add_up(own, positions, n_obs)
    precision[precision == 0] = np.nan
    weighted = {name: own[name] * mean for name, (mean, _) in posteriors.items()}
    mean = add_up(weighted, positions, n_obs) / precision
    return mean.astype(np.float32), (precision**-0.5).astype(np.float32)


def combine_coordinates(coordinates: Arrays, positions: Arrays, n_obs: int) -> np.ndarray:
    """Mean over the modalities that an observation has, float32; NaN does not count."""
    count = add_up({name: ~np.isnan(own) for name, own in coordinates.items()}, positions, n_obs)
    count[count == 0] = np.nan
    told = {name: np.nan_to_num(own) for name, own in coordinates.items()}
    return (add_up(told, positions, n_obs) / count).astype(np.float32)


def evidence(log_probability: np.ndarray, log_prior: np.ndarray) -> np.ndarray:
    """Log-probabilities relative to the log-prior; 0 where that is NaN: there is no evidence."""
    return np.nan_to_num(np.fmax(log_probability, np.log(_LEAST_PROBABILITY)) - log_prior)


def common_prior(weighing: Mapping[str, Weighing], positions: Arrays, n_obs: int) -> np.ndarray:
    """Mean log-prior over the modalities that an observation has, ``(n_obs, n_classes)``.

    A class is rarer by what modalities without samples of it imply, rarest if none has any.
    """
    sizes = {name: (len(rows), 1) for name, rows in positions.items()}
    priors = {name: np.tile(weighing[name].log_prior, size) for name, size in sizes.items()}
    rarities = {name: np.tile(weighing[name].log_rarity, size) for name, size in sizes.items()}
    prior = combine_coordinates(priors, positions, n_obs)
    prior[np.isnan(prior)] = np.log(_LEAST_PROBABILITY)
    return prior + add_up(rarities, positions, n_obs)


def combine_classes(
    log_probability: Arrays,
    positions: Arrays,
    n_obs: int,
    weighing: Mapping[str, Weighing] | None = None,
) -> np.ndarray:
    """Log-probabilities of the classes over the modalities that an observation has, float32.

    Those of each modality, relative to its class frequencies, are added by weight and divided by
    the square root of their number: their mean would be right if all told the same, their sum if
    they told independent things. The mean log-frequency is then added once. Those of a single
    modality stay as they are, and those of none are NaN.
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
