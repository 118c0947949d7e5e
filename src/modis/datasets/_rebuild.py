"""Making one MuData from another, or from its parts, with obs columns that agree everywhere.

Slicing a MuData of partly disjoint observations, and letting it pull columns from its modalities,
both behave differently from one mudata version to the next. Here a result is always assembled
from copies of its modalities, and every obs column is written where it belongs.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from copy import deepcopy
from functools import reduce

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd


def assemble(
    modalities: Mapping[str, ad.AnnData],
    obs: pd.DataFrame,
    *,
    overwrite: Collection[str] = (),
    uns: Mapping | None = None,
) -> md.MuData:
    """MuData of `modalities`, with the columns of `obs` in its obs and in every modality's obs.

    `modalities` belong to the result afterwards. `obs` is indexed by the names of all
    observations (others are ignored), in the order that the result keeps. A column that a modality
    has already is left alone there, unless its name is in `overwrite`.
    """
    present = _all_names(modalities)
    obs = obs[obs.index.isin(present)]

    for adata in modalities.values():
        own = obs.reindex(adata.obs_names)
        for column in obs.columns:
            if column in overwrite or column not in adata.obs:
                adata.obs[column] = own[column]

    with _without_pulling(), warnings.catch_warnings():
        # A gene and its protein may share a name; features are never looked up across modalities.
        warnings.filterwarnings("ignore", "var_names are not unique", UserWarning)
        mdata = md.MuData(dict(modalities), obs=pd.DataFrame(index=obs.index.copy()))
    aligned = obs.reindex(mdata.obs_names)
    for column in aligned.columns:
        mdata.obs[column] = aligned[column]
    # but scvi-tools' identifiers, which tell one object from another
    kept = {key: value for key, value in (uns or {}).items() if not key.startswith("_scvi")}
    mdata.uns.update(deepcopy(kept))
    return mdata


def rebuild(
    mdata: md.MuData,
    rows: Mapping[str, np.ndarray],
    columns: Mapping[str, pd.Series],
    *,
    keep_categories: Collection[str] = (),
) -> md.MuData:
    """Copy of `mdata` with the `rows` (boolean, per modality) and the `columns` (by observation).

    `columns` replace columns of the same name in mdata.obs and in every modality's obs. Modalities
    left without a sample are left out. Categories that no observation has any more are dropped,
    except `keep_categories`.
    """
    modalities = {}
    for name, keep in rows.items():
        if keep.any():
            kept = mdata.mod[name][np.flatnonzero(keep)]
            modalities[name] = kept.to_memory() if kept.isbacked else kept.copy()
    if not modalities:
        raise ValueError("No sample would be left in any modality. Ask for less to be taken away.")

    # Older mudata versions keep "rna:label" in mdata.obs for the column "label" of modality rna.
    pulled = {
        f"{name}:{column}" for name, adata in mdata.mod.items() for column in adata.obs.columns
    }
    obs = mdata.obs.loc[:, [c for c in mdata.obs.columns if c not in pulled]]
    obs = obs.reindex(observation_names(mdata))
    for column, values in columns.items():
        obs[column] = values.reindex(obs.index)

    present = _all_names(modalities)
    obs = obs[obs.index.isin(present)].copy()
    for column in obs.columns:
        if isinstance(obs[column].dtype, pd.CategoricalDtype):
            used = set(obs[column].dropna()) | set(keep_categories)
            unused = [c for c in obs[column].cat.categories if c not in used]
            obs[column] = obs[column].cat.remove_categories(unused)

    result = assemble(modalities, obs, overwrite=columns.keys(), uns=mdata.uns)
    _copy_embeddings(mdata, result)
    return result


def check_mudata(mdata: md.MuData, modalities: Sequence[str] | None = None) -> list[str]:
    """Names of the modalities to work on, after checking that the object can be worked on."""
    if not isinstance(mdata, md.MuData):
        raise TypeError(
            f"Expected a MuData, found {type(mdata).__name__}. "
            "Wrap single tables: mudata.MuData({'rna': adata})."
        )
    if not mdata.mod:
        raise ValueError("The MuData has no modality.")
    if mdata.axis != 0:
        raise ValueError(
            f"The MuData has axis={mdata.axis}; only MuData that share observations (axis=0) work."
        )
    for name, adata in mdata.mod.items():
        if not adata.obs_names.is_unique:
            repeated = adata.obs_names[adata.obs_names.duplicated()].unique()[:3].tolist()
            raise ValueError(
                f"Modality {name!r} has sample names that occur twice, such as {repeated}. "
                f"Make them unique first: mdata.mod[{name!r}].obs_names_make_unique()."
            )
    if modalities is None:
        return list(mdata.mod)
    if isinstance(modalities, str):
        modalities = [modalities]
    unknown = [name for name in modalities if name not in mdata.mod]
    if unknown:
        raise KeyError(f"No modality named {unknown[0]!r}; there are {list(mdata.mod)}.")
    return [name for name in mdata.mod if name in set(modalities)]


def check_class(labels: pd.Series, class_name: object, labels_key: str) -> None:
    """Raise if no observation has the class `class_name`."""
    if not (labels == class_name).any():
        found = list(pd.unique(labels.dropna()))
        raise ValueError(f"No observation has {labels_key!r} = {class_name!r}; there are {found}.")


def observation_names(mdata: md.MuData) -> pd.Index:
    """Names of all observations that some modality has, in the order of mdata.obs."""
    present = _all_names(mdata.mod)
    in_order = mdata.obs_names[mdata.obs_names.isin(present)]
    return in_order.append(present.difference(in_order, sort=False))


def membership(mdata: md.MuData, modalities: Sequence[str]) -> pd.DataFrame:
    """Boolean table, observations × `modalities`: which modality has which observation."""
    names = observation_names(mdata)
    return pd.DataFrame(
        {name: names.isin(mdata.mod[name].obs_names) for name in modalities},
        index=names,
        columns=list(modalities),
    )


def observation_values(
    mdata: md.MuData, key: str, *, missing: Collection[object] = ()
) -> pd.Series:
    """Column `key` by observation, from mdata.obs and from the modalities' obs, which must agree.

    Empty text and the values in `missing` count as no value. Text and categories come back as one
    categorical, so that every modality speaks one vocabulary.
    """
    sources = {"mdata": mdata.obs} | {name: adata.obs for name, adata in mdata.mod.items()}
    sources = {name: obs[key] for name, obs in sources.items() if key in obs}
    if not sources:
        columns = sorted({c for a in (mdata, *mdata.mod.values()) for c in a.obs.columns})
        raise KeyError(
            f"There is no obs column {key!r}, neither in the MuData nor in a modality. "
            f"Columns found: {columns}."
        )

    values = pd.Series(np.nan, index=observation_names(mdata), dtype=object)
    categories: dict[object, None] = {}
    is_text = False
    for name, column in sources.items():
        if isinstance(column.dtype, pd.CategoricalDtype):
            categories |= dict.fromkeys(column.cat.categories)
            is_text = True
        stated = column.astype(object)
        stated = stated[stated.notna() & ~stated.isin(["", *missing])]
        stated = stated[stated.index.isin(values.index)]
        known = values.reindex(stated.index)
        clash = stated.index[(known.notna() & (known != stated)).to_numpy()]
        if len(clash):
            raise ValueError(
                f"{len(clash)} observations have different values of {key!r} in {name!r} and "
                f"elsewhere, such as {clash[:3].tolist()}. An observation can have one only."
            )
        values.loc[stated.index] = stated

    found = pd.unique(values.dropna())
    if is_text or any(isinstance(value, str) for value in found):
        categories |= dict.fromkeys(sorted(set(found) - set(categories), key=str))
        values = values.astype(pd.CategoricalDtype(list(categories)))
        return values.cat.remove_unused_categories()
    return values.infer_objects()


def _all_names(modalities: Mapping[str, ad.AnnData]) -> pd.Index:
    names = [adata.obs_names for adata in modalities.values()]
    return reduce(lambda left, right: left.union(right, sort=False), names)


def _without_pulling() -> AbstractContextManager:
    # mudata < 0.4 warns about its future default unless told, through an option that 0.4 moved.
    if hasattr(md, "set_options"):
        return md.set_options(pull_on_update=False)
    return md.settings.override(pull_on_update=False)


def _copy_embeddings(source: md.MuData, target: md.MuData) -> None:
    rows = source.obs_names.get_indexer(target.obs_names)
    if (rows < 0).any():
        return
    for key, value in source.obsm.items():
        if key not in source.mod:
            target.obsm[key] = value.iloc[rows] if hasattr(value, "iloc") else value[rows]
