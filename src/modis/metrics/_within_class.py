"""The error below which no translation can go."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ._checks import as_labels, as_matrix, require_same_columns, require_same_length


def within_class_variance(
    x: Any,
    labels: ArrayLike,
    x_reference: Any | None = None,
    labels_reference: ArrayLike | None = None,
) -> float:
    """Mean squared distance of samples from the mean profile of their class.

    Where the omics are independent given the class, as in InterSIM data, one omic says nothing
    about another beyond the class: the best translation is the class mean, and this is its error.
    Compare the errors of :func:`~modis.metrics.translation_errors` with it, target by target.

    Parameters
    ----------
    x
        Measured profiles, of shape `(n_samples, n_features)`, dense or sparse.
    labels
        Their classes, of shape `(n_samples,)`, without missing values.
    x_reference
        Profiles that the class means are taken from, of shape `(n_reference, n_features)`, such
        as the training samples. By default `x` itself, whose means lie closer to its samples
        than those of new data can: with `n` samples in a class, by the factor `(n - 1) / n`.
    labels_reference
        Their classes, of shape `(n_reference,)`; given together with `x_reference`.

    Returns
    -------
    The mean over samples and features, in squared units of the data.

    Raises
    ------
    TypeError
        If only one of `x_reference` and `labels_reference` is given.
    ValueError
        If shapes do not fit, a value is missing, NaN or infinite, or a class has no sample in the
        reference.

    Examples
    --------
    >>> import modis
    >>> x = [[0.0], [2.0], [10.0], [14.0]]
    >>> modis.metrics.within_class_variance(x, ["LumA", "LumA", "Her2", "Her2"])
    2.5
    """
    matrix, classes = as_matrix(x, "x"), as_labels(labels, "labels")
    require_same_length(x=matrix, labels=classes)
    if (x_reference is None) != (labels_reference is None):
        raise TypeError("Give x_reference and labels_reference together, or neither.")
    if x_reference is None or labels_reference is None:
        reference, reference_classes = matrix, classes
    else:
        reference = as_matrix(x_reference, "x_reference")
        reference_classes = as_labels(labels_reference, "labels_reference")
        require_same_length(x_reference=reference, labels_reference=reference_classes)
        require_same_columns(x=matrix, x_reference=reference)

    codes, names = pd.factorize(reference_classes)
    means = pd.DataFrame(reference).groupby(codes).mean().to_numpy()
    row_of_class = pd.Index(names).get_indexer(classes)
    absent = pd.unique(classes[row_of_class < 0])
    if len(absent):
        msg = f"labels_reference has no sample of {list(absent[:5])}, so no class mean is known."
        raise ValueError(msg)
    return float(np.mean((matrix - means[row_of_class]) ** 2))
