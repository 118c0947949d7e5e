from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..data import FeatureMatrix

if TYPE_CHECKING:
    import pandas as pd

    from ._cohort import Cohort

__all__ = ["library_size", "read_features", "read_values"]


def read_values(cohort: Cohort, modality: str, names: pd.Index) -> np.ndarray:
    """Values as they are, float32 of shape ``(n_obs, n_features)``."""
    adata = cohort.modalities[modality]
    return FeatureMatrix(adata).rows(adata.obs_names.get_indexer(names))


def library_size(values: np.ndarray) -> float:
    """Typical sum of counts of an observation, for :func:`read_features`."""
    total = values.sum(axis=1)
    return float(np.median(total[total > 0])) if (total > 0).any() else 1.0


def read_features(
    cohort: Cohort, modality: str, names: pd.Index, size: float | None = None
) -> np.ndarray:
    """Values for classifiers that know nothing of counts.

    Parameters
    ----------
    cohort
        The data.
    modality
        Which of them.
    names
        Observations.
    size
        Sum that counts are brought to; by default the typical one of these observations.

    Returns
    -------
    float32 array of shape ``(n_obs, n_features)``: logarithms of counts of equal sums, other
    values as they are.
    """
    values = read_values(cohort, modality, names)
    if not cohort.is_counts(modality):
        return values
    total = values.sum(axis=1, keepdims=True)
    size = library_size(values) if size is None else size
    return np.log1p(values * (size / np.maximum(total, 1.0)))
