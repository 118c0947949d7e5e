"""Selecting observations of a MuData, whose slices and pulled columns differ between versions.

A result is assembled from copies of its modalities, each obs column written where it belongs.
"""

import warnings
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from copy import deepcopy
from functools import reduce

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


def check_mudata(mdata: md.MuData, modalities: Iterable[str] | None = None) -> list[str]:
    """Names of the modalities to work on, after checking that the object can be worked on."""
    if not isinstance(mdata, md.MuData):
        raise TypeError(
            f"Expected a MuData, found {type(mdata).__name__}. "
            "Wrap single tables: mudata.MuData({'rna': adata})."
        )
    if mdata.axis != 0:
        raise ValueError(
            f"The MuData has axis={mdata.axis}; only MuData that share observations (axis=0) work."
        )
    for name, adata in mdata.mod.items():
        repeated = adata.obs_names[adata.obs_names.duplicated()].unique()[:3].tolist()
        if repeated:
            raise ValueError(
                f"Modality {name!r} has sample names that occur twice, such as {repeated}. "
                f"Make them unique first: mdata.mod[{name!r}].obs_names_make_unique()."
            )
    if modalities is None:
        return list(mdata.mod)
    chosen = [modalities] if isinstance(modalities, str) else list(modalities)
    for name in chosen:
        if name not in mdata.mod:
            raise KeyError(f"No modality named {name!r}; there are {list(mdata.mod)}.")
    return [name for name in mdata.mod if name in chosen]


def check_class(labels: pd.Series, class_name: object, labels_key: str) -> None:
    """Raise if no observation has the class `class_name`."""
    if not (labels == class_name).any():
        found = list(pd.unique(labels.dropna()))
        raise ValueError(f"No observation has {labels_key!r} = {class_name!r}; there are {found}.")


def check_share(name: str, share: float) -> None:
    """Raise if the argument `name` is no share."""
    if not 0 <= share <= 1:
        raise ValueError(f"{name} must lie between 0 and 1, found {share}.")


def membership(mdata: md.MuData, modalities: Iterable[str] | None = None) -> pd.DataFrame:
    """Which modality has which observation: boolean, all observations × `modalities`."""
    chosen = check_mudata(mdata, modalities)
    names = _observation_names(mdata)
    columns = {name: names.isin(mdata.mod[name].obs_names) for name in chosen}
    return pd.DataFrame(columns, index=names)


def observation_values(
    mdata: md.MuData, key: str, *, missing: Collection[object] = ()
) -> pd.Series:
    """Column `key` by observation, from mdata.obs and from the modalities' obs, which must agree.

    Empty text and what is `missing` count as no value; text becomes one categorical.
    """
    tables = {"mdata": mdata.obs} | {name: adata.obs for name, adata in mdata.mod.items()}
    columns = {name: obs[key] for name, obs in tables.items() if key in obs}
    if not columns:
        names = sorted({column for obs in tables.values() for column in obs.columns})
        raise KeyError(
            f"There is no obs column {key!r}, neither in the MuData nor in a modality. "
            f"Columns found: {names}."
        )

    values = pd.Series(np.nan, index=_observation_names(mdata), dtype=object)
    for name, column in columns.items():
        stated = column.astype(object)[column.notna() & column.index.isin(values.index)]
        stated = stated[~stated.isin(["", *missing])]
        known = values[stated.index]
        clash = stated.index[known.notna() & (known != stated)]
        if len(clash):
            raise ValueError(
                f"{len(clash)} observations have different values of {key!r} in {name!r} and "
                f"elsewhere, such as {clash[:3].tolist()}. An observation can have one only."
            )
        values[stated.index] = stated

    found = set(values.dropna())
    categorical = [c for c in columns.values() if isinstance(c.dtype, pd.CategoricalDtype)]
    if not categorical and not any(isinstance(value, str) for value in found):
        return values.infer_objects()
    vocabulary = dict.fromkeys(value for column in categorical for value in column.cat.categories)
    vocabulary |= dict.fromkeys(sorted(found - set(vocabulary), key=str))
    return values.astype(pd.CategoricalDtype(list(vocabulary))).cat.remove_unused_categories()


def shuffled_classes(
    labels: pd.Series, rng: np.random.Generator, among: np.ndarray | None = None
) -> list[np.ndarray]:
    """Positions of each class's observations in random order; those without a label come first."""
    codes, _ = pd.factorize(labels, sort=True)
    among = np.ones(len(codes), dtype=bool) if among is None else among
    members = [np.flatnonzero((codes == code) & among) for code in np.unique(codes[among])]
    return [rng.permutation(rows) for rows in members]


def allot(weights: ArrayLike, total: int) -> np.ndarray:
    """Share `total` items in proportion to `weights` by the method of the largest remainder."""
    proportions = np.asarray(weights, dtype=float)
    if proportions.sum() == 0:
        return np.zeros(len(proportions), dtype=int)
    # Rounded, or 0.2 * 500 counts as 99 and a remainder of 0.999...
    exact = np.round(proportions / proportions.sum() * total, 9)
    shares = np.floor(exact).astype(int)
    order = np.argsort(shares - exact, kind="stable")
    shares[order[: total - shares.sum()]] += 1
    return shares


def rebuild(
    mdata: md.MuData,
    keep: pd.DataFrame,
    columns: Mapping[str, pd.Series],
    *,
    keep_categories: Collection[str] = (),
) -> md.MuData:
    """Copy of `mdata` with the samples that `keep` selects and the `columns` (by observation).

    `keep` is like :func:`membership`. Modalities without a sample and categories without an
    observation are left out, except `keep_categories`.
    """
    modalities = {}
    for name in keep.columns[keep.any()]:
        adata = mdata.mod[name]
        chosen = adata[np.flatnonzero(adata.obs_names.isin(keep.index[keep[name]]))]
        modalities[name] = chosen.to_memory() if chosen.isbacked else chosen.copy()
    if not modalities:
        raise ValueError("No sample would be left in any modality. Remove fewer samples.")

    # Older mudata versions keep "rna:label" in mdata.obs for the column "label" of modality rna.
    pulled = [f"{name}:{column}" for name, a in mdata.mod.items() for column in a.obs.columns]
    obs = mdata.obs.loc[:, ~mdata.obs.columns.isin(pulled)]
    obs = obs.reindex(keep.index[keep.any(axis=1)]).assign(**columns)
    for column in obs.select_dtypes("category"):
        used = {*obs[column].dropna(), *keep_categories}
        unused = [c for c in obs[column].cat.categories if c not in used]
        obs[column] = obs[column].cat.remove_categories(unused)

    result = assemble(modalities, obs, overwrite=columns, uns=mdata.uns)
    rows = mdata.obs_names.get_indexer(result.obs_names)
    if (rows >= 0).all():
        for key, embedding in mdata.obsm.items():
            if key not in mdata.mod:
                is_frame = isinstance(embedding, pd.DataFrame)
                result.obsm[key] = embedding.iloc[rows] if is_frame else embedding[rows]
    return result


def assemble(
    modalities: Mapping[str, ad.AnnData],
    obs: pd.DataFrame,
    *,
    overwrite: Collection[str] = (),
    uns: Mapping | None = None,
) -> md.MuData:
    """MuData of `modalities`, with the columns of `obs` in its obs and in every modality's obs.

    `obs` has the names of all observations, in order. A column that a modality has already is left
    alone there, unless its name is in `overwrite`.
    """
    obs = obs[obs.index.isin(_all_names(modalities))]
    for adata in modalities.values():
        own = obs.reindex(adata.obs_names)
        for column in obs.columns:
            if column in overwrite or column not in adata.obs:
                adata.obs[column] = own[column]

    with without_pulling(), warnings.catch_warnings():
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


def _observation_names(mdata: md.MuData) -> pd.Index:
    """Names of all observations that some modality has, in the order of mdata.obs."""
    present = _all_names(mdata.mod)
    in_order = mdata.obs_names[mdata.obs_names.isin(present)]
    return in_order.append(present.difference(in_order, sort=False))


def _all_names(modalities: Mapping[str, ad.AnnData]) -> pd.Index:
    names = [adata.obs_names for adata in modalities.values()]
    return reduce(lambda left, right: left.union(right, sort=False), names)


def without_pulling() -> AbstractContextManager:
    # mudata < 0.4 warns about its future default unless told, through an option that 0.4 moved.
    if hasattr(md, "set_options"):
        return md.set_options(pull_on_update=False)
    return md.settings.override(pull_on_update=False)
