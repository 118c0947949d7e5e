"""The error of predicting the class mean."""

from __future__ import annotations  # the docs say ArrayLike, and not what it is made of

from typing import Any

import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import mean_squared_error
from sklearn.utils import check_consistent_length

from ._checks import as_labels, as_matrix


def within_class_variance(
    x: Any,
    labels: ArrayLike,
    x_reference: Any | None = None,
    labels_reference: ArrayLike | None = None,
) -> float:
    """Measure the mean squared distance of samples from the mean profile of their class.

    Where modalities are independent given the class, as in InterSIM data, one modality says
    nothing about another beyond the class: the best translation is the class mean, and this is
    its error. Compare with it the mean squared error of translations into the same modality.

    Parameters
    ----------
    x
        Measured profiles, of shape `(n_samples, n_features)`, dense or sparse.
    labels
        Their classes, of shape `(n_samples,)`, without missing values.
    x_reference, labels_reference
        Profiles that the class means are taken from, such as the training samples, of shape
        `(n_reference, n_features)`, and their classes, of shape `(n_reference,)`. By default
        those of `x`, whose means are closer to its own samples than to new ones: with `n` samples
        in a class, by the factor `(n - 1) / n`.

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
    check_consistent_length(matrix, classes)
    if (x_reference is None) != (labels_reference is None):
        raise TypeError("Give x_reference and labels_reference together, or neither.")
    reference, reference_classes = matrix, classes
    if x_reference is not None and labels_reference is not None:
        reference = as_matrix(x_reference, "x_reference")
        reference_classes = as_labels(labels_reference, "labels_reference")
        check_consistent_length(reference, reference_classes)

    means = pd.DataFrame(reference).groupby(reference_classes).mean()
    absent = pd.Index(classes).difference(means.index)
    if len(absent):
        raise ValueError(
            f"labels_reference has no sample of {list(absent[:5])}, so no class mean is known."
        )
    return float(mean_squared_error(matrix, means.reindex(classes)))
