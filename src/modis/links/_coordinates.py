"""Where features lie on the genome: from columns of .var, or from their names."""

import mudata as md
import numpy as np
import pandas as pd

from ._table import column_of, some, text_keys

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


def find_coordinates(mdata: md.MuData, modality: str) -> pd.DataFrame:
    """Columns `chrom`, `start`, `end` and `feature`, by position; without coordinates left out."""
    var = mdata.mod[modality].var
    names = next((known for known in KNOWN_COLUMNS if set(known) <= set(var)), ())
    found = [var[name].reset_index(drop=True) for name in names]
    if len(names) < 2:
        table = _from_text(mdata, modality, *names)
    else:
        table = pd.DataFrame({"chrom": _text(found[0]), "start": _numbers(found[1], modality)})
        table["end"] = table["start"] + 1 if len(names) == 2 else _numbers(found[2], modality)
    table = table.assign(feature=np.asarray(var.index, dtype=object)).dropna()
    backwards = table["end"] < table["start"]
    if backwards.any():
        raise ValueError(
            f"Features of {modality!r} end before they start: {some(table['feature'][backwards])}."
        )
    return table.astype({"start": np.int64, "end": np.int64, "chrom": object})


def find_strand(mdata: md.MuData, modality: str) -> np.ndarray:
    """1 or -1 per feature, 0 where unknown."""
    var = mdata.mod[modality].var
    if "strand" not in var:
        return np.zeros(len(var), dtype=np.int64)
    text = _text(var["strand"])
    strand = text.map({"+": 1, "1": 1, "-": -1, "-1": -1, ".": 0})
    bad = strand.isna() & text.notna()
    if bad.any():
        raise ValueError(
            f"mdata[{modality!r}].var['strand'] has {some(text[bad])}; a strand is '+', '-' or "
            "missing."
        )
    return strand.fillna(0).to_numpy(dtype=np.int64)


def _from_text(mdata: md.MuData, modality: str, column: str | None = None) -> pd.DataFrame:
    text = _text(column_of(mdata, modality, column))
    # What 10x Genomics writes where a gene has no interval.
    text = text.mask(text == "NA")
    table = text.str.extract(PATTERN)
    bad = table["chrom"].isna() & text.notna()
    if bad.any():
        where = f".var[{column!r}]" if column else ".var_names"
        raise ValueError(
            f"No coordinates of {modality!r}: mdata[{modality!r}]{where} should read like "
            f"'chr1:100-200', but {bad.sum()} of {len(bad)} do not, such as {some(text[bad])}. "
            f"Put them into mdata[{modality!r}].var as columns 'chrom', 'start' and 'end'; "
            "missing where a feature has none."
        )
    return table.astype({"start": float, "end": float})


def _text(values: pd.Series) -> pd.Series:
    """Text by position, missing where it is."""
    values = values.reset_index(drop=True)
    return text_keys(values).reindex(values.index)


def _numbers(values: pd.Series, modality: str) -> pd.Series:
    numbers = pd.to_numeric(values.astype(object), errors="coerce").astype(float)
    bad = numbers.isna() & values.notna()
    if bad.any():
        raise ValueError(
            f"mdata[{modality!r}].var has {some(values[bad])} where base pairs should stand."
        )
    return numbers
