from collections.abc import Mapping

import numpy as np
from numpy.linalg import eigh

#: By modality.
Arrays = Mapping[str, np.ndarray]
# penalties of a ridge regression, as multiples of the mean squared singular value
_PENALTIES = 10.0 ** np.arange(-3.0, 3.1, 0.25)
# rows that the penalty is chosen on, at most
_CHOICE_ROWS = 1_000


def class_means(members: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Means of `y` by class probabilities ``(n, n_classes)``; without rows, the overall mean."""
    n = members.sum(axis=0)[:, None]
    return np.where(n > 1e-6, (members.T @ y) / np.maximum(n, 1e-6), y.mean(axis=0))


def fit_ridge(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ridge regression of `y`, ``(n, n_targets)``, on `x`: coefficients, intercept, and errors.

    The penalty, up to an infinite one, has the least squared error when each of the chosen rows is
    predicted from the others; these are the errors, ``(n_chosen, n_targets)``.
    """
    n, center, mean = len(x), x.mean(axis=0), y.mean(axis=0)
    x, y = x - center, y - mean
    by_rows = n <= x.shape[1]
    values, vectors = eigh(x @ x.T if by_rows else x.T @ x)
    values = np.maximum(values, 0.0)
    left = vectors if by_rows else x @ vectors / np.sqrt(np.maximum(values, 1e-12))
    projected = left.T @ y
    rows = chosen_rows(n)
    tested, seen = y[rows], left[rows]
    errors, shrink = tested * n / max(n - 1, 1), np.zeros_like(values)
    best = np.square(errors).sum()
    for penalty in _PENALTIES * max(values.sum() / n, 1e-12):
        share = values / (values + penalty)
        own = np.maximum(1 - np.square(seen) @ share - 1 / n, 1e-6)
        residual = (tested - seen @ (share[:, None] * projected)) / own[:, None]
        if (error := np.square(residual).sum()) < best:
            best, errors, shrink = error, residual, 1 / (values + penalty)
    if by_rows:
        coefficients = x.T @ (left @ (shrink[:, None] * projected))
    else:
        coefficients = vectors @ ((shrink * np.sqrt(values))[:, None] * projected)
    return coefficients, mean - center @ coefficients, errors


def chosen_rows(n: int) -> np.ndarray:
    """Rows of `n` that penalties are chosen on."""
    return np.random.default_rng(0).permutation(n)[:_CHOICE_ROWS]
