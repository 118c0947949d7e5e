from typing import NamedTuple

import numpy as np
from sklearn.utils.extmath import randomized_svd

# numbers of components that are tried; 0 fills with the mean
_SIZES = (20, 10, 5, 2, 0)
# Share of the values there are that the number is chosen on.
_HELD_OUT = 0.1
_N_ROUNDS = 5
# values that the number of components is chosen on, at most
_CHOICE_VALUES = 2**18


class Imputation(NamedTuple):
    """Probabilistic principal components (Tipping and Bishop, 1999) that fill missing values.

    What is missing gets its expectation given what is there, within the range of the training
    rows. ``loadings`` are ``(n_components, n_features)``.
    """

    location: np.ndarray
    scale: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    loadings: np.ndarray
    noise: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Rows ``(n, n_features)`` with their missing values, NaN, filled."""
        missing = np.isnan(x)
        rows = np.flatnonzero(missing.any(axis=1))
        if not len(rows):
            return x
        missing = missing[rows]
        scaled = np.where(missing, 0.0, (x[rows] - self.location) / self.scale)
        filled = _expected(scaled, missing, self.loadings, float(self.noise))
        filled = np.clip(filled * self.scale + self.location, self.lowest, self.highest)
        whole = x.copy()
        whole[rows] = np.where(missing, filled, x[rows])
        return whole


def fit_imputation(x: np.ndarray) -> Imputation:
    """Model of training rows, with as many components as best predict values set aside."""
    x = x.astype(np.float64)
    x[:, np.isnan(x).all(axis=0)] = 0
    location, scale = np.nanmean(x, axis=0), np.nanstd(x, axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    scaled = (x - location) / scale
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(x))[: max(10, _CHOICE_VALUES // x.shape[1])]
    some = scaled[rows]
    aside = (rng.random(some.shape) < _HELD_OUT) & ~np.isnan(some)
    seen = np.where(aside, np.nan, some)
    best, least = 0, np.inf
    for size in _SIZES:
        if size < min(some.shape) / 2:
            error = np.square((_fit(seen, size)[0] - some)[aside]).sum()
            # where they are level, the fewer components
            best, least = (size, error) if error <= least else (best, least)
    _, loadings, noise = _fit(scaled, best)
    lowest, highest = np.nanmin(x, axis=0), np.nanmax(x, axis=0)
    return Imputation(location, scale, lowest, highest, loadings, np.array(noise))


def _fit(x: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Rows with missing values filled, loadings and noise, estimated alternately."""
    missing = np.isnan(x)
    filled = np.where(missing, 0.0, x)
    loadings, noise = np.zeros((0, x.shape[1])), 1.0
    for _ in range(_N_ROUNDS if size else 0):
        _, singular, vectors = randomized_svd(filled, size, random_state=0)
        variance = np.square(singular) / len(x)
        total = np.square(filled).sum() / len(x) + missing.mean(axis=0).sum() * noise
        noise = max((total - variance.sum()) / max(1, x.shape[1] - size), 1e-6)
        loadings = np.sqrt(np.maximum(variance - noise, 0))[:, None] * vectors
        if not missing.any():
            break
        expected = _expected(filled, missing, loadings, noise)
        filled = np.where(missing, expected, filled)
    return filled, loadings, noise


def _expected(
    x: np.ndarray, missing: np.ndarray, loadings: np.ndarray, noise: float
) -> np.ndarray:
    """Expected rows given the values that are not `missing`, ``(n, n_features)``."""
    size = len(loadings)
    if not size:
        return np.zeros_like(x)
    there = (~missing).astype(x.dtype)
    products = (loadings[:, None] * loadings).reshape(size * size, -1)
    precision = (there @ products.T).reshape(-1, size, size) + noise * np.eye(size)
    place = np.linalg.solve(precision, ((x * there) @ loadings.T)[..., None])[..., 0]
    return place @ loadings
