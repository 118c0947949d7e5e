from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["combine_posteriors"]


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
