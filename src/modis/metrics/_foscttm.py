"""Distance of two measurements of the same sample."""

from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.utils import gen_batches

from ._checks import as_matrix

CHUNK_ROWS = 1024


def foscttm(z_a: Any, z_b: Any) -> float:
    """Measure the fraction of samples closer than the true match, over both directions.

    Parameters
    ----------
    z_a
        Latent representation of samples seen in one modality, of shape `(n_samples, n_latent)`,
        with at least two samples.
    z_b
        The same samples seen in another modality, in the same order and of the same shape.

    Returns
    -------
    A number between 0 (every sample's nearest neighbour in the other modality is itself) and 1;
    0.5 for matches at random. Samples as far away as the true match count half, so that a latent
    space collapsed to a point does not look perfect.

    Raises
    ------
    ValueError
        If the shapes differ, there is only one sample or a value is NaN or infinite.

    References
    ----------
    Liu, Huang, Singh, Vert and Noble (2019). Jointly embedding multiple single-cell omics
    measurements. WABI 2019.

    Examples
    --------
    >>> import modis
    >>> z = [[0.0], [1.0], [2.0]]
    >>> modis.metrics.foscttm(z, z), modis.metrics.foscttm(z, z[::-1])
    (0.0, 0.6666666666666666)
    """
    a, b = as_matrix(z_a, "z_a"), as_matrix(z_b, "z_b")
    if a.shape != b.shape:
        raise ValueError(f"z_a and z_b must have the same shape, found {a.shape} and {b.shape}.")
    n = len(a)
    if n < 2:
        raise ValueError("At least two samples are needed, found 1.")

    chunks = list(gen_batches(n, CHUNK_ROWS))
    # The same routine as below, so that equal distances are equal to the last bit.
    match = np.concatenate([np.diagonal(cdist(a[rows], b[rows])) for rows in chunks])
    closer = 0.0
    for rows in chunks:
        distance = cdist(a[rows], b)
        for own in (match[rows, None], match[None, :]):
            closer += np.sum(distance < own) + 0.5 * np.sum(distance == own)
    # Each match is as far away as itself, once in either direction.
    return float((closer - n) / (2 * n * (n - 1)))
