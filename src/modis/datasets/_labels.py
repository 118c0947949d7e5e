from collections.abc import Sequence

import mudata as md
import numpy as np
import pandas as pd

from ._selection import (
    allot,
    check_class,
    check_share,
    membership,
    observation_values,
    rebuild,
    shuffled_classes,
)


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
        Share of the labelled samples of each modality to keep, 0 to 1, spread over the classes in
        proportion to their size. Give either this or `n_per_class`.
    n_per_class
        Number of labels to keep per class and modality (all, where a class has fewer).
    labels_key
        Column of classes.
    unlabeled_category
        Written where a label is hidden or was missing. Labels of this name count as missing.
    modalities, classes
        Where labels are hidden, by default everywhere. Observations in none of these modalities,
        and those of other classes, keep their label and do not count in `labeled_fraction`.
    seed
        Seed of the draw.

    Returns
    -------
    MuData
        Copy with a categorical column `labels_key`, whose last category is `unlabeled_category`,
        in the obs of the MuData and of every modality. An observation is labelled in all of its
        modalities or in none. Where modalities overlap in part, one of them can therefore keep
        more labels than asked for, never fewer.

    Raises
    ------
    KeyError, ValueError
        If a name does not occur, if not exactly one of `labeled_fraction` and `n_per_class` is
        given, if it is out of range, or if modalities disagree on a label.

    Examples
    --------
    >>> import modis
    >>> unpaired = modis.datasets.unpair(modis.datasets.intersim(60))
    >>> few = modis.datasets.hide_labels(unpaired, n_per_class=1)
    >>> few["protein"].obs["label"].value_counts().loc["unknown"].item()
    15
    """
    has = membership(mdata, modalities).to_numpy()
    if (labeled_fraction is None) == (n_per_class is None):
        raise ValueError("Give either labeled_fraction or n_per_class.")
    if labeled_fraction is not None:
        check_share("labeled_fraction", labeled_fraction)
    if n_per_class is not None and n_per_class < 0:
        raise ValueError(f"n_per_class must not be negative, found {n_per_class}.")
    labels = _as_text(observation_values(mdata, labels_key, missing=[unlabeled_category]))
    chosen = [classes] if isinstance(classes, str) else classes
    for name in chosen or ():
        check_class(labels, name, labels_key)

    is_labelled = labels.notna().to_numpy()
    is_chosen = is_labelled if chosen is None else labels.isin(chosen).to_numpy()
    in_reach = has.any(axis=1) & is_labelled
    members = shuffled_classes(labels, np.random.default_rng(seed), in_reach)
    counts = np.zeros((len(members), has.shape[1]), dtype=int)
    for code, rows in enumerate(members):
        counts[code] = has[rows[is_chosen[rows]]].sum(axis=0)
    if n_per_class is not None:
        quotas = np.minimum(counts, n_per_class)
    elif labeled_fraction is not None:
        totals = [round(labeled_fraction * int(total)) for total in counts.sum(axis=0)]
        quotas = np.transpose([allot(*column) for column in zip(counts.T, totals, strict=True)])

    keeps = is_labelled & ~(in_reach & is_chosen)
    for rows, quota in zip(members, quotas, strict=True):
        count = np.zeros_like(quota)
        for row in rows:
            if (has[row] & (count < quota)).any():
                keeps[row] = True
                count += has[row]
    hidden = labels.cat.add_categories([unlabeled_category])
    hidden[~keeps] = unlabeled_category
    return rebuild(
        mdata, membership(mdata), {labels_key: hidden}, keep_categories=[unlabeled_category]
    )


def _as_text(labels: pd.Series) -> pd.Series:
    if isinstance(labels.dtype, pd.CategoricalDtype):
        return labels.cat.rename_categories([str(c) for c in labels.cat.categories])
    # Numbers and words in one column cannot be written to a file.
    found = sorted(labels.dropna().unique())
    whole = all(float(value).is_integer() for value in found)
    text = {value: str(int(value) if whole else value) for value in found}
    return labels.map(text).astype(pd.CategoricalDtype(list(text.values())))
