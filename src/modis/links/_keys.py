from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["join_over_keys", "text_keys"]


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


def join_over_keys(source: pd.Series, target: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Features of both sides (the indices) that share a key, each pair once."""
    sides = [
        pd.DataFrame({name: keys.index.astype(object), "key": keys.to_numpy(dtype=object)})
        for name, keys in (("source", source), ("target", target))
    ]
    pairs = sides[0].drop_duplicates().merge(sides[1].drop_duplicates(), on="key")
    pairs = pairs[["source", "target"]].drop_duplicates()
    return pairs["source"].to_numpy(dtype=object), pairs["target"].to_numpy(dtype=object)
