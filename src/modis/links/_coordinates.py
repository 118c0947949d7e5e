"""Where features lie on the genome: from columns of .var, or from their names."""

from __future__ import annotations

from collections.abc import Sequence

import anndata as ad
import numpy as np
import pandas as pd

from ._keys import text_keys
from ._table import some

__all__ = ["find_coordinates", "find_strand"]

# Looked for in this order: genes and peaks, single positions, 10x Genomics' text.
KNOWN_COLUMNS: tuple[tuple[str, ...], ...] = (
    ("chrom", "start", "end"),
    ("chr", "start", "end"),
    ("chrom", "chromStart", "chromEnd"),
    ("chrom", "position"),
    ("chr", "position"),
    ("interval",),
)
PATTERN = r"^(?P<chrom>.+?)[:_-](?P<start>\d+)[_-](?P<end>\d+)$"


def find_coordinates(
    adata: ad.AnnData, modality: str, columns: Sequence[str] | None
) -> pd.DataFrame:
    """Columns `chrom`, `start`, `end`, and `feature` by name; without coordinates left out."""
    var = adata.var
    if columns is None:
        known = [names for names in KNOWN_COLUMNS if set(names) <= set(var.columns)]
        names = known[0] if known else ()
    else:
        names = (columns,) if isinstance(columns, str) else tuple(columns)
        if len(names) not in (1, 2, 3):
            raise ValueError(
                f"Coordinates of {modality!r} stand in three columns (chromosome, start, end), "
                f"two (chromosome, position) or one (text); found {list(names)}."
            )
        absent = [name for name in names if name not in var]
        if absent:
            raise KeyError(
                f"mdata[{modality!r}].var has no column {absent[0]!r}; it has {list(var.columns)}."
            )
    if len(names) < 2:
        return _from_text(var, modality, names)
    chrom = _aligned_text(var[names[0]])
    start = _numbers(var[names[1]], modality)
    end = start + 1 if len(names) == 2 else _numbers(var[names[2]], modality)
    table = pd.DataFrame({"chrom": chrom, "start": start, "end": end})
    return _checked(table, var.index, modality)


def find_strand(adata: ad.AnnData, modality: str, column: str) -> np.ndarray:
    """1 or -1 per feature, 0 where unknown."""
    if column not in adata.var:
        return np.zeros(adata.n_vars, dtype=np.int64)
    text = _aligned_text(adata.var[column])
    strand = text.map({"+": 1, "1": 1, "-": -1, "-1": -1, ".": 0})
    bad = strand.isna() & text.notna()
    if bad.any():
        raise ValueError(
            f"mdata[{modality!r}].var[{column!r}] has {some(text[bad])}; a strand is '+', '-' or "
            "missing."
        )
    return strand.fillna(0).to_numpy(dtype=np.int64)


def _from_text(var: pd.DataFrame, modality: str, names: tuple[str, ...]) -> pd.DataFrame:
    values = var[names[0]] if names else pd.Series(var.index, dtype=object)
    text = _aligned_text(values)
    # What 10x Genomics writes where a gene has no interval.
    text = text.mask(text == "NA")
    table = text.str.extract(PATTERN)
    bad = table["chrom"].isna() & text.notna()
    if bad.any():
        where = f".var[{names[0]!r}]" if names else ".var_names"
        raise ValueError(
            f"No coordinates of {modality!r}: mdata[{modality!r}]{where} should read like "
            f"'chr1:100-200', but {bad.sum()} of {len(bad)} do not, such as {some(text[bad])}. "
            f"Put them into mdata[{modality!r}].var as columns 'chrom', 'start' and 'end'; "
            "missing where a feature has none."
        )
    table["start"] = table["start"].astype(float)
    table["end"] = table["end"].astype(float)
    return _checked(table, var.index, modality)


def _aligned_text(values: pd.Series) -> pd.Series:
    """Text by position, missing where it is."""
    values = values.reset_index(drop=True)
    return text_keys(values).reindex(values.index)


def _numbers(values: pd.Series, modality: str) -> pd.Series:
    values = values.reset_index(drop=True)
    numbers = pd.to_numeric(values.astype(object), errors="coerce").astype(float)
    bad = numbers.isna() & values.notna()
    if bad.any():
        raise ValueError(
            f"mdata[{modality!r}].var has {some(values[bad])} where base pairs should stand."
        )
    return numbers


def _checked(table: pd.DataFrame, features: pd.Index, modality: str) -> pd.DataFrame:
    table["feature"] = np.asarray(features, dtype=object)
    table = table.dropna()
    backwards = table["end"] < table["start"]
    if backwards.any():
        raise ValueError(
            f"Features of {modality!r} end before they start: {some(table['feature'][backwards])}."
        )
    return table.astype({"start": np.int64, "end": np.int64, "chrom": object})
