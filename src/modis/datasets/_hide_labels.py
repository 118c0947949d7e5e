from __future__ import annotations

from collections.abc import Sequence

import mudata as md
import numpy as np
import pandas as pd

from ._allot import allot
from ._rebuild import check_class, check_mudata, membership, observation_values, rebuild


def hide_labels(
    mdata: md.MuData,
    labeled_fraction: float | None = None,
    *,
    n_per_class: int | None = None,
    labels_key: str = "label",
    unlabeled_category: str = "unknown",
    modalities: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    seed: int = 0,
) -> md.MuData:
    """Keep the labels of a few observations and hide all others.

    Parameters
    ----------
    mdata
        Data with labels, in the obs of the MuData or of its modalities. It is not changed.
    labeled_fraction
        Share of the labels to keep, 0 to 1: `round(labeled_fraction * n)` of the `n` labelled
        samples of each modality, spread over the classes in proportion to their size. Give either
        this or `n_per_class`.
    n_per_class
        Number of labels to keep per class and modality (all, where a class has fewer).
    labels_key
        Column of classes.
    unlabeled_category
        Written where a label is hidden or was missing before. Labels of this name count as
        missing.
    modalities
        Modalities in which labels are hidden, by default all. Observations that are in none of
        them keep their label.
    classes
        Classes whose labels are hidden, by default all. Observations of other classes keep their
        label and do not count in `labeled_fraction`.
    seed
        Seed of the draw.

    Returns
    -------
    MuData
        Copy with a categorical column `labels_key`, whose last category is `unlabeled_category`,
        in the obs of the MuData and of every modality. An observation is labelled in all of its
        modalities or in none; where modalities overlap in part, so, one of them can end with a few
        labels more than asked for, never with fewer.

    Raises
    ------
    KeyError
        If the column or a modality does not exist.
    ValueError
        If not exactly one of `labeled_fraction` and `n_per_class` is given or it is out of range,
        if `classes` names one that does not occur, or if modalities disagree on an observation's
        label.

    Examples
    --------
    >>> import modis
    >>> unpaired = modis.datasets.unpair(modis.datasets.intersim(60))
    >>> few = modis.datasets.hide_labels(unpaired, n_per_class=1)
    >>> few["protein"].obs["label"].value_counts().loc["unknown"].item()
    15
    """
    names = check_mudata(mdata, modalities)
    if (labeled_fraction is None) == (n_per_class is None):
        raise ValueError("Give either labeled_fraction or n_per_class.")
    if labeled_fraction is not None and not 0 <= labeled_fraction <= 1:
        raise ValueError(f"labeled_fraction must lie between 0 and 1, found {labeled_fraction}.")
    if n_per_class is not None and n_per_class < 0:
        raise ValueError(f"n_per_class must not be negative, found {n_per_class}.")

    labels = _as_text(observation_values(mdata, labels_key, missing=[unlabeled_category]))
    has = membership(mdata, names).to_numpy()
    codes = labels.cat.codes.to_numpy()
    exempt = _exempt(labels, classes, labels_key)
    n_classes = len(labels.cat.categories)
    counts = np.zeros((n_classes, len(names)), dtype=int)
    for code in set(range(n_classes)) - exempt:
        counts[code] = has[codes == code].sum(axis=0)
    if n_per_class is not None:
        quotas = np.minimum(counts, n_per_class)
    elif labeled_fraction is not None:
        quotas = np.stack(
            [allot(column, round(labeled_fraction * int(column.sum()))) for column in counts.T],
            axis=1,
        )

    labelled = ~has.any(axis=1) | np.isin(codes, list(exempt))
    rng = np.random.default_rng(seed)
    for code, quota in enumerate(quotas):
        order = rng.permutation(np.flatnonzero((codes == code) & has.any(axis=1)))
        labelled[_draw(order, has, quota)] = True

    hidden = labels.cat.add_categories([unlabeled_category])
    hidden[~labelled | (codes < 0)] = unlabeled_category
    rows = {name: np.ones(adata.n_obs, dtype=bool) for name, adata in mdata.mod.items()}
    return rebuild(mdata, rows, {labels_key: hidden}, keep_categories=[unlabeled_category])


def _exempt(labels: pd.Series, classes: Sequence[str] | None, labels_key: str) -> set[int]:
    """Codes of the classes that keep all of their labels."""
    if classes is None:
        return set()
    chosen = [classes] if isinstance(classes, str) else list(classes)
    for name in chosen:
        check_class(labels, name, labels_key)
    return set(np.flatnonzero(~labels.cat.categories.isin(chosen)).tolist())


def _draw(order: np.ndarray, has: np.ndarray, quota: np.ndarray) -> list[int]:
    # Drawing at random is fair; it can overshoot where a small modality lies within a large one,
    # and then those with most modalities must come first.
    by_breadth = order[np.argsort(-has[order].sum(axis=1), kind="stable")]
    draws = [_fill(candidate, has, quota) for candidate in (order, by_breadth)]
    return min(draws, key=lambda drawn: has[drawn].sum())


def _fill(order: np.ndarray, has: np.ndarray, quota: np.ndarray) -> list[int]:
    drawn, passed_over = [], []
    count = np.zeros_like(quota)
    for row in order:
        if (count + has[row] <= quota).all():
            drawn.append(row)
            count += has[row]
        else:
            passed_over.append(row)
    for row in passed_over:
        if (has[row] & (count < quota)).any():
            drawn.append(row)
            count += has[row]
    return drawn


def _as_text(labels: pd.Series) -> pd.Series:
    if isinstance(labels.dtype, pd.CategoricalDtype):
        return labels.cat.rename_categories([str(c) for c in labels.cat.categories])
    # Numbers and words in one column cannot be written to a file.
    found = sorted(labels.dropna().unique())
    whole = all(float(value).is_integer() for value in found)
    text = {value: str(int(value) if whole else value) for value in found}
    return labels.map(text).astype(pd.CategoricalDtype(list(text.values())))
