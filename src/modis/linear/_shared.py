from collections.abc import Mapping, Sequence

import numpy as np
from scipy.linalg import eigh
from scipy.spatial.distance import cdist
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


def fit_shared(
    scores: Arrays, pairs: Pairs, n_axes: int, folds: Arrays
) -> tuple[dict[str, np.ndarray], list[dict[str, np.ndarray]]]:
    """Axes that paired modalities share, by regularised generalised canonical correlation.

    `scores` are principal components ``(n, n_components)`` of all rows, with mean 0, and `pairs`
    rows of the same observations. Shrinkage and weights come from held-out pairs: an axis of
    correlation r weighs ``sqrt(r / (1 - r^2))``, as in the likelihood that two rows are of one
    observation. An observation has the same of the `folds` in all modalities, or else its other
    pairs would show what is held out. Returns maps ``(n_components, n_axes)``, and those
    without each fold; none if held-out pairs do not correlate. Tenenhaus and Tenenhaus (2011).
    """
    n_axes = min(n_axes, sum(own.shape[1] for own in scores.values()))
    best, chosen = 0.0, None
    for shrinkage in _SHRINKAGES:
        sums, n, by_fold = _hold_out(scores, pairs, folds, shrinkage, n_axes)
        weight = _weight(sums.sum(axis=0), n.sum(axis=0))
        if (total := np.square(weight).sum()) > best:
            # pairs of a fold, which judge its axes, do not weigh them
            others = map(_weight, sums.sum(axis=0) - sums, n.sum(axis=0) - n)
            best, chosen = total, (shrinkage, [weight, *others], by_fold)
    if chosen is None:
        return {}, []
    shrinkage, weights, by_fold = chosen
    found = zip(weights, (_axes(scores, pairs, shrinkage, n_axes, scores), *by_fold), strict=True)
    axes, *by_fold = ({name: own * weight for name, own in x.items()} for weight, x in found)
    return axes, by_fold


def fit_scale(
    pairs: Pairs,
    folds: Arrays,
    shared: Sequence[Arrays],
    class_places: Arrays,
    link_places: Arrays,
    by_links: float,
) -> tuple[float, float]:
    """Scales of what pairs and links share, by how they match pairs; that of the classes is 1.

    `shared` are places ``(n, n_axes)`` of all rows on axes that were found without each fold.
    Places by classes, out of fold, are ``(n, n_classes)``, those by links ``(n, n_linked)``. The
    error is the share of the fold's rows that are closer than the match. Before pairs tell, the
    scales are 0 and `by_links`; they change as far as it is sure that the error falls.
    """
    rng, cases = np.random.default_rng(0), []
    for k, places in enumerate(shared):
        parts = class_places, places, link_places
        for (a, b), both in pairs.items():
            rows = rng.permutation(np.flatnonzero(folds[a][both[0]] == k))[:_MATCHED_ROWS]
            sides = ((a, both[0][rows]), (b, both[1][rows]))
            for own, match in (sides, sides[::-1]):
                there = np.flatnonzero(folds[match[0]] == k)
                others = match[0], rng.permutation(there)[:_MATCHED_ROWS]
                cases.append([[x[name][at] for x in parts] for name, at in (own, match, others)])

    def errors(by_pairs: float, by_links: float) -> np.ndarray:
        found = []
        for case in cases:
            own, match, others = (np.hstack([x, by_pairs * y, by_links * z]) for x, y, z in case)
            apart = cdist(own, others) - np.linalg.norm(own - match, axis=1)[:, None]
            found.append(0.5 - 0.5 * np.sign(apart).mean(axis=1))
        # both directions of a pair are one observation
        return (np.concatenate(found[::2]) + np.concatenate(found[1::2])) / 2

    if not cases:
        return 0.0, by_links
    if next(iter(link_places.values())).shape[1]:
        tried = {scale: errors(0, scale) for scale in _SCALES}
        best = min(tried, key=lambda scale: tried[scale].mean())
        by_links += (best - by_links) * _certainty(errors(0, by_links) - tried[best])
    tried = {scale: errors(scale, by_links) for scale in _SCALES}
    best = min(tried, key=lambda scale: tried[scale].mean())
    return best * _certainty(tried[0.0] - tried[best]), by_links


def _certainty(gain: np.ndarray) -> float:
    """Square of a mean over that and the square of its standard error; 0 if there is no gain."""
    mean, square = max(0.0, gain.mean()), gain.var() / len(gain)
    return float(mean**2 / (mean**2 + square)) if mean else 0.0


def _hold_out(
    scores: Arrays, pairs: Pairs, folds: Arrays, shrinkage: float, n_axes: int
) -> tuple[np.ndarray, np.ndarray, list[dict[str, np.ndarray]]]:
    """Of each fold and pair of modalities, how held-out pairs lie on axes of the other folds.

    Sums ``(n_folds, n_pairs, 3, n_axes)`` of products and squares, numbers of rows, and axes.
    """
    sums, n, by_fold = np.zeros((N_FOLDS, len(pairs), 3, n_axes)), [], []
    for k in range(N_FOLDS):
        test = {(a, b): folds[a][rows] == k for (a, b), (rows, _) in pairs.items()}
        kept = {pair: tuple(rows[~test[pair]] for rows in both) for pair, both in pairs.items()}
        others = {name: own[folds[name] != k] for name, own in scores.items()}
        axes = _axes(scores, kept, shrinkage, n_axes, others)
        by_fold.append(axes)
        n.append([own.sum() for own in test.values()])
        for own, ((a, b), both) in zip(sums[k], pairs.items(), strict=True):
            first, second = (rows[test[a, b]] for rows in both)
            ours, theirs = scores[a][first] @ axes[a], scores[b][second] @ axes[b]
            own[:] = [
                (u * v).sum(axis=0) for u, v in ((ours, theirs), (ours, ours), (theirs, theirs))
            ]
    return sums, np.array(n), by_fold


def _weight(sums: np.ndarray, n: np.ndarray) -> np.ndarray:
    """What axes weigh by their correlation, the mean over pairs of modalities, ``(n_axes,)``."""
    each = sums[:, 0] / np.sqrt(np.maximum(sums[:, 1] * sums[:, 2], 1e-24))
    total = max(1, n.sum())
    correlation = np.minimum(n @ each / total, _CLOSE_TO_ONE)
    # what is within two standard errors of 0 may be chance
    correlation[correlation < 2 / np.sqrt(total)] = 0
    return np.sqrt(correlation / (1 - np.square(correlation)))


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
