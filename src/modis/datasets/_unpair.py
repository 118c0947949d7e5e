from __future__ import annotations

from collections.abc import Sequence

import mudata as md
import numpy as np
import pandas as pd

from ._rebuild import check_mudata, membership, observation_names, observation_values, rebuild


def unpair(
    mdata: md.MuData,
    *,
    labels_key: str = "label",
    observed_key: str | None = None,
    modalities: Sequence[str] | None = None,
    seed: int = 0,
) -> md.MuData:
    """Keep one modality of every observation, as if each omics came from other people.

    Parameters
    ----------
    mdata
        Observations seen in one modality or in several. It is not changed.
    labels_key
        Column of classes, in the obs of the MuData or of its modalities. Within a class the
        observations are drawn in random order and dealt to the modalities in turn, so that the
        modalities' shares of every class differ by one sample at most (if all of its observations
        have all modalities). Observations without a label are dealt like one more class.
    observed_key
        Column that names the modality each observation keeps. `None` (default) deals them.
        Observations without a value are left out.
    modalities
        The modalities to keep, by default all. Observations with none of them are left out.
    seed
        Seed of the random order.

    Returns
    -------
    MuData
        Disjoint modalities. Its obs columns, and `observed_modality`, stand in the obs of the
        MuData and of every modality.

    Raises
    ------
    KeyError
        If a column or a modality does not exist.
    ValueError
        If `observed_key` names a modality that an observation does not have, or labels disagree.

    Examples
    --------
    >>> import modis
    >>> paired = modis.datasets.intersim(30)
    >>> unpaired = modis.datasets.unpair(paired)
    >>> {name: adata.n_obs for name, adata in unpaired.mod.items()}
    {'methylation': 10, 'expression': 10, 'protein': 10}
    """
    names = check_mudata(mdata, modalities)
    available = membership(mdata, names)
    columns = {}
    if observed_key is None:
        columns[labels_key] = observation_values(mdata, labels_key)
        kept = _deal(available, columns[labels_key], np.random.default_rng(seed))
    else:
        kept = _stated(available, observation_values(mdata, observed_key), observed_key)
        if any(labels_key in a.obs for a in (mdata, *mdata.mod.values())):
            columns[labels_key] = observation_values(mdata, labels_key)

    columns["observed_modality"] = pd.Series(
        pd.Categorical(kept, categories=names), index=observation_names(mdata)
    )
    rows = {
        name: (kept.reindex(mdata.mod[name].obs_names) == name).to_numpy(dtype=bool)
        for name in names
    }
    return rebuild(mdata, rows, columns)


def _deal(available: pd.DataFrame, labels: pd.Series, rng: np.random.Generator) -> pd.Series:
    has = available.to_numpy()
    kept = np.full(len(has), None, dtype=object)
    codes, _ = pd.factorize(labels, sort=True)
    for code in np.unique(codes):
        order = rng.permutation(np.flatnonzero(codes == code))
        # Those with least choice first, or they would upset the balance at the end.
        order = order[np.argsort(has[order].sum(axis=1), kind="stable")]
        dealt = np.zeros(has.shape[1])
        for row in order[has[order].any(axis=1)]:
            target = np.where(has[row], dealt, np.inf).argmin()
            dealt[target] += 1
            kept[row] = available.columns[target]
    return pd.Series(kept, index=available.index)


def _stated(available: pd.DataFrame, observed: pd.Series, observed_key: str) -> pd.Series:
    observed = observed.astype(object)
    unknown = sorted(set(observed.dropna()) - set(available.columns), key=str)
    if unknown:
        raise ValueError(
            f"Column {observed_key!r} names {unknown[0]!r}, which is none of the modalities "
            f"{list(available.columns)}."
        )
    for name in available.columns:
        absent = available.index[(observed == name).to_numpy() & ~available[name].to_numpy()]
        if len(absent):
            raise ValueError(
                f"Column {observed_key!r} gives {len(absent)} observations to modality {name!r} "
                f"that are not in it, such as {absent[:3].tolist()}."
            )
    return observed
