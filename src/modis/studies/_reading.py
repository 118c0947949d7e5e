"""What users give: files, columns, options by modality."""

import csv
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import mudata as md
import pandas as pd

from ..data import check_own_data
from ..data._spec import per_modality
from ..datasets import read_tables
from ..datasets._selection import observation_values, without_pulling

#: One value for all modalities, a dict by modality, or texts such as ``"rna=counts"``.
ByModality = str | Mapping[str, str | None] | Sequence[str] | None


def read_mudata(path: Path, **tables: Any) -> md.MuData:
    """Read a ``.h5mu`` file or, with the options `tables`, tables; else raise a ValueError."""
    if path.is_dir() or path.suffix.lower() in (".csv", ".tsv", ".txt", ".gz"):
        return read_tables(path, **{k: value for k, value in tables.items() if value is not None})
    what = "a zip archive" if zipfile.is_zipfile(path) else "damaged or another kind of file"
    problem: Exception | None = None
    # a damaged file fails in many ways, and none of them tells a user what to do
    try:
        with h5py.File(path, "r") as file:
            names = set(file)
        if "mod" in names:
            check_own_data(path)
            with without_pulling():
                return md.read_h5mu(path)
        what = "an AnnData (.h5ad)" if {"X", "obs", "var"} <= names else "another HDF5 file"
    except PermissionError:
        raise
    except Exception as error:  # noqa: BLE001
        problem = error
    raise ValueError(
        f"'{path}' is not a readable .h5mu file (it is {what}). Such files hold one "
        "AnnData per modality: mudata.MuData({'rna': adata, ...}).write('data.h5mu')."
    ) from problem


def read_links(path: Path) -> pd.DataFrame:
    """Read a table of linked features, with commas or tabs; a ValueError if it is no table."""
    try:
        # features may be called 1 or NA; only the numbers are numbers
        table = pd.read_csv(path, sep=None, engine="python", dtype=str, keep_default_na=False)
        return table.astype({name: float for name in ("weight", "sign") if name in table})
    except (OSError, ValueError, csv.Error) as error:
        raise ValueError(
            f"'{path}' cannot be read as a table of linked features: {error}."
        ) from error


def by_modality(value: ByModality, modalities: list[str], option: str) -> dict[str, str | None]:
    """One value per modality, `None` where none is given; of several texts the last one holds."""
    if not isinstance(value, Mapping):
        texts = [value] if isinstance(value, str) else value or ()
        pairs = (text.partition("=") for text in texts)
        value = {name if sign else "": own if sign else name for name, sign, own in pairs}
    named = {name: own for name, own in value.items() if name}
    return per_modality(named, modalities, option, value.get(""))


def stated_part(mdata: md.MuData, modalities: Sequence[str], key: str) -> pd.Series:
    """``"train"`` or ``"test"`` by observation of the modalities, as a column says."""
    names = pd.Index(dict.fromkeys(n for m in modalities for n in mdata.mod[m].obs_names))
    said = observation_values(mdata, key).reindex(names).astype(object)
    said = said.where(said.notna(), "").map(lambda value: str(value).strip().lower())
    other = said[~said.isin(["train", "test"])]
    if len(other):
        raise ValueError(
            f"Column {key!r} (--split-key) must say 'train' or 'test'; it also has "
            f"{other.iloc[0]!r}, for {len(other)} observations such as {other.index[0]!r}."
        )
    return said


def stated_groups(mdata: md.MuData, key: str, part: pd.Series | None) -> pd.Series:
    """Group by observation, as a column says; a group of its own where it says nothing."""
    said = observation_values(mdata, key).astype(object)
    names = pd.Series(said.index.astype(str), index=said.index)
    groups = said.where(said.notna(), "(none) " + names).astype(str)
    if part is not None:
        n_parts = part.groupby(groups.reindex(part.index)).nunique()
        if (n_parts > 1).any():
            raise ValueError(
                f"{(n_parts > 1).sum()} groups of column {key!r} (--group-key), such as "
                f"{n_parts.idxmax()!r}, are in both parts of --split-key; leave one out."
            )
    return groups
