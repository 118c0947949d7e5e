from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh
from sklearn.covariance import ledoit_wolf

from ._translation import Arrays, class_means

# Shrinkage of the covariances, from canonical correlation (0) to partial least squares (1).
_SHRINKAGES = (0.1, 0.3, 0.6, 0.9)
#: Folds of pairs.
N_FOLDS = 4
_CLOSE_TO_ONE = 0.99

# Scales that are tried; that of the class coordinates is 1.
_SCALES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.9)
# of a variance, so that it can be divided by
_LEAST = 1e-12
# held-out pairs of a fold that are matched, at most
_MATCHED_ROWS = 500

Pairs = Mapping[tuple[str, str], tuple[np.ndarray, np.ndarray]]


class HeldOut(NamedTuple):
    """Pairs of one fold: rows of both modalities, and their places on axes of the other folds."""

    pair: tuple[str, str]
    rows: tuple[np.ndarray, np.ndarray]
    places: tuple[np.ndarray, np.ndarray]


def fit_shared(
    scores: Arrays, pairs: Pairs, n_axes: int, folds: Arrays
) -> tuple[dict[str, np.ndarray], list[HeldOut], list[dict[str, np.ndarray]]]:
    """Axes that paired modalities share, by regularised generalised canonical correlation.

    `scores` are principal components ``(n, n_components)`` of all rows, with mean 0, and `pairs`
    rows of the same observations. Shrinkage and weights come from held-out pairs: an axis of
    correlation r weighs ``sqrt(r / (1 - r^2))``, as in the likelihood that two rows are of one
    observation. An observation has the same of the `folds` in all modalities, or else its other
    pairs would show what is held out. Returns maps ``(n_components, n_axes)``, the held-out pairs,
    and the maps without each fold; none if held-out pairs do not correlate. Tenenhaus and
    Tenenhaus (2011).
    """
    n_axes = min(n_axes, sum(own.shape[1] for own in scores.values()))
    best, chosen = 0.0, None
    for shrinkage in _SHRINKAGES:
        correlation, *found = _hold_out(scores, pairs, folds, shrinkage, n_axes)
        weight = np.sqrt(correlation / (1 - np.square(correlation)))
        if (total := np.square(weight).sum()) > best:
            best, chosen = total, (shrinkage, weight, *found)
    if chosen is None:
        return {}, [], []
    shrinkage, weight, held_out, by_fold = chosen
    axes = _axes(scores, pairs, shrinkage, n_axes, scores)
    weighted = [own._replace(places=tuple(x * weight for x in own.places)) for own in held_out]
    axes, *by_fold = ({name: own * weight for name, own in x.items()} for x in (axes, *by_fold))
    return axes, weighted, by_fold


def fit_scale(
    held_out: list[HeldOut], class_places: Arrays, error: Callable[[np.ndarray, np.ndarray], float]
) -> float | None:
    """Scale of the shared axes with the least `error` of matching; that of the classes is 1.

    `class_places` are ``(n, n_classes)``, out of fold. `None` if no fold has several pairs.
    """
    rng, folds = np.random.default_rng(0), []
    for own in held_out:
        kept = rng.permutation(len(own.rows[0]))[:_MATCHED_ROWS]
        if len(kept) > 1:
            sides = zip(*own, strict=True)
            folds.append([(class_places[n][rows[kept]], axes[kept]) for n, rows, axes in sides])

    def mean_error(scale: float) -> float:
        places = ([np.hstack([own, scale * axes]) for own, axes in fold] for fold in folds)
        return float(np.mean([error(ours, theirs) for ours, theirs in places]))

    return min(_SCALES, key=mean_error) if folds else None


def _hold_out(
    scores: Arrays, pairs: Pairs, folds: Arrays, shrinkage: float, n_axes: int
) -> tuple[np.ndarray, list[HeldOut], list[dict[str, np.ndarray]]]:
    """Correlation along each axis in held-out pairs, mean over folds and pairs, ``(n_axes,)``."""
    fold = {(a, b): folds[a][rows] for (a, b), (rows, _) in pairs.items()}
    held_out, by_fold = [], []
    # of each pair of modalities: products of both sides, and squares of either
    sums = {pair: np.zeros((3, n_axes)) for pair in pairs}
    for k in range(N_FOLDS):
        kept = {
            pair: tuple(rows[fold[pair] != k] for rows in both) for pair, both in pairs.items()
        }
        others = {name: own[folds[name] != k] for name, own in scores.items()}
        axes = _axes(scores, kept, shrinkage, n_axes, others)
        by_fold.append(axes)
        for (a, b), (first, second) in pairs.items():
            test = fold[a, b] == k
            ours, theirs = scores[a][first[test]] @ axes[a], scores[b][second[test]] @ axes[b]
            held_out.append(HeldOut((a, b), (first[test], second[test]), (ours, theirs)))
            sums[a, b] += [
                (u * v).sum(axis=0) for u, v in ((ours, theirs), (ours, ours), (theirs, theirs))
            ]
    n = np.array([len(rows) for rows, _ in pairs.values()])
    each = [own[0] / np.sqrt(np.maximum(own[1] * own[2], 1e-24)) for own in sums.values()]
    correlation = n @ np.stack(each) / n.sum()
    # what is within two standard errors of 0 may be chance
    correlation[correlation < 2 / np.sqrt(n.sum())] = 0
    return np.clip(correlation, 0.0, _CLOSE_TO_ONE), held_out, by_fold


def _axes(
    scores: Arrays, pairs: Pairs, shrinkage: float, n_axes: int, spread: Arrays
) -> dict[str, np.ndarray]:
    """Leading axes of unit variance, ``(n_components, n_axes)`` by modality."""
    ends = np.cumsum([own.shape[1] for own in scores.values()])
    place = {
        name: slice(end - own.shape[1], end)
        for (name, own), end in zip(scores.items(), ends, strict=True)
    }
    shared, own_covariance = np.zeros((ends[-1], ends[-1])), np.zeros((ends[-1], ends[-1]))
    for name, own in spread.items():
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
    axes = {name: vectors[own, ::-1] for name, own in place.items()}
    return {
        name: own / np.maximum((spread[name] @ own).std(axis=0), 1e-9)
        for name, own in axes.items()
    }


def align(points: Arrays, members: Arrays) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Give points ``(n, n_latent)`` of all modalities the same means and spread within classes.

    `members` are class probabilities ``(n, n_classes)``. Returns, by modality, what to subtract
    from the points of a class, ``(n_classes, n_latent)``, a map for what is left, and what to add.
    """
    means = {name: class_means(members[name], own) for name, own in points.items()}
    rest = {name: own - members[name] @ means[name] for name, own in points.items()}
    # of few points, a direction that hardly varied must not be blown up in new ones
    covariance = {
        name: ledoit_wolf(own, assume_centered=True)[0]
        for name, own in rest.items()
        if np.square(own).sum() > _LEAST
    }
    weight = {name: own.sum(axis=0)[:, None] for name, own in members.items()}
    total = np.maximum(sum(weight.values()), 1e-9)
    added = sum(weight[name] * means[name] for name in points) / total
    turns = dict.fromkeys(points, np.eye(added.shape[1]))
    if covariance:
        target = _power(sum(covariance.values()) / len(covariance), 0.5)
        turns |= {name: _power(own, -0.5) @ target for name, own in covariance.items()}
    return {name: (means[name], turns[name], added) for name in points}


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """Power of a symmetric matrix with positive eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, _LEAST) ** exponent) @ vectors.T
