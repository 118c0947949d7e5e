"""Fewer labels or samples: hidden, unpaired, split, a class rare or missing in a modality."""

from collections.abc import Mapping, Sequence

import mudata as md
import numpy as np
import pandas as pd

from ._selection import (
    allot,
    check_class,
    check_mudata,
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


def unpair(mdata: md.MuData, *, labels_key: str = "label", seed: int = 0) -> md.MuData:
    """Keep one modality of every observation, so that no observation is paired.

    Parameters
    ----------
    mdata
        Observations seen in one modality or in several. It is not changed.
    labels_key
        Column of classes. Each observation is randomly assigned to one of its modalities; where
        all have all modalities, the sizes of a class in them differ by one sample at most.
        Observations without a label count as one more class.
    seed
        Seed of the random order.

    Returns
    -------
    MuData
        Disjoint modalities. Its obs columns, and `observed_modality`, are in the obs of the
        MuData and of every modality.

    Raises
    ------
    KeyError, ValueError
        If the column does not exist, or if modalities disagree on a label.

    Examples
    --------
    >>> import modis
    >>> paired = modis.datasets.intersim(30)
    >>> unpaired = modis.datasets.unpair(paired)
    >>> {name: adata.n_obs for name, adata in unpaired.mod.items()}
    {'methylation': 10, 'expression': 10, 'protein': 10}
    """
    has = membership(mdata)
    labels = observation_values(mdata, labels_key)
    kept = _assigned(has, labels, np.random.default_rng(seed))
    observed = kept.astype(pd.CategoricalDtype(list(has.columns)))
    keep = pd.DataFrame({name: kept == name for name in has.columns})
    return rebuild(mdata, keep, {labels_key: labels, "observed_modality": observed})


def split(
    mdata: md.MuData, test_size: float = 0.2, *, labels_key: str = "label", seed: int = 0
) -> tuple[md.MuData, md.MuData]:
    """Split observations into a training and a test part.

    Parameters
    ----------
    mdata
        Data with labels, in the obs of the MuData or of its modalities. It is not changed.
    test_size
        Share of the observations in the test part, between 0 and 1.
    labels_key
        Column of classes. Both parts have each class, and within it each set of modalities that
        observations have, in proportion. Observations without a label count as one more class.
    seed
        Seed of the draw.

    Returns
    -------
    tuple of MuData
        Training part and test part. All samples of an observation are in the same part, and every
        class has an observation in the training part. A modality without a sample in a part is
        left out of it.

    Raises
    ------
    KeyError, ValueError
        If the column does not exist, if `test_size` is not between 0 and 1, if a part would be
        empty, or if modalities disagree on a label.

    Examples
    --------
    >>> import modis
    >>> train, test = modis.datasets.split(modis.datasets.intersim(100))
    >>> train.n_obs, test.n_obs
    (80, 20)
    """
    has = membership(mdata)
    if not 0 < test_size < 1:
        raise ValueError(f"test_size must lie between 0 and 1, found {test_size}.")
    labels = observation_values(mdata, labels_key)
    patterns = has.groupby(list(has.columns)).ngroup().to_numpy()
    members = shuffled_classes(labels, np.random.default_rng(seed))
    sizes = np.array([len(rows) for rows in members])
    in_test = np.zeros(len(labels), dtype=bool)
    # An observation of every class, unlabelled ones too, stays in the training part.
    shares = np.minimum(allot(sizes, round(test_size * len(labels))), sizes - 1)
    for rows, share in zip(members, shares, strict=True):
        found, counts = np.unique(patterns[rows], return_counts=True)
        for pattern, n in zip(found, allot(counts, share), strict=True):
            in_test[rows[patterns[rows] == pattern][:n]] = True
    if not in_test.any() or in_test.all():
        raise ValueError(
            f"{len(labels)} observations cannot be split with test_size={test_size}: "
            "one part would be empty."
        )
    train, test = (rebuild(mdata, has[rows], {labels_key: labels}) for rows in (~in_test, in_test))
    return train, test


def shrink_class(
    mdata: md.MuData,
    class_name: str,
    n_samples: int | Mapping[str, int],
    *,
    labels_key: str = "label",
    seed: int = 0,
) -> md.MuData:
    """Make a class rare, or remove it: keep few samples of it, or none, per modality.

    Parameters
    ----------
    mdata
        Data with labels, in the obs of the MuData or of its modalities. It is not changed.
    class_name
        The class to make rare.
    n_samples
        Samples of the class to leave in each modality, 0 for none, or a dict by modality; those
        that it does not name keep all.
    labels_key
        Column of classes.
    seed
        Seed of the draw: one order for all modalities, so that paired samples stay together.

    Returns
    -------
    MuData
        Copy without the removed samples. A modality left without samples is left out.

    Raises
    ------
    KeyError, ValueError
        If a name does not occur, if a modality has fewer samples of the class than it should keep,
        if no sample would be left, or if modalities disagree on a label.

    Examples
    --------
    >>> import modis
    >>> unpaired = modis.datasets.unpair(modis.datasets.intersim(60))
    >>> rare = modis.datasets.shrink_class(unpaired, "class_2", 1)
    >>> {name: adata.n_obs for name, adata in rare.mod.items()}
    {'methylation': 17, 'expression': 17, 'protein': 17}
    """
    if not isinstance(n_samples, Mapping):
        n_samples = dict.fromkeys(check_mudata(mdata), n_samples)
    labels = observation_values(mdata, labels_key)
    check_class(labels, class_name, labels_key)
    keep = membership(mdata)
    order = np.random.default_rng(seed).permutation(labels.index[labels == class_name])
    for name in check_mudata(mdata, n_samples):
        n, members = n_samples[name], order[keep.loc[order, name]]
        if not 0 <= n <= len(members):
            raise ValueError(
                f"Modality {name!r} has {len(members)} samples of class {class_name!r}, "
                f"so {n} cannot stay. Ask for 0 to {len(members)}."
            )
        keep.loc[members[n:], name] = False
    return rebuild(mdata, keep, {labels_key: labels})


def _assigned(available: pd.DataFrame, labels: pd.Series, rng: np.random.Generator) -> pd.Series:
    """The modality that each observation keeps, of those `available`."""
    has = available.to_numpy()
    kept = np.empty(len(has), dtype=object)
    for order in shuffled_classes(labels, rng):
        # Those with least choice first, or they would upset the balance at the end.
        order = order[np.argsort(has[order].sum(axis=1), kind="stable")]
        counts = np.zeros(has.shape[1])
        for row in order:
            target = np.where(has[row], counts, np.inf).argmin()
            counts[target] += 1
            kept[row] = available.columns[target]
    return pd.Series(kept, index=available.index)


def _as_text(labels: pd.Series) -> pd.Series:
    if isinstance(labels.dtype, pd.CategoricalDtype):
        return labels.cat.rename_categories([str(c) for c in labels.cat.categories])
    # Numbers and words in one column cannot be written to a file.
    found = sorted(labels.dropna().unique())
    whole = all(float(value).is_integer() for value in found)
    text = {value: str(int(value) if whole else value) for value in found}
    return labels.map(text).astype(pd.CategoricalDtype(list(text.values())))
