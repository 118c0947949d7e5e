"""Whether one modality's neighbours in another belong to its class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.neighbors import NearestNeighbors

from ._accuracy import accuracy
from ._checks import (
    as_labels,
    as_matrix,
    as_neighbors,
    require_same_columns,
    require_same_length,
)


def transfer_labels(
    z_source: Any, y_source: ArrayLike, z_target: Any, n_neighbors: int = 15
) -> NDArray[np.object_]:
    """Label target samples by a vote of their nearest source samples.

    Parameters
    ----------
    z_source
        Latent representation of labelled samples, of shape `(n_source, n_latent)`.
    y_source
        Their classes, of shape `(n_source,)`, without missing values.
    z_target
        Latent representation of the samples to label, of shape `(n_target, n_latent)`.
    n_neighbors
        Voters per target sample, 15 as in scanpy's neighbour graphs; all source samples vote if
        there are fewer. Votes are equal, and a draw goes to the class that sorts first.

    Returns
    -------
    A class per target sample, of shape `(n_target,)`.

    Raises
    ------
    ValueError
        If shapes do not fit or a value is missing, NaN or infinite.

    Examples
    --------
    >>> import modis
    >>> modis.metrics.transfer_labels(
    ...     [[0.0], [0.1], [5.0]], ["T", "T", "B"], [[0.2], [4.0]], n_neighbors=1
    ... )
    array(['T', 'B'], dtype=object)
    """
    source, target = as_matrix(z_source, "z_source"), as_matrix(z_target, "z_target")
    classes = as_labels(y_source, "y_source")
    require_same_length(z_source=source, y_source=classes)
    require_same_columns(z_source=source, z_target=target)
    codes, names = pd.factorize(classes, sort=True)
    # KNeighborsClassifier votes alike, but warns where classes are many and samples few.
    n_voters = min(as_neighbors(n_neighbors), len(source))
    voters = NearestNeighbors(n_neighbors=n_voters).fit(source)
    ballots = codes[voters.kneighbors(target, return_distance=False)]
    votes = np.stack([np.sum(ballots == code, axis=1) for code in range(len(names))])
    return names[votes.argmax(axis=0)]


def label_transfer(
    z_source: Any, y_source: ArrayLike, z_target: Any, y_target: ArrayLike, n_neighbors: int = 15
) -> float:
    """Accuracy of labels carried from one modality to another by nearest neighbours.

    1 when every target sample lies among source samples of its class. Not symmetric: measure both
    directions.

    Parameters
    ----------
    z_source
        Latent representation of labelled samples, of shape `(n_source, n_latent)`.
    y_source
        Their classes, of shape `(n_source,)`, without missing values.
    z_target
        Latent representation of the other modality's samples, of shape `(n_target, n_latent)`.
    y_target
        Their true classes, of shape `(n_target,)`, without missing values.
    n_neighbors
        Voters per target sample, as in :func:`~modis.metrics.transfer_labels`.

    Returns
    -------
    A number between 0 and 1.

    Raises
    ------
    ValueError
        If shapes do not fit or a value is missing, NaN or infinite.

    Examples
    --------
    >>> import modis
    >>> modis.metrics.label_transfer(
    ...     [[0.0], [0.1], [5.0]], ["T", "T", "B"], [[0.2], [4.0]], ["T", "T"], n_neighbors=1
    ... )
    0.5
    """
    true = as_labels(y_target, "y_target")
    require_same_length(z_target=as_matrix(z_target, "z_target"), y_target=true)
    return accuracy(true, transfer_labels(z_source, y_source, z_target, n_neighbors))
