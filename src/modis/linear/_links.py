import numpy as np
from scipy import sparse

# Leading components that linked features are read from: what neighbours share, without the noise.
_N_LEADING = 50


def link_views(
    scores: tuple[np.ndarray, np.ndarray],
    bases: tuple[np.ndarray, np.ndarray],
    first: np.ndarray,
    second: np.ndarray,
    weight: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Linked features of two modalities, as maps ``(n_components, n_linked)`` of components.

    Of each linked feature of the second modality: itself there, and in the first modality the
    mean of the features that it is linked to, with variance 1 over the rows. `scores` are
    ``(n, n_components)`` and `bases` ``(n_components, n_features)`` of both modalities.
    """
    linked, row = np.unique(second, return_inverse=True)
    total = np.bincount(row, weights=np.abs(weight))
    shape = (len(linked), bases[0].shape[1])
    means = sparse.coo_array((weight / total[row], (row, first)), shape=shape).tocsr()
    views = []
    for own, view in zip(scores, (means @ bases[0].T, bases[1][:, linked].T), strict=True):
        view = view.T.copy()
        view[_N_LEADING:] = 0
        spread = (own @ view).std(axis=0)
        views.append(view / np.where(spread > 0, spread, np.inf))
    return views[0], views[1]


def linked_axes(
    views: dict[str, list[np.ndarray]], scores: dict[str, np.ndarray], n_axes: int
) -> dict[str, np.ndarray]:
    """Leading axes that the linked features of all modalities vary along.

    `views` are maps ``(n_components, n_linked)``, 0 for links that a modality has no part in.
    """
    stacked = {name: np.hstack(own) for name, own in views.items()}
    covariance = sum(
        own.T @ (scores[name].T @ scores[name] / len(scores[name])) @ own
        for name, own in stacked.items()
    )
    vectors = np.linalg.eigh(covariance)[1][:, ::-1][:, :n_axes]
    return {name: own @ vectors for name, own in stacked.items()}


def link_correlation(source: np.ndarray, target: np.ndarray, apart: np.ndarray) -> float:
    """Correlation of linked features, less class means, with what they are linked to, unpaired.

    If a feature is the one that it is linked to times r, plus noise, its correlations with other
    features are theirs times r squared: a regression through the origin. `apart` tells which two
    share no feature of the source, ``(n_linked, n_linked)``.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        ours = np.nan_to_num(np.corrcoef(source, rowvar=False))[apart]
        theirs = np.nan_to_num(np.corrcoef(target, rowvar=False))[apart]
    # what noise alone adds to the squares of correlations
    signal = np.square(ours).sum() - len(ours) / len(source)
    square = (ours * theirs).sum() / signal if signal > 0 else 0.0
    return float(np.sqrt(np.clip(square, 0, 1)))
