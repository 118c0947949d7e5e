"""How often the predicted class is the true one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._checks import true_and_predicted


def accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Fraction of samples whose predicted class is the true one.

    Parameters
    ----------
    y_true
        True classes, of shape `(n_samples,)`, without missing values.
    y_pred
        Predicted classes, of shape `(n_samples,)`, in the same order.

    Returns
    -------
    A number between 0 and 1. On classes of unequal size it hides a class that is never found:
    see :func:`~modis.metrics.balanced_accuracy` and :func:`~modis.metrics.recall_per_class`.

    Raises
    ------
    ValueError
        If the arrays are empty, differ in length or have missing values.

    Examples
    --------
    >>> import modis
    >>> modis.metrics.accuracy(["LumA", "LumA", "Her2"], ["LumA", "LumA", "LumA"])
    0.6666666666666666
    """
    true, predicted, _ = true_and_predicted(y_true, y_pred)
    return float(np.mean(true == predicted))


def balanced_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Mean recall over the classes present in `y_true`.

    Parameters
    ----------
    y_true
        True classes, of shape `(n_samples,)`, without missing values.
    y_pred
        Predicted classes, of shape `(n_samples,)`, in the same order. A class that stands in
        `y_pred` only counts as an error and has no recall of its own.

    Returns
    -------
    A number between 0 and 1.

    Raises
    ------
    ValueError
        If the arrays are empty, differ in length or have missing values.

    Examples
    --------
    >>> import modis
    >>> modis.metrics.balanced_accuracy(["LumA", "LumA", "Her2"], ["LumA", "LumA", "LumA"])
    0.5
    """
    hits, n_true, _ = _counts(y_true, y_pred)
    present = n_true > 0
    return float(np.mean(hits[present] / n_true[present]))


def inverse_frequency_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Accuracy with every sample weighted by the inverse frequency of its true class (W-ACC).

    The weights of a class add up to the same total for every class, so with the frequencies of
    `y_true` itself this is the number that :func:`~modis.metrics.balanced_accuracy` gives. It is
    kept under the name by which published results report it.

    Parameters
    ----------
    y_true
        True classes, of shape `(n_samples,)`, without missing values.
    y_pred
        Predicted classes, of shape `(n_samples,)`, in the same order.

    Returns
    -------
    A number between 0 and 1.

    Raises
    ------
    ValueError
        If the arrays are empty, differ in length or have missing values.

    Examples
    --------
    >>> import modis
    >>> modis.metrics.inverse_frequency_accuracy(
    ...     ["LumA", "LumA", "Her2"], ["LumA", "Her2", "Her2"]
    ... )
    0.75
    """
    true, predicted, _ = true_and_predicted(y_true, y_pred)
    weights = 1 / np.bincount(true)[true]
    return float(np.average(true == predicted, weights=weights))


def jaccard(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Jaccard index, averaged over the classes without weights (macro).

    For one class: samples that truly belong to it and are predicted so, divided by samples of
    which at least one of the two holds.

    Parameters
    ----------
    y_true
        True classes, of shape `(n_samples,)`, without missing values.
    y_pred
        Predicted classes, of shape `(n_samples,)`, in the same order. A class that stands in
        `y_pred` only has an index of 0 and counts in the mean, as in scikit-learn.

    Returns
    -------
    A number between 0 and 1.

    Raises
    ------
    ValueError
        If the arrays are empty, differ in length or have missing values.

    Examples
    --------
    >>> import modis
    >>> modis.metrics.jaccard(["LumA", "LumA", "Her2"], ["LumA", "Her2", "Her2"])
    0.5
    """
    hits, n_true, n_predicted = _counts(y_true, y_pred)
    return float(np.mean(hits / (n_true + n_predicted - hits)))


def _counts(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[NDArray[np.intp], ...]:
    """Per class: samples found, samples true, samples predicted."""
    # scikit-learn's own scores warn on classes that are only predicted and on many small classes.
    true, predicted, classes = true_and_predicted(y_true, y_pred)
    n = len(classes)
    return (
        np.bincount(true[true == predicted], minlength=n),
        np.bincount(true, minlength=n),
        np.bincount(predicted, minlength=n),
    )
