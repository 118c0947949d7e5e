from collections.abc import Mapping

import numpy as np
from sklearn.covariance import ledoit_wolf

from ._translation import class_means

# of a variance, so that it can be divided by
_LEAST = 1e-12


def align(
    points: Mapping[str, np.ndarray], members: Mapping[str, np.ndarray]
) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
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
