import math
from collections.abc import Iterable

import mudata as md
import numpy as np
import pandas as pd


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


def link_table(
    pairs: pd.DataFrame, source: str, target: str, *, sign: int, weight: float
) -> pd.DataFrame:
    """One row per pair of `source` and `target`, in the columns that every link table has."""
    if source == target:
        raise ValueError(f"Links go from one modality to another, found {source!r} on both sides.")
    if sign not in (-1, 1):
        raise ValueError(f"sign must be 1 or -1, found {sign!r}.")
    if not (math.isfinite(weight) and weight > 0):
        raise ValueError(f"weight must be a positive number, found {weight!r}.")
    pairs = pairs[["source", "target"]].drop_duplicates()
    table = {
        "source_modality": source,
        "source_feature": pairs["source"].to_numpy(dtype=object),
        "target_modality": target,
        "target_feature": pairs["target"].to_numpy(dtype=object),
    }
    return pd.DataFrame(table).assign(weight=float(weight), sign=int(sign))


def some(names: Iterable[object]) -> str:
    """Quote the first of many names, each once."""
    return ", ".join(f"'{name}'" for name in list(dict.fromkeys(names))[:3]) or "nothing"
