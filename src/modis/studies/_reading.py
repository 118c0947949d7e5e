"""What users give: files, columns, options by modality."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import anndata as ad
import h5py
import mudata as md
import pandas as pd

from ..datasets import split

#: One value for all modalities, a dict by modality, or texts such as ``"rna=counts"``.
ByModality = str | Mapping[str, str | None] | Sequence[str] | None


def read_mudata(path: Path) -> md.MuData:
    """Read a ``.h5mu`` file into memory, or raise a ValueError that says what it is instead."""
    if not h5py.is_hdf5(path):
        kind = "a zip archive" if zipfile.is_zipfile(path) else "damaged or another kind of file"
        raise ValueError(
            f"'{path}' is no readable .h5mu file (it is {kind}). Write one with "
            "mudata.MuData({'rna': adata, ...}).write('data.h5mu')."
        )
    # a damaged file fails in many ways, and none of them tells a user what to do
    try:
        with h5py.File(path, "r") as file:
            names = set(file)
        if "mod" in names:
            with without_pulling():
                return md.read_h5mu(path)
    except Exception as error:
        raise ValueError(
            f"'{path}' is damaged and cannot be read ({type(error).__name__}: {error})."
        ) from error
    is_anndata = {"X", "obs", "var"} <= names
    what = "an AnnData (.h5ad)" if is_anndata else "another kind of HDF5 file"
    raise ValueError(
        f"'{path}' is {what}, not a MuData. Put one AnnData per modality into a MuData: "
        "mudata.MuData({'rna': adata, ...}).write('data.h5mu')."
    )


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


def without_pulling() -> AbstractContextManager:
    """Keep mudata from copying columns of the modalities into the columns of the whole."""
    # mudata 0.4 moved the option
    if hasattr(md, "set_options"):
        return md.set_options(pull_on_update=False)
    return md.settings.override(pull_on_update=False)


def by_modality(
    value: ByModality, modalities: Sequence[str], option: str
) -> dict[str, str | None]:
    """One value per modality, `None` where none is given; a ValueError if one is given twice."""
    if isinstance(value, Mapping):
        value = [f"{name}={own}" for name, own in value.items() if own is not None]
    given: dict[str, str] = {}
    for text in [value] if isinstance(value, str) else value or ():
        modality, name = text.split("=", 1) if "=" in text else ("", text)
        if not name:
            raise ValueError(f"{option} {text!r} names no value; write modality=name.")
        if modality and modality not in modalities:
            raise ValueError(
                f"{option} {text!r} names the modality {modality!r}, which is not used; "
                f"there are {', '.join(modalities)}."
            )
        if modality in given:
            whom = f"for {modality!r}" if modality else "for all modalities"
            raise ValueError(f"{option} is given twice {whom}.")
        given[modality] = name
    return {modality: given.get(modality, given.get("")) for modality in modalities}


def used_modalities(mdata: md.MuData, wanted: Sequence[str] | None) -> list[str]:
    """Modalities to use, in the order of the file; a KeyError if one is not in the file."""
    unknown = [name for name in wanted or () if name not in mdata.mod]
    if unknown:
        raise KeyError(
            f"There is no modality {unknown[0]!r} (--modalities); the file has "
            f"{', '.join(mdata.mod)}."
        )
    return [name for name in mdata.mod if wanted is None or name in wanted]


def check_column(mdata: md.MuData, modalities: Sequence[str], key: str, option: str) -> None:
    """Raise a KeyError for a column that is neither in the MuData's obs nor in a modality's."""
    tables = [mdata.obs, *(mdata.mod[name].obs for name in modalities)]
    found = dict.fromkeys(column for table in tables for column in table.columns)
    if key not in found:
        raise KeyError(
            f"There is no column {key!r} ({option}) in the file, neither for all observations nor "
            f"in a modality. Columns at hand: {', '.join(map(str, found)) or 'none'}."
        )


def stated_part(mdata: md.MuData, modalities: Sequence[str], key: str) -> pd.Series:
    """``"train"`` or ``"test"`` by observation of the modalities, as a column says.

    A ValueError if it says something else, nothing, or both of an observation.
    """
    column = f"Column {key!r} (--split-key)"
    tables = [mdata.obs, *(mdata.mod[name].obs for name in modalities)]
    stated = pd.concat([table[key].astype(object).dropna() for table in tables if key in table])
    stated = stated.map(lambda value: str(value).strip().lower())
    other = sorted(set(stated) - {"train", "test"})
    if other:
        raise ValueError(
            f"{column} must say 'train' or 'test'; it also has {', '.join(map(repr, other[:5]))}."
        )
    both = stated.index[stated.groupby(stated.index).transform("nunique") > 1].unique()
    if len(both):
        raise ValueError(
            f"{column} puts {len(both)} observations into both parts, such as {both[0]!r}."
        )
    names = pd.Index(dict.fromkeys(n for m in modalities for n in mdata.mod[m].obs_names))
    absent = names.difference(stated.index, sort=False)
    if len(absent):
        raise ValueError(
            f"{len(absent)} observations have no value in column {key!r} (--split-key), such as "
            f"{absent[0]!r}. Say 'train' or 'test' for every observation."
        )
    return stated[~stated.index.duplicated()].reindex(names)


def draw_test(labels: Mapping[str, pd.Series], test_size: float, seed: int) -> pd.Index:
    """Draw a share of the labelled observations, equally from every class and set of modalities.

    `labels` are class names by modality, missing where not known. If nothing is labelled, nothing
    is drawn: observations without a label test nothing.
    """
    known = {name: column.dropna().astype(str) for name, column in labels.items()}
    obs = {name: column.to_frame("class") for name, column in known.items() if len(column)}
    if not obs:
        return pd.Index([], dtype=object)
    with without_pulling():
        skeleton = md.MuData({name: ad.AnnData(obs=table) for name, table in obs.items()})
        _, test = split(skeleton, test_size, labels_key="class", seed=seed)
    return test.obs_names
