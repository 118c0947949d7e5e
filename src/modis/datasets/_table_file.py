"""One delimited text file, read strictly: what pandas would repair silently is an error here."""

from __future__ import annotations

import csv
import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd

SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")

# A row of a features × samples table of a large cohort is one long line, not one long field, but
# free-text columns of label tables exceed the default of 131,072 characters.
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


@dataclass(frozen=True)
class TableLayout:
    """Names found in a file: of its rows, of its columns without the first, and the separator."""

    row_names: list[str]
    column_names: list[str]
    sep: str


def stem(path: Path) -> str:
    """File name without `.csv`, `.tsv.gz` and the like."""
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return path.stem


def scan(path: Path, what: str, sep: str | None = None) -> TableLayout:
    """Check a file's shape and return the names in it.

    `what` says in errors what the file is, for example "Modality 'rna'".
    """
    with _opened(path, what) as file:
        first_line = file.readline()
        if not first_line.strip():
            raise ValueError(f"{what}: {path} is empty.")
        if sep is None:
            sep = max(("\t", ",", ";"), key=first_line.count)
        header = [name.strip() for name in next(csv.reader([first_line], delimiter=sep))]
        row_names: list[str] = []
        # R's write.table leaves out the name of the first column.
        expected = None
        for row in csv.reader(file, delimiter=sep):
            if not row:
                continue
            if expected is None:
                expected = len(header) + 1 if len(row) == len(header) + 1 else len(header)
            if len(row) != expected:
                raise ValueError(
                    f"{what}: {path}, row {row[0].strip()!r} has {len(row)} fields where the "
                    f"header asks for {expected}. A cut-off file, or a separator inside a value?"
                )
            row_names.append(row[0].strip())

    columns = header if expected == len(header) + 1 else header[1:]
    if not row_names:
        raise ValueError(f"{what}: {path} has a header but no rows.")
    if not columns:
        raise ValueError(
            f"{what}: {path} has one column only when split at {sep!r}. "
            "If another character separates its columns, name it with sep."
        )
    return TableLayout(row_names, columns, sep)


def read_numbers(path: Path, what: str, layout: TableLayout) -> np.ndarray:
    """Values of a table of numbers, float32 `(n_rows, n_columns)`; missing ones are NaN."""
    frame = _read_frame(path, what, layout, dtype=None)
    for position, column in enumerate(layout.column_names):
        values = frame.iloc[:, position]
        if pd.api.types.is_numeric_dtype(values.dtype):
            continue
        wrong = pd.to_numeric(values, errors="coerce").isna() & values.notna()
        if wrong.any():
            row = int(np.flatnonzero(wrong.to_numpy())[0])
            raise ValueError(
                f"{what}: {path}, column {column!r} is not numeric: it holds "
                f"{values.iloc[row]!r} in row {layout.row_names[row]!r}. Take annotation columns "
                "out of the table; write decimals with a point."
            )
    return frame.apply(pd.to_numeric).to_numpy(dtype=np.float32)


def read_annotations(path: Path, what: str, layout: TableLayout, text: str) -> pd.DataFrame:
    """Columns of a table of annotations by row name; words become categories.

    The column `text` is read as words even if it holds numbers.
    """
    position = layout.column_names.index(text)
    frame = _read_frame(path, what, layout, dtype={position + 1: str})
    frame.columns = pd.Index(layout.column_names)
    frame.index = pd.Index(layout.row_names)
    for column in frame.columns:
        values = frame[column]
        if column == text or not pd.api.types.is_numeric_dtype(values.dtype):
            words = [str(value).strip() if pd.notna(value) else None for value in values]
            frame[column] = pd.Categorical(words)
    return frame


def _read_frame(
    path: Path, what: str, layout: TableLayout, dtype: dict[int, type] | None
) -> pd.DataFrame:
    n_columns = len(layout.column_names) + 1
    with _opened(path, what) as file:
        frame = pd.read_csv(
            file,
            sep=layout.sep,
            header=None,
            names=range(n_columns),
            usecols=range(1, n_columns),
            skiprows=1,
            dtype=dtype,
            skipinitialspace=True,
            low_memory=False,
        )
    return frame


@contextmanager
def _opened(path: Path, what: str) -> Iterator[TextIO]:
    if not path.is_file():
        raise FileNotFoundError(f"{what}: there is no file {path}.")
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(
            f"{what}: {path} is not a complete gzip file ({error}). Copy or download it again."
        ) from error
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{what}: {path} is not a text file in UTF-8 ({error.reason}). "
            "Save spreadsheets as CSV first."
        ) from error
    except (csv.Error, pd.errors.ParserError) as error:
        raise ValueError(f"{what}: {path} cannot be split into columns ({error}).") from error
