from __future__ import annotations

import math
from collections.abc import Iterable

import mudata as md
import numpy as np
import pandas as pd

__all__ = ["check_modalities", "link_table", "some"]


def check_modalities(mdata: md.MuData, source: str, target: str) -> None:
    """Refuse modalities that the MuData does not have."""
    if not isinstance(mdata, md.MuData):
        raise TypeError(f"mdata must be a MuData, found {type(mdata).__name__}.")
    unknown = [name for name in (source, target) if name not in mdata.mod]
    if unknown:
        raise KeyError(f"The MuData has no modality {unknown[0]!r}; it has {list(mdata.mod)}.")


def link_table(
    source: str,
    source_features: np.ndarray,
    target: str,
    target_features: np.ndarray,
    *,
    sign: int,
    weight: float,
) -> pd.DataFrame:
    """One row per link, in the columns that every link table has."""
    if source == target:
        raise ValueError(f"Links go from one modality to another, found {source!r} on both sides.")
    if sign not in (-1, 1):
        raise ValueError(f"sign must be 1 or -1, found {sign!r}.")
    if not (math.isfinite(weight) and weight > 0):
        raise ValueError(f"weight must be a positive number, found {weight!r}.")
    return pd.DataFrame(
        {
            "source_modality": source,
            "source_feature": source_features,
            "target_modality": target,
            "target_feature": target_features,
            "weight": float(weight),
            "sign": int(sign),
        }
    )


def some(names: Iterable[object]) -> str:
    """Quote the first of many names, each once."""
    return ", ".join(f"'{name}'" for name in list(dict.fromkeys(names))[:3]) or "nothing"
