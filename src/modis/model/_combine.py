from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["combine_posteriors", "combine_probabilities"]

# With 1 a modality that cannot tell counts as much as one that is sure; the higher, the more the
# surest modality decides alone. Chosen on samples held out of training parts.
_EXPONENT = 3


def combine_posteriors(
    posteriors: Mapping[str, tuple[np.ndarray, np.ndarray]],
    positions: Mapping[str, np.ndarray],
    n_obs: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Precision-weighted posterior of every observation over the modalities that it has.

    Parameters
    ----------
    posteriors
        Mean and standard deviation by modality, each of shape ``(n, n_latent)``.
    positions
        Row of the result that each of the `n` rows belongs to, by modality; -1 for none.
    n_obs
        Rows of the result.

    Returns
    -------
    Mean and standard deviation, float32 arrays of shape ``(n_obs, n_latent)``, NaN for
    observations without a modality.
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


def combine_probabilities(
    probabilities: Mapping[str, np.ndarray],
    posteriors: Mapping[str, tuple[np.ndarray, np.ndarray]],
    positions: Mapping[str, np.ndarray],
    n_obs: int,
) -> np.ndarray:
    """Class probabilities of every observation over the modalities that it has.

    The power mean over modalities, with exponent 3, in which a modality that is sure of a class
    outweighs those that cannot tell; each is weighted by the mean precision of its posterior. The
    class of the combined latent point would be a mean of logits, in which one modality that is
    far off outvotes all others.

    Parameters
    ----------
    probabilities
        Class probabilities by modality, each of shape ``(n, n_classes)``.
    posteriors
        Mean and standard deviation by modality, each of shape ``(n, n_latent)``.
    positions
        Row of the result that each of the `n` rows belongs to, by modality.
    n_obs
        Rows of the result.

    Returns
    -------
    float32 array of shape ``(n_obs, n_classes)``, NaN for observations without a modality.
    """
    total = np.zeros((n_obs, next(iter(probabilities.values())).shape[1]))
    weight = np.zeros((n_obs, 1))
    for name, probability in probabilities.items():
        own = np.square(posteriors[name][1], dtype=np.float64)
        precision = (1 / own).mean(axis=1, keepdims=True)
        total[positions[name]] += precision * np.power(probability, _EXPONENT, dtype=np.float64)
        weight[positions[name]] += precision
    weight[weight == 0] = np.nan
    mean = (total / weight) ** (1 / _EXPONENT)
    return (mean / mean.sum(axis=1, keepdims=True)).astype(np.float32)
