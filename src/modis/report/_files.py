"""Files in and out of a run."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import mudata as md
import pandas as pd

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = [
    "clear_output_folder",
    "read_links",
    "read_mudata",
    "without_pulling",
    "write_mudata",
]

#: Everything that a run may leave in its folder.
OUTPUTS = (
    "integrated.h5mu",
    "metrics.csv",
    "feature_importance.csv",
    "report.html",
    "latent_umap.png",
    "confusion.png",
    "translation.png",
    "feature_importance.png",
    "history.png",
    "class_counts.png",
)


def read_links(path: Path) -> pd.DataFrame:
    """Read a table of linked features, with commas or tabs.

    Raises
    ------
    ValueError
        If it is no readable table.
    """
    try:
        # features may be called 1 or NA; only the numbers are numbers
        table = pd.read_csv(path, sep=None, engine="python", dtype=str, keep_default_na=False)
        numbers = [name for name in ("weight", "sign") if name in table]
        return table.astype(dict.fromkeys(numbers, float))
    except (OSError, ValueError, csv.Error) as error:
        raise ValueError(
            f"'{path}' cannot be read as a table of linked features: {error}."
        ) from error


def read_mudata(path: Path) -> md.MuData:
    """Read a ``.h5mu`` file into memory; the file stays as it is.

    Raises
    ------
    ValueError
        If it is no readable ``.h5mu``.
    """
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
        mdata = None
        if "mod" in names:
            with without_pulling():
                mdata = md.read_h5mu(path)
    except Exception as error:
        raise ValueError(
            f"'{path}' is damaged and cannot be read ({type(error).__name__}: {error})."
        ) from error
    if mdata is None:
        what = (
            "an AnnData (.h5ad)" if {"X", "obs", "var"} <= names else "another kind of HDF5 file"
        )
        raise ValueError(
            f"'{path}' is {what}, not a MuData. Put one AnnData per omics into a MuData: "
            "mudata.MuData({'rna': adata, ...}).write('data.h5mu')."
        )
    return mdata


def write_mudata(mdata: md.MuData, path: Path) -> None:
    """Write a MuData as it is, without copies of its modalities' columns."""
    with without_pulling():
        mdata.write_h5mu(path)


def without_pulling() -> AbstractContextManager:
    """Keep mudata from copying columns of the modalities into the columns of the whole."""
    # mudata 0.4 moved the option
    if hasattr(md, "set_options"):
        return md.set_options(pull_on_update=False)
    return md.settings.override(pull_on_update=False)


def clear_output_folder(out: Path) -> None:
    """Remove the results of an earlier run, and nothing else."""
    for name in OUTPUTS:
        (out / name).unlink(missing_ok=True)
