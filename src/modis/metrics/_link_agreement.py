"""Agreement of feature links with the data."""

from __future__ import annotations  # the docs say ArrayLike, and not what it is made of

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.utils import check_consistent_length

from ._checks import as_matrix

MIN_FEATURES = 4
# Of more, so many are drawn at random, since time grows with their square.
MAX_FEATURES = 500
# So many random links tell true links from wrong ones.
N_PERMUTATIONS = 200


class LinkAgreement(NamedTuple):
    """How well feature links fit the data.

    Attributes
    ----------
    agreement
        Correlation of the two modalities' correlation structures, between -1 and 1.
    z_score
        `agreement` in standard deviations above its mean for random links.
    p_value
        Share of random links that agree at least as well, at least 1 / 201.
    """

    agreement: float
    z_score: float
    p_value: float


def link_agreement(
    x_first: Any,
    x_second: Any,
    first: ArrayLike,
    second: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    seed: int = 0,
) -> LinkAgreement:
    """Test whether linked features are correlated similarly in two modalities, without pairs.

    If two genes rise and fall together, so should the proteins that they are linked to. The
    modality with more linked features predicts the other: the standardised features that are
    linked to the same one are averaged, with their signed weights. Then the correlations among
    the predictions are correlated with those among the features themselves, leaving out pairs of
    predictions that share a feature. Random links come from permuting the predicted features,
    which keeps how many links each prediction has. This is a Mantel test.

    Parameters
    ----------
    x_first, x_second
        Profiles of the two modalities, of shape `(n_first, n_features_first)` and
        `(n_second, n_features_second)`, dense or sparse, of at least two samples each.
    first, second
        Columns of `x_first` and `x_second` that each link joins, of shape `(n_links,)`.
    weight
        Signed weights, of shape `(n_links,)`; negative where one feature falls as the other
        rises. All 1 by default. A sign that all links share changes nothing.
    seed
        Seed of the 200 permutations, and of the choice of 500 predicted features if there are
        more.

    Returns
    -------
    `(agreement, z_score, p_value)`. The `z_score` of true links is far above 0, that of wrong
    links near 0.

    Raises
    ------
    ValueError
        If fewer than four predicted features vary (too few to permute), shapes do not fit, a
        link names no column, or a value is NaN or infinite.

    References
    ----------
    Mantel (1967). The detection of disease clustering and a generalized regression approach.
    Cancer Research 27.

    Examples
    --------
    >>> import modis, numpy as np
    >>> rng = np.random.default_rng(0)
    >>> programmes = rng.normal(size=(3, 20))
    >>> rna = rng.normal(size=(100, 3)) @ programmes
    >>> protein = rng.normal(size=(90, 3)) @ programmes
    >>> genes = np.arange(20)
    >>> modis.metrics.link_agreement(rna, protein, genes, genes).z_score > 5
    True
    """
    signed = np.ones(len(np.asarray(first))) if weight is None else np.asarray(weight, dtype=float)
    check_consistent_length(first, second, signed)
    if not np.isfinite(signed).all() or not signed.all():
        raise ValueError("weight must be finite and not 0.")
    sides = []
    for name, x, ends in (("first", x_first, first), ("second", x_second, second)):
        columns, n_features = np.asarray(ends), np.shape(x)[-1]
        if columns.dtype.kind not in "iu" or not np.isin(columns, np.arange(n_features)).all():
            raise ValueError(
                f"{name} must hold the column of x_{name} of each link, a whole number from 0 to "
                f"{n_features - 1}."
            )
        sides.append((x, f"x_{name}", columns))

    # Averages are less noisy than single features, so the larger side is averaged.
    sides.sort(key=lambda side: len(np.unique(side[2])), reverse=True)
    (x_source, source_name, source), (x_target, target_name, target) = sides

    rng = np.random.default_rng(seed)
    targets = np.unique(target)
    if len(targets) > MAX_FEATURES:
        targets = np.sort(rng.choice(targets, MAX_FEATURES, replace=False))
        chosen = np.isin(target, targets)
        source, target, signed = source[chosen], target[chosen], signed[chosen]
    sources, row = np.unique(source, return_inverse=True)
    links = sparse.csr_array(
        (signed, (row, np.searchsorted(targets, target))), shape=(len(sources), len(targets))
    )

    predicted = _standardised(_standardised(_take(x_source, sources, source_name)) @ links)
    measured = _standardised(_take(x_target, targets, target_name))
    usable = predicted.any(axis=0) & measured.any(axis=0)
    if usable.sum() < MIN_FEATURES:
        raise ValueError(
            f"Only {usable.sum()} linked features vary in both modalities (of {len(targets)}); "
            f"at least {MIN_FEATURES} are needed to tell whether links and data agree."
        )
    predicted, measured, links = predicted[:, usable], measured[:, usable], links[:, usable]
    shared = (abs(links).T @ abs(links)).toarray() > 0
    i, j = np.nonzero(np.triu(~shared, k=1))
    expected = (predicted.T @ predicted / len(predicted))[i, j]
    found = measured.T @ measured / len(measured)

    agreement = _correlation(expected, found[i, j])
    orders = (rng.permutation(len(found)) for _ in range(N_PERMUTATIONS))
    null = np.array([_correlation(expected, found[order[i], order[j]]) for order in orders])
    spread = null.std()
    return LinkAgreement(
        agreement,
        float((agreement - null.mean()) / spread) if spread > 0 else 0.0,
        float((1 + np.sum(null >= agreement)) / (1 + N_PERMUTATIONS)),
    )


def _take(x: Any, columns: NDArray[np.intp], name: str) -> NDArray[np.float64]:
    """Only the linked columns, so that 20,000 sparse features never become dense."""
    if not hasattr(x, "obs_names"):
        x = (x.tocsc() if sparse.issparse(x) else np.asarray(x))[:, columns]
    return as_matrix(x, name)


def _standardised(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean 0 and standard deviation 1 per column; 0 throughout where a feature is constant."""
    centred = x - x.mean(axis=0)
    scale = centred.std(axis=0)
    # Rounding leaves a constant feature a deviation just above zero.
    constant = scale <= 1e-12 * np.abs(x).max(axis=0)
    return np.where(constant, 0.0, centred / np.where(constant, 1.0, scale))


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Pearson correlation, 0 where one side is constant."""
    a, b = a - a.mean(), b - b.mean()
    norm = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / norm) if norm > 0 else 0.0
