"""One delimited text file, read strictly: what pandas would repair silently is an error here."""

from __future__ import annotations

import csv
import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd

SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")

# Free-text columns of label tables exceed the default of 131,072 characters.
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


def stem(path: Path) -> str:
    """File name without `.csv`, `.tsv.gz` and the like."""
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    return name[:-4]


def read_table(path: Path, what: str, sep: str | None, text: str | None = None) -> pd.DataFrame:
    """The table with the names of its rows and columns, not necessarily unique, as they stand.

    `what` says in errors what the file is, for example "Modality 'rna'". The column `text` is read
    as words even if it holds numbers.
    """
    with _opened(path, what) as file:
        rows, columns, sep = _scan(file, path, what, sep)
    positions = range(1, len(columns) + 1)
    with _opened(path, what) as file:
        frame = pd.read_csv(
            file,
            sep=sep,
            header=None,
            names=range(len(columns) + 1),
            usecols=positions,
            skiprows=1,
            dtype={position: str for position in positions if columns[position - 1] == text},
            skipinitialspace=True,
            low_memory=False,
        )
    return frame.set_axis(pd.Index(rows), axis=0).set_axis(pd.Index(columns), axis=1)


def to_numbers(frame: pd.DataFrame, path: Path, what: str) -> np.ndarray:
    """Values of a table of numbers, float32 `(n_rows, n_columns)`; missing ones are NaN."""
    for position, column in enumerate(frame.columns):
        values = frame.iloc[:, position]
        if pd.api.types.is_numeric_dtype(values.dtype):
            continue
        numbers = pd.to_numeric(values, errors="coerce")
        wrong = values[numbers.isna() & values.notna()]
        if len(wrong):
            raise ValueError(
                f"{what}: {path}, column {column!r} is not numeric: it holds "
                f"{wrong.iloc[0]!r} in row {wrong.index[0]!r}. Take annotation columns out of the "
                "table; write decimals with a point."
            )
        frame.isetitem(position, numbers)
    return frame.to_numpy(dtype=np.float32)


def _scan(
    file: TextIO, path: Path, what: str, sep: str | None
) -> tuple[list[str], list[str], str]:
    """Names of rows and of columns, and the separator, after checking that all rows are whole."""
    first_line = file.readline()
    sep = sep or max(("\t", ",", ";"), key=first_line.count)
    header = [name.strip() for name in next(csv.reader([first_line], delimiter=sep))]
    rows: list[str] = []
    # R's write.table leaves out the name of the first column.
    n_fields = len(header)
    for row in csv.reader(file, delimiter=sep):
        if not row:
            continue
        if not rows and len(row) == len(header) + 1:
            n_fields = len(row)
        if len(row) != n_fields:
            raise ValueError(
                f"{what}: {path}, row {row[0].strip()!r} has {len(row)} fields where the "
                f"header asks for {n_fields}. A cut-off file, or a separator inside a value?"
            )
        rows.append(row[0].strip())
    columns = header[len(header) + 1 - n_fields :]
    if not rows:
        raise ValueError(f"{what}: {path} has no rows below a header.")
    if not columns:
        raise ValueError(
            f"{what}: {path} has one column only when split at {sep!r}. "
            "If another character separates its columns, name it with sep."
        )
    return rows, columns, sep


@contextmanager
def _opened(path: Path, what: str) -> Iterator[TextIO]:
    if not path.is_file():
        raise FileNotFoundError(f"{what}: there is no file {path}.")
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield file
    except (gzip.BadGzipFile, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"{what}: {path} cannot be read as text in UTF-8 ({error}). Is the file complete, and "
            "no spreadsheet? Save those as CSV."
        ) from error
