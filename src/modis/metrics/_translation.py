"""How far predicted profiles are from the measured ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ._checks import as_matrix, require_same_columns, require_same_length


def mse(x_true: Any, x_pred: Any) -> float:
    """Mean squared error over samples and features.

    Parameters
    ----------
    x_true
        Measured profiles, of shape `(n_samples, n_features)`, dense or sparse.
    x_pred
        Predicted profiles of the same samples and features, in the same order and units.

    Returns
    -------
    The error, in squared units of the data.

    Raises
    ------
    ValueError
        If the shapes differ or a value is NaN or infinite.

    Examples
    --------
    >>> import modis
    >>> modis.metrics.mse([[0.0, 1.0], [2.0, 3.0]], [[0.0, 1.0], [2.0, 5.0]])
    1.0
    """
    true, predicted = as_matrix(x_true, "x_true"), as_matrix(x_pred, "x_pred")
    require_same_length(x_true=true, x_pred=predicted)
    require_same_columns(x_true=true, x_pred=predicted)
    return float(np.mean((true - predicted) ** 2))


def translation_errors(
    truth: Mapping[str, Any], predicted: Mapping[tuple[str, str], Any]
) -> pd.DataFrame:
    """Mean squared error of every reconstruction and translation between modalities.

    Parameters
    ----------
    truth
        Measured profiles by modality, each of shape `(n_samples, n_features of the modality)`,
        of the same samples in the same order.
    predicted
        Predicted profiles by `(source, target)`, each of the shape of `truth[target]`. Source and
        target may be the same modality (a reconstruction).

    Returns
    -------
    Errors, of shape `(n_sources, n_targets)`: rows are sources, columns targets, both in the
    order of `truth`. NaN for pairs that are not in `predicted`.

    Raises
    ------
    KeyError
        If a source or target has no entry in `truth`.
    ValueError
        If a prediction's shape is not that of its target, or a value is NaN or infinite.

    Examples
    --------
    >>> import modis
    >>> truth = {"rna": [[0.0, 1.0]], "protein": [[2.0]]}
    >>> predicted = {("rna", "rna"): [[0.0, 1.0]], ("rna", "protein"): [[5.0]]}
    >>> modis.metrics.translation_errors(truth, predicted)
    target  rna  protein
    source
    rna     0.0      9.0
    """
    if not predicted:
        raise ValueError("predicted is empty; give at least one (source, target) pair.")
    unknown = sorted({name for pair in predicted for name in pair} - set(truth), key=str)
    if unknown:
        msg = f"No truth for {unknown}, which predicted names. Known modalities: {list(truth)}."
        raise KeyError(msg)

    sources, targets = zip(*predicted, strict=True)
    errors = pd.DataFrame(
        np.nan,
        index=pd.Index([name for name in truth if name in sources], name="source"),
        columns=pd.Index([name for name in truth if name in targets], name="target"),
    )
    for (source, target), x_pred in predicted.items():
        try:
            errors.loc[source, target] = mse(truth[target], x_pred)
        except ValueError as error:
            msg = f"Translation from {source!r} (x_pred) to {target!r} (x_true): {error}"
            raise ValueError(msg) from error
    return errors


def all_pairs_baseline(x_true: Any, x_pred: Any) -> float:
    """Mean squared error over all pairs of a measured and a predicted profile.

    The error of predictions that are handed out to samples at random: what a translation must
    beat before it says anything about a sample. The paper defines it as "the mean squared error
    (MSE) for all pairs between each sample and all reconstructions in a given omic".

    Parameters
    ----------
    x_true
        Measured profiles, of shape `(n_samples, n_features)`, dense or sparse.
    x_pred
        Predicted profiles, of shape `(n_predictions, n_features)`; the number of rows may differ.

    Returns
    -------
    The error, in squared units of the data.

    Raises
    ------
    ValueError
        If the numbers of features differ or a value is NaN or infinite.

    Notes
    -----
    The mean over pairs of :math:`(x - y)^2` is the variance of :math:`x`, plus that of :math:`y`,
    plus the squared difference of their means, so no matrix of all pairs is built.

    Examples
    --------
    >>> import modis
    >>> modis.metrics.all_pairs_baseline([[0.0], [2.0]], [[0.0], [2.0]])
    2.0
    """
    true, predicted = as_matrix(x_true, "x_true"), as_matrix(x_pred, "x_pred")
    require_same_columns(x_true=true, x_pred=predicted)
    squared_shift = (true.mean(axis=0) - predicted.mean(axis=0)) ** 2
    return float(np.mean(true.var(axis=0) + predicted.var(axis=0) + squared_shift))
