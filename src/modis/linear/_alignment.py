from collections.abc import Mapping

import numpy as np

from ._translation import class_means

# share of the mean variance that is added to every variance
_FLOOR = 1e-3


def align(
    points: Mapping[str, np.ndarray], members: Mapping[str, np.ndarray]
) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Give the points of all modalities the same means and covariance within classes.

    What unpaired modalities differ by within a class cannot be told from what only one of them
    measures, so that the points take the means and the covariance over modalities (correlation
    alignment). `points` are ``(n, n_latent)`` by modality and `members` class probabilities
    ``(n, n_classes)``. Returns, by modality, what to subtract from the points of a class
    ``(n_classes, n_latent)``, a map ``(n_latent, n_latent)`` for what is left, and what to add
    ``(n_classes, n_latent)``.
    """
    means = {name: class_means(members[name], own) for name, own in points.items()}
    rest = {name: own - members[name] @ means[name] for name, own in points.items()}
    covariance = {name: own.T @ own / len(own) for name, own in rest.items()}
    common = sum(covariance.values()) / len(points)
    floor = _FLOOR * np.trace(common) / len(common) * np.eye(len(common))
    weight = {name: own.sum(axis=0)[:, None] for name, own in members.items()}
    total = np.maximum(sum(weight.values()), 1e-9)
    added = sum(weight[name] * means[name] for name in points) / total
    target = _power(common + floor, 0.5)
    return {
        name: (means[name], _power(covariance[name] + floor, -0.5) @ target, added)
        for name in points
    }


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """Power of a symmetric matrix with positive eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, 1e-12) ** exponent) @ vectors.T
