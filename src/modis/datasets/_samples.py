"""Fewer samples: unpaired, split, with a rare class, or with one that a modality lacks."""

from collections.abc import Mapping

import mudata as md
import numpy as np
import pandas as pd

from ._selection import (
    allot,
    check_class,
    check_mudata,
    membership,
    observation_values,
    rebuild,
    shuffled_classes,
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
