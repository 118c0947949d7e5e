from collections.abc import Iterable

import mudata as md
import numpy as np
import pandas as pd


def by_column(
    mdata: md.MuData,
    source: str,
    target: str,
    source_column: str | None = None,
    target_column: str | None = None,
    *,
    separator: str | None = None,
    ignore_case: bool = False,
    sign: int = 1,
) -> pd.DataFrame:
    """Link features that have the same key, such as a gene symbol, in a column of `.var`.

    Several features of either modality may have the same key; all of them are linked. A missing
    key links nothing.

    Parameters
    ----------
    mdata
        The data; only `.var` is read.
    source, target
        The two modalities.
    source_column, target_column
        Column of `.var` that holds the key. `None` (default) takes the var_names.
    separator
        Text between several keys of one cell, such as ";" in "TP53;WRAP53". `None` (default)
        takes a cell as one key.
    ignore_case
        Whether keys that differ only in case are the same, such as the antibody "cd19" and the
        gene "CD19". Off by default: "Cd19" is a gene of another organism.
    sign
        Of every link: -1 where one feature falls as the other rises, else 1.

    Returns
    -------
    DataFrame, one row per link: `source_modality`, `source_feature`, `target_modality`,
    `target_feature`, `sign`. Join tables with :func:`pandas.concat`.

    Raises
    ------
    KeyError
        If a modality or a column does not exist.
    ValueError
        If no keys agree, or `sign` has another value.

    Examples
    --------
    >>> import anndata, modis, mudata, pandas
    >>> cpgs = pandas.DataFrame({"gene": ["TP53;WRAP53", None]}, index=["cg1", "cg2"])
    >>> genes = pandas.DataFrame(index=["TP53", "WRAP53"])
    >>> modalities = {"meth": anndata.AnnData(var=cpgs), "rna": anndata.AnnData(var=genes)}
    >>> mdata = mudata.MuData(modalities)
    >>> links = modis.links.by_column(mdata, "meth", "rna", "gene", separator=";", sign=-1)
    >>> links[["source_feature", "target_feature", "sign"]].values.tolist()
    [['cg1', 'TP53', -1], ['cg1', 'WRAP53', -1]]
    """
    check_modalities(mdata, source, target)
    sides = {}
    for side, name, column in (
        ("source", source, source_column),
        ("target", target, target_column),
    ):
        own = column_of(mdata, name, column)
        keys = text_keys(own, separator=separator, ignore_case=ignore_case)
        sides[side] = pd.DataFrame({side: keys.index.astype(object), "key": keys.to_numpy()})
    pairs = sides["source"].merge(sides["target"], on="key")
    if pairs.empty:
        raise ValueError(
            f"No feature of {source!r} has the key of a feature of {target!r}: {source!r} has "
            f"{some(sides['source']['key'])}, {target!r} has {some(sides['target']['key'])}. "
            "Both need the same kind of key, such as gene symbols."
        )
    return link_table(pairs, source, target, sign)


def check_modalities(mdata: md.MuData, source: str, target: str) -> None:
    """Refuse modalities that the MuData does not have."""
    if not isinstance(mdata, md.MuData):
        raise TypeError(f"mdata must be a MuData, found {type(mdata).__name__}.")
    for name in (source, target):
        if name not in mdata.mod:
            raise KeyError(f"The MuData has no modality {name!r}; it has {list(mdata.mod)}.")


def column_of(mdata: md.MuData, modality: str, column: str | None) -> pd.Series:
    """Return a column of a modality's `.var`, or its var_names, by feature."""
    var = mdata.mod[modality].var
    if column is None:
        return pd.Series(var.index, index=var.index, dtype=object)
    if column not in var:
        raise KeyError(
            f"mdata[{modality!r}].var has no column {column!r}; it has {list(var.columns)}."
        )
    return var[column]


def text_keys(
    values: pd.Series, *, separator: str | None = None, ignore_case: bool = False
) -> pd.Series:
    """Keys as text, one per row; missing and empty ones are left out."""
    values = values.dropna()
    # A missing value turns a column of Entrez numbers into floats, and 7157 into "7157.0".
    if pd.api.types.is_float_dtype(values.dtype) and (values == np.floor(values)).all():
        values = values.astype("int64")
    keys = values.astype(str).astype(object)
    if separator is not None:
        keys = keys.str.split(separator, regex=False).explode()
    keys = keys.str.strip()
    if ignore_case:
        keys = keys.str.casefold()
    return keys[keys.str.len() > 0]


def link_table(pairs: pd.DataFrame, source: str, target: str, sign: int) -> pd.DataFrame:
    """One row per pair of `source` and `target`, in the columns that every link table has."""
    if source == target:
        raise ValueError(f"Links go from one modality to another, found {source!r} on both sides.")
    if sign not in (-1, 1):
        raise ValueError(f"sign must be 1 or -1, found {sign!r}.")
    pairs = pairs[["source", "target"]].drop_duplicates()
    table = {
        "source_modality": source,
        "source_feature": pairs["source"].to_numpy(dtype=object),
        "target_modality": target,
        "target_feature": pairs["target"].to_numpy(dtype=object),
    }
    return pd.DataFrame(table).assign(sign=int(sign))


def some(names: Iterable[object]) -> str:
    """Quote the first of many names, each once."""
    return ", ".join(f"'{name}'" for name in list(dict.fromkeys(names))[:3]) or "nothing"
