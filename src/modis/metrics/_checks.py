"""What every metric requires of its arrays."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.utils import check_array


def as_labels(values: ArrayLike, name: str) -> NDArray[np.object_]:
    """Return labels as an object array of shape `(n_samples,)`, refusing missing values."""
    # pandas keeps None and NaN apart from text; np.asarray(["a", nan]) makes the class "nan".
    labels = pd.Series(values).to_numpy(dtype=object)
    missing = np.flatnonzero(pd.isna(labels))
    if len(missing):
        raise ValueError(
            f"{name} has {len(missing)} missing values of {len(labels)} (first at position "
            f"{missing[0]}). Leave these samples out of every array."
        )
    return labels


def as_matrix(values: Any, name: str) -> NDArray[np.float64]:
    """Return a dense matrix of shape `(n_rows, n_columns)`, refusing NaN and infinite values."""
    if hasattr(values, "obs_names"):
        raise TypeError(
            f"{name} is of type {type(values).__name__}; give an array, such as its .X or .obsm "
            "entry."
        )
    dense = values.toarray() if sparse.issparse(values) else np.asarray(values)
    matrix: NDArray[np.float64] = check_array(dense, dtype=np.float64, input_name=name)
    return matrix
