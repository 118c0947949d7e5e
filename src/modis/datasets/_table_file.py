"""One delimited text file, read strictly: what pandas would repair silently is an error here."""

import csv
import gzip
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd

SUFFIXES = tuple(f".{kind}{gz}" for gz in ("", ".gz") for kind in ("csv", "tsv", "txt"))

_LONGEST = 60  # characters of a name or value in a message
_N_FIRST = 50  # lines that tell the separator

# Free-text columns of label tables exceed the default of 131,072 characters.
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


def stem(path: Path) -> str:
    """File name without `.csv`, `.tsv.gz` and similar endings."""
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    return name[:-4]


def quoted(*values: object) -> str:
    """The first values as messages show them, each cut to a readable length."""
    texts = [str(value) for value in values[:3]]
    cut = [text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..." for text in texts]
    return ", ".join(map(repr, cut))


def read_table(path: Path, what: str, sep: str | None, text: str | None = None) -> pd.DataFrame:
    """The table with the names of its rows and columns, not necessarily unique, as in the file.

    Errors call it `what`. Of the column `text`, words stay, and only an empty field is missing.
    """
    with _opened(path, what) as file:
        n_skipped, corner, rows, columns, sep = _scan(file, path, what, sep)

    def read(positions: Iterable[int], **options: Any) -> pd.DataFrame:
        names = range(len(columns) + 1)
        layout = {"sep": sep, "header": None, "names": names, "skiprows": n_skipped}
        with _opened(path, what) as file:
            return pd.read_csv(
                file, usecols=list(positions), skipinitialspace=True, **layout, **options
            )

    frame = read(range(1, len(columns) + 1), low_memory=False)
    for position in [k for k, name in enumerate(columns, 1) if name == text]:
        words = read([position], dtype=str, keep_default_na=False)[position].str.strip()
        frame[position] = words.where(words != "", None)
    frame.index = pd.Index(rows, name=corner)
    frame.columns = pd.Index(columns)
    # a separator at the end of every line
    return frame.loc[:, (frame.columns != "") | frame.notna().any().to_numpy()]


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
                f"{what}: {path}, column {quoted(column)} is not numeric: it holds "
                f"{quoted(wrong.iloc[0])} in row {quoted(wrong.index[0])}. Remove "
                "annotation columns from the table; write decimals with a point."
            )
        frame.isetitem(position, numbers)
    return frame.to_numpy(dtype=np.float32)


def _scan(
    file: TextIO, path: Path, what: str, sep: str | None
) -> tuple[int, str, list[str], list[str], str]:
    """Lines up to the header, its first name, names of rows and columns, and the separator."""
    first = list(islice(file, _N_FIRST))
    n_comments = next((k for k, x in enumerate(first) if x.strip() and x[0] != "#"), len(first))
    sep = sep or _separator(first[n_comments:], path)
    if _is_header(first[:n_comments], first[n_comments:], sep):
        n_comments -= 1
    lines = chain(first[n_comments:], file)
    header = [name.strip() for name in next(csv.reader(lines, delimiter=sep), [])]
    rows: list[str] = []
    # R's write.table leaves out the name of the first column.
    n_fields = len(header)
    for row in csv.reader(lines, delimiter=sep):
        if not row:
            continue
        if not rows and len(row) == len(header) + 1:
            n_fields = len(row)
            if not row[-1].strip():
                header.append("")
        if len(row) != n_fields:
            raise ValueError(
                f"{what}: {path}, row {quoted(row[0].strip())} has {len(row)} fields where the "
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
    corner = header[0] if len(header) > len(columns) else ""
    return n_comments + 1, corner, rows, columns, sep


def _separator(lines: list[str], path: Path) -> str:
    """The first of the usual separators, by the file's ending, at which all lines part alike."""
    candidates = ",;\t" if ".csv" in path.name.lower()[-7:] else "\t,;"
    parted = {}
    for sep in candidates:
        # the last line may go on in one that is not here
        widths = [len(row) for row in csv.reader(lines[: _N_FIRST // 2], delimiter=sep) if row]
        parted[sep] = [*widths, 0][0]
        # R's write.table leaves out the name of the first column.
        if parted[sep] > 1 and len({*widths[1:]}) < 2 and sum(widths[1:2]) - widths[0] in (0, 1):
            return sep
    return next((sep for sep, n_fields in parted.items() if n_fields > 1), candidates[0])


def _is_header(comments: list[str], line: list[str], sep: str) -> bool:
    """Whether the last comment names the columns, as ``#OTU ID``: it parts like the next line."""
    widths = [len(row) for row in csv.reader([*comments[-2:], *line[:1]], delimiter=sep)]
    alike = len(widths) > 1 and widths[-2] == widths[-1] > 1 and widths[:-2] != widths[-1:]
    return alike and not comments[-1].startswith("# ")


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
