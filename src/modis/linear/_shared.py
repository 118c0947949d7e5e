from collections.abc import Mapping

import numpy as np
from scipy.linalg import eigh

# Shrinkage of the covariances, from canonical correlation (0) to partial least squares (1).
_SHRINKAGES = (0.1, 0.3, 0.6, 0.9)
_N_FOLDS = 4
_CLOSE_TO_ONE = 0.99

Pairs = Mapping[tuple[str, str], tuple[np.ndarray, np.ndarray]]


def fit_shared(
    scores: Mapping[str, np.ndarray], pairs: Pairs, n_axes: int
) -> dict[str, np.ndarray] | None:
    """Axes that paired modalities share, by regularised generalised canonical correlation.

    `scores` are principal components by modality, ``(n, n_components)``, of all rows, paired or
    not, with mean 0; `pairs` holds the rows of the same observations. The shrinkage of the
    covariances and the weight of each axis come from held-out pairs: an axis of correlation r
    weighs ``sqrt(r / (1 - r^2))``, as in the likelihood that two rows are of one observation.
    Returns a map ``(n_components, n_axes)`` by modality, or `None` if held-out pairs do not
    correlate. Tenenhaus and Tenenhaus (2011), *Regularized generalized canonical correlation
    analysis*.
    """
    n_axes = min(n_axes, sum(own.shape[1] for own in scores.values()))
    best, chosen = 0.0, None
    for shrinkage in _SHRINKAGES:
        correlation = _held_out_correlation(scores, pairs, shrinkage, n_axes)
        weight = np.sqrt(correlation / (1 - np.square(correlation)))
        if (total := np.square(weight).sum()) > best:
            best, chosen = total, (shrinkage, weight)
    if chosen is None:
        return None
    shrinkage, weight = chosen
    axes = _axes(scores, pairs, shrinkage, n_axes)
    return {
        name: own * weight / np.maximum((scores[name] @ own).std(axis=0), 1e-9)
        for name, own in axes.items()
    }


def _held_out_correlation(
    scores: Mapping[str, np.ndarray], pairs: Pairs, shrinkage: float, n_axes: int
) -> np.ndarray:
    """Correlation along each axis in held-out pairs, mean over folds and pairs, ``(n_axes,)``."""
    # of each pair of modalities: products of both sides, and squares of either
    sums = {pair: np.zeros((3, n_axes)) for pair in pairs}
    fold = {
        pair: np.random.default_rng(0).permutation(len(rows)) % _N_FOLDS
        for pair, (rows, _) in pairs.items()
    }
    for k in range(_N_FOLDS):
        kept = {
            pair: tuple(rows[fold[pair] != k] for rows in both) for pair, both in pairs.items()
        }
        axes = _axes(scores, kept, shrinkage, n_axes)
        for (a, b), (first, second) in pairs.items():
            test = fold[a, b] == k
            ours, theirs = scores[a][first[test]] @ axes[a], scores[b][second[test]] @ axes[b]
            sums[a, b] += [
                (u * v).sum(axis=0) for u, v in ((ours, theirs), (ours, ours), (theirs, theirs))
            ]
    n = np.array([len(rows) for rows, _ in pairs.values()])
    each = [own[0] / np.sqrt(np.maximum(own[1] * own[2], 1e-24)) for own in sums.values()]
    correlation = n @ np.stack(each) / n.sum()
    # what is within two standard errors of 0 may be chance
    correlation[correlation < 2 / np.sqrt(n.sum())] = 0
    return np.clip(correlation, 0.0, _CLOSE_TO_ONE)


def _axes(
    scores: Mapping[str, np.ndarray], pairs: Pairs, shrinkage: float, n_axes: int
) -> dict[str, np.ndarray]:
    """Leading axes, ``(n_components, n_axes)`` by modality."""
    ends = np.cumsum([own.shape[1] for own in scores.values()])
    place = {
        name: slice(end - own.shape[1], end)
        for (name, own), end in zip(scores.items(), ends, strict=True)
    }
    shared, own_covariance = np.zeros((ends[-1], ends[-1])), np.zeros((ends[-1], ends[-1]))
    for name, own in scores.items():
        covariance = own.T @ own / len(own)
        mean_variance = np.trace(covariance) / len(covariance)
        own_covariance[place[name], place[name]] = (1 - shrinkage) * covariance + (
            shrinkage * mean_variance + 1e-9
        ) * np.eye(len(covariance))
    for (a, b), (first, second) in pairs.items():
        ours, theirs = scores[a][first], scores[b][second]
        cross = (ours - ours.mean(axis=0)).T @ (theirs - theirs.mean(axis=0)) / len(first)
        shared[place[a], place[b]], shared[place[b], place[a]] = cross, cross.T
    last = ends[-1] - 1
    vectors = eigh(shared, own_covariance, subset_by_index=[last - n_axes + 1, last])[1]
    return {name: vectors[own, ::-1] for name, own in place.items()}
