"""What every metric demands of its arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import sparse


def as_labels(values: ArrayLike, name: str) -> NDArray[np.object_]:
    """Labels as a one-dimensional object array, refusing empty input and missing values."""
    # pandas keeps None and NaN apart from text; np.asarray(["a", nan]) makes the class "nan".
    if not isinstance(values, (list, tuple, pd.Series)) and np.ndim(values) != 1:
        msg = f"{name} must be one-dimensional, found shape {np.shape(values)}."
        raise ValueError(msg)
    labels = pd.Series(values).to_numpy(dtype=object)
    if len(labels) == 0:
        raise ValueError(f"{name} is empty.")
    missing = np.flatnonzero(pd.isna(labels))
    if len(missing):
        msg = (
            f"{name} has {len(missing)} missing values of {len(labels)} (first at position "
            f"{missing[0]}). Leave these samples out of every array."
        )
        raise ValueError(msg)
    return labels


def as_matrix(values: Any, name: str) -> NDArray[np.float64]:
    """Return a dense float64 matrix (n_rows, n_columns), refusing NaN and infinite values."""
    if hasattr(values, "obs_names"):
        found = type(values).__name__
        msg = f"{name} is of type {found}; give an array, such as its .X or .obsm entry."
        raise TypeError(msg)
    if sparse.issparse(values):
        values = values.toarray()
    try:
        matrix = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a numeric matrix: {error}") from error
    if matrix.ndim != 2 or 0 in matrix.shape:
        msg = f"{name} must be a non-empty matrix (samples, features), found shape {matrix.shape}."
        raise ValueError(msg)
    bad = ~np.isfinite(matrix)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        msg = (
            f"{name} has {bad.sum()} NaN or infinite values (first in row {row}, column {column})."
        )
        raise ValueError(msg)
    return matrix


def require_same_length(**arrays: NDArray[Any]) -> None:
    """Refuse arrays that cannot belong to the same samples."""
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        msg = f"One entry per sample is needed in every array, but {found}."
        raise ValueError(msg)


def require_same_columns(**matrices: NDArray[np.float64]) -> None:
    """Refuse matrices that cannot share their features or latent dimensions."""
    widths = {name: matrix.shape[1] for name, matrix in matrices.items()}
    if len(set(widths.values())) > 1:
        found = ", ".join(f"{name} has {width}" for name, width in widths.items())
        raise ValueError(f"The columns of all matrices must be the same, but {found}.")


def as_neighbors(n_neighbors: int) -> int:
    """Return the number of neighbours, refusing less than one."""
    if isinstance(n_neighbors, bool) or not isinstance(n_neighbors, (int, np.integer)):
        raise TypeError(f"n_neighbors must be a whole number, found {n_neighbors!r}.")
    if n_neighbors < 1:
        raise ValueError(f"n_neighbors must be at least 1, found {n_neighbors}.")
    return int(n_neighbors)


def true_and_predicted(
    y_true: ArrayLike, y_pred: ArrayLike
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.object_]]:
    """Both label arrays as codes into one sorted array of classes."""
    if (
        isinstance(y_true, pd.Series)
        and isinstance(y_pred, pd.Series)
        and not y_true.index.equals(y_pred.index)
        and y_true.index.sort_values().equals(y_pred.index.sort_values())
    ):
        msg = (
            "y_true and y_pred name the same samples in a different order. "
            "Use y_pred.reindex(y_true.index)."
        )
        raise ValueError(msg)
    true, predicted = as_labels(y_true, "y_true"), as_labels(y_pred, "y_pred")
    require_same_length(y_true=true, y_pred=predicted)
    true_is_text, predicted_is_text = (
        {isinstance(value, str) for value in labels} for labels in (true, predicted)
    )
    if true_is_text.isdisjoint(predicted_is_text):
        msg = (
            f"One of y_true (first value {true[0]!r}) and y_pred (first value {predicted[0]!r}) "
            "holds text and the other does not. Give the class names in both."
        )
        raise ValueError(msg)
    codes, classes = pd.factorize(np.concatenate([true, predicted]), sort=True)
    return codes[: len(true)], codes[len(true) :], classes
