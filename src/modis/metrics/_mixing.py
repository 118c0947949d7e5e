"""Whether the neighbours of a sample come from every modality."""

from __future__ import annotations  # the docs say ArrayLike, and not what it is made of

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_consistent_length

from ._checks import as_labels, as_matrix


def modality_mixing(
    z: Any, modality: ArrayLike, labels: ArrayLike | None = None, n_neighbors: int = 15
) -> float:
    """Measure how far the neighbours of a sample come from all modalities in their proportions.

    For each modality: the share of other modalities among its samples' nearest neighbours,
    divided by that share in the whole data, at most 1. The result is the mean over modalities, so
    that large and small ones have equal weight.

    Parameters
    ----------
    z
        Latent representation, of shape `(n_samples, n_latent)`.
    modality
        The modality of each row, of shape `(n_samples,)`.
    labels
        Classes, of shape `(n_samples,)`, without missing values. If given, neighbours are sought
        within the class and the result is the mean over the classes that at least two modalities
        have. Without it, classes of which the modalities have unequal shares lower the result
        although they are aligned.
    n_neighbors
        Neighbours per sample, 15 as in scanpy's neighbour graphs. Fewer are used for a modality
        (of a class) that has fewer other samples, so that separated modalities always give 0; a
        modality with a single sample counts only as a neighbour of the others.

    Returns
    -------
    A number between 0 (all neighbours are of the same modality) and 1 (as in the whole data).

    Raises
    ------
    ValueError
        If there is only one modality, no class with two modalities, shapes do not fit or a value
        is missing, NaN or infinite.

    Examples
    --------
    >>> import modis
    >>> z = [[0.0], [0.1], [0.2], [9.0], [9.1], [9.2]]
    >>> modality = ["rna", "rna", "rna", "protein", "protein", "protein"]
    >>> modis.metrics.modality_mixing(z, modality)
    0.0
    """
    matrix, modalities = as_matrix(z, "z"), as_labels(modality, "modality")
    classes = np.zeros(len(matrix)) if labels is None else as_labels(labels, "labels")
    check_consistent_length(matrix, modalities, classes)
    codes, names = pd.factorize(modalities)
    if len(names) < 2:
        raise ValueError(f"Mixing needs at least two modalities, found only {names[0]!r}.")
    groups = [classes == name for name in pd.unique(classes)]
    scores = [_mixing(matrix[own], codes[own], n_neighbors) for own in groups]
    if np.isnan(scores).all():
        where = "overall" if labels is None else "in any class"
        raise ValueError(
            f"Mixing needs two modalities, one of them with two samples; not found {where}."
        )
    return float(np.nanmean(scores))


def _mixing(z: NDArray[np.float64], codes: NDArray[np.intp], n_neighbors: int) -> float:
    """Mixing among these rows, NaN where it cannot be measured."""
    n, sizes = len(codes), np.bincount(codes)
    measurable = np.flatnonzero(sizes >= 2)
    if np.count_nonzero(sizes) < 2 or len(measurable) == 0:
        return np.nan
    # With more neighbours than own samples, even separated modalities would meet each other.
    n_wanted = np.minimum(n_neighbors, sizes - 1)
    neighbors = NearestNeighbors(n_neighbors=n_wanted.max()).fit(z)
    neighbor_codes = codes[neighbors.kneighbors(return_distance=False)]

    scores = []
    for code in measurable:
        own = neighbor_codes[codes == code, : n_wanted[code]] == code
        expected_others = (n - sizes[code]) / (n - 1)
        scores.append(min(1.0, float(1 - own.mean()) / expected_others))
    return float(np.mean(scores))
