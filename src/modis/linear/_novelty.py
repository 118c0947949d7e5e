from typing import NamedTuple

import numpy as np
from scipy.stats import norm
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA

from ._classes import folds

_N_COMPONENTS = 50
# folds of the training samples: at least and at most, and how many rows all of them may train on
_N_FOLDS, _FOLDED_ROWS = (10, 20), 10_000
# Share of the level for gross errors, far outside of what any training sample shows.
_FOR_GROSS = 0.05


class Alarm(NamedTuple):
    """How far samples of one modality are from the training samples, as a p-value.

    The Mahalanobis distance to the nearest class on leading components and the probability of the
    likeliest class are compared with those of training samples out of fold, by Fisher's sum of log
    p-values. For gross errors, distance and what the components leave are compared with normal
    distributions of their logarithms, ``usual``. The smaller p-value, weighted, is compared with
    those of the same samples. Arrays are as :func:`fit_alarm` makes them; nulls are sorted.
    """

    center: np.ndarray
    basis: np.ndarray
    whiten: np.ndarray
    means: np.ndarray
    distances: np.ndarray
    probabilities: np.ndarray
    sums: np.ndarray
    least: np.ndarray
    usual: np.ndarray

    def __call__(self, x: np.ndarray, probability: np.ndarray | None) -> np.ndarray:
        """P-values ``(n,)`` of features ``(n, n_features)``, given that of the likeliest class."""
        distance, rest = _measure(x, self.center, self.basis, self.whiten, self.means)
        total = -np.log(_upper(distance, self.distances))
        if probability is not None and len(self.probabilities):
            total -= np.log(_upper(-probability, -self.probabilities[::-1]))
        least = _least(_upper(total, self.sums), _logs(distance, rest), self.usual)
        return _upper(-least, -self.least[::-1])

    def place(self, x: np.ndarray) -> np.ndarray:
        """Place of scaled features where Mahalanobis distances are Euclidean."""
        return (x - self.center) @ self.basis.T @ self.whiten

    def odds(self, points: np.ndarray, prototype: np.ndarray) -> np.ndarray:
        """Log-odds ``(n,)`` of a Gaussian class at `prototype` against the nearest other."""
        own = np.square(points - prototype).sum(axis=1)
        return (_nearest(points, self.means) - own) / 2


def fit_alarm(
    x: np.ndarray, codes: np.ndarray, probability: np.ndarray | None
) -> tuple[Alarm, np.ndarray]:
    """Learn from scaled training rows of classes `codes`; also their p-values among the others.

    `probability` is that of the likeliest class out of fold, ``(n,)``, or `None` without classes.
    """
    # components fit fewer rows more closely; many folds make that difference small
    n_folds = int(np.clip(_FOLDED_ROWS // len(x), *_N_FOLDS))
    parts, turned, (distance, rest) = folds(codes, n_folds), _turn(x), np.zeros((2, len(x)))
    n_components = min(_N_COMPONENTS, *(len(train) - 1 for train, _ in parts), x.shape[1])
    for train, test in parts:
        described = _describe(turned[train], codes[train], n_components)
        distance[test], rest[test] = _measure(turned[test], *described)
    rest *= turned.shape[1] / x.shape[1]
    probability = np.empty(0) if probability is None else probability
    total = -np.log(_upper_within(distance))
    if len(probability):
        total -= np.log(_upper_within(-probability))
    logs = _logs(distance, rest)
    usual = np.stack([logs.mean(axis=0), np.maximum(logs.std(axis=0, ddof=1), 1e-3)])
    least = _least(_upper_within(total), logs, usual)
    center, basis, whiten, means = _describe(x, codes, n_components)
    distances, probabilities, sums, smallest = map(np.sort, (distance, probability, total, least))
    null = distances, probabilities, sums, smallest
    return Alarm(center, basis, whiten, means, *null, usual), _upper_within(-least)


def _turn(x: np.ndarray) -> np.ndarray:
    """Rows at the same distances from one another, with no more features than rows."""
    if len(x) >= x.shape[1]:
        return x
    x = x - x.mean(axis=0)
    variances, axes = np.linalg.eigh(x @ x.T)
    return axes * np.sqrt(np.maximum(variances, 0))


def _describe(
    x: np.ndarray, codes: np.ndarray, n_components: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Center, basis, whitening and means of classes."""
    # of rows that are all alike
    with np.errstate(invalid="ignore", divide="ignore"):
        found = PCA(n_components, random_state=0).fit(x)
    points = found.transform(x)
    classes, member = np.unique(codes, return_inverse=True)
    means = np.stack([points[member == k].mean(axis=0) for k in range(len(classes))])
    covariance = LedoitWolf(assume_centered=True).fit(points - means[member]).covariance_
    variances, axes = np.linalg.eigh(covariance)
    whiten = axes / np.sqrt(np.maximum(variances, 1e-6 * variances.max() + 1e-12))
    return found.mean_, found.components_, whiten, means @ whiten


def _measure(
    x: np.ndarray, center: np.ndarray, basis: np.ndarray, whiten: np.ndarray, means: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Squared distance to the nearest class, and the mean square that is left."""
    points = (x - center) @ basis.T
    left = np.square(x - center - points @ basis).mean(axis=1)
    return _nearest(points @ whiten, means), left


def _nearest(points: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Squared distance to the nearest mean, ``(n,)``."""
    apart = np.square(points).sum(axis=1)[:, None] - 2 * points @ means.T
    return (apart + np.square(means).sum(axis=1)).min(axis=1)


def _least(p_value: np.ndarray, logs: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """The smaller of the p-values of novelty and of gross errors, weighted, ``(n,)``."""
    gross = norm.sf(np.abs((logs - usual[0]) / usual[1]).max(axis=1))
    return np.minimum(p_value / (1 - _FOR_GROSS), gross / _FOR_GROSS)


def _logs(distance: np.ndarray, rest: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(np.stack([distance, rest], axis=1), 1e-6))


def _upper(values: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Share of a sorted null that is at least as high, never 0; each value is one more."""
    return (1 + len(null) - np.searchsorted(null, values)) / (len(null) + 1)


def _upper_within(values: np.ndarray) -> np.ndarray:
    """What `_upper` says of each value among the others."""
    return (len(values) - np.searchsorted(np.sort(values), values)) / len(values)
