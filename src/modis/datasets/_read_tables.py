from __future__ import annotations

import warnings
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Literal

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd

from ._rebuild import assemble
from ._table_file import SUFFIXES, TableLayout, read_annotations, read_numbers, scan, stem

_LABEL_TABLES = ("labels", "metadata")


def read_tables(
    source: str | PathLike[str] | Mapping[str, str | PathLike[str]],
    *,
    labels: str | PathLike[str] | None = None,
    labels_key: str = "label",
    transpose: Literal["auto"] | bool = "auto",
    sep: str | None = None,
) -> md.MuData:
    r"""Read omics tables (CSV, TSV) and a table of labels into one MuData.

    Parameters
    ----------
    source
        A folder, whose `.csv`, `.tsv` and `.txt` files (also `.gz`) become modalities under their
        file names, or a dict from modality to file. The first column of a table holds the names of
        its rows; all other columns hold numbers. Samples may be missing from any table.
    labels
        The table of labels: sample names in the first column, and one column or more about the
        samples. By default the file of the folder that is called `labels` or `metadata`.
    labels_key
        The column of classes in the table of labels.
    transpose
        `False`: tables are samples × features. `True`: features × samples. `"auto"` (default)
        decides for each table by where the table of labels' sample names are.
    sep
        The character between columns. `None` (default) takes comma, tab or semicolon, whichever
        is most frequent in the first line of a file.

    Returns
    -------
    MuData
        One AnnData per table, float32, samples in the order of the table of labels. All columns of
        the table of labels stand in the obs of the MuData and of every modality. Samples that the
        table of labels lacks have missing values there and come last. Missing numbers stay NaN.

    Raises
    ------
    FileNotFoundError
        If the folder, a table or the table of labels does not exist.
    KeyError
        If the table of labels has no column `labels_key`.
    ValueError
        If a table is empty, cut off, damaged or not numeric, if names occur twice, or if a table
        and the table of labels share no sample. The message names file, row and column.

    Warns
    -----
    UserWarning
        If numbers are missing, or samples have no row in the table of labels.

    Examples
    --------
    >>> import modis, pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "rna.csv").write_text("gene,s1,s2\nTP53,1.5,2\nMYC,0.5,1\nEGFR,3,1\n")
    >>> _ = (folder / "protein.tsv").write_text("sample\tp53\ns2\t0.1\n")
    >>> _ = (folder / "labels.csv").write_text("sample,label\ns1,tumour\ns2,normal\n")
    >>> mdata = modis.datasets.read_tables(folder)
    >>> {name: adata.shape for name, adata in mdata.mod.items()}
    {'protein': (1, 1), 'rna': (2, 3)}
    """
    if transpose not in (True, False, "auto"):
        raise ValueError(f'transpose must be True, False or "auto", found {transpose!r}.')
    tables, label_file = _find_tables(source, labels)
    label_layout = scan(label_file, "Table of labels", sep)
    samples = _read_labels(label_file, label_layout, labels_key)

    modalities = {}
    for name, path in tables.items():
        adata = _read_modality(name, path, samples.index, transpose, sep)
        _warn(name, adata, samples.index)
        modalities[name] = adata

    every = pd.Index(samples.index)
    for adata in modalities.values():
        every = every.union(adata.obs_names, sort=False)
    samples = samples.reindex(every)
    for column in samples.columns:
        # Truth values become objects when rows are added, and files cannot hold the mixture.
        if pd.api.types.is_object_dtype(samples[column].dtype):
            samples[column] = samples[column].astype("boolean")
    return assemble(modalities, samples)


def _find_tables(
    source: str | PathLike[str] | Mapping[str, str | PathLike[str]],
    labels: str | PathLike[str] | None,
) -> tuple[dict[str, Path], Path]:
    if isinstance(source, Mapping):
        if labels is None:
            raise ValueError(
                "Name the table of labels with labels= when source is a dict of files."
            )
        tables = {str(name): Path(path) for name, path in source.items()}
        if not tables:
            raise ValueError(
                "source names no table. Give a file per modality: {'rna': 'rna.csv'}."
            )
        with_slash = [name for name in tables if "/" in name]
        if with_slash:
            raise ValueError(f"The modality name {with_slash[0]!r} contains '/'. Choose another.")
        return tables, Path(labels)

    folder = Path(source)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}.")
    files = sorted(
        path
        for path in folder.iterdir()
        if path.is_file()
        and path.name.lower().endswith(SUFFIXES)
        and not path.name.startswith((".", "~"))
    )
    if labels is None:
        candidates = [path for path in files if stem(path).lower() in _LABEL_TABLES]
        if not candidates:
            raise FileNotFoundError(
                f"{folder} has no table of labels (a file labels.csv or metadata.csv, or .tsv). "
                "Name it with labels=."
            )
        if len(candidates) > 1:
            raise ValueError(
                f"{folder} has several tables of labels: {[path.name for path in candidates]}. "
                "Choose one with labels= and take the others out of the folder."
            )
        label_file = candidates[0]
    else:
        label_file = Path(labels)
    tables = {}
    for path in files:
        if label_file.exists() and path.samefile(label_file):
            continue
        if stem(path) in tables:
            raise ValueError(
                f"{folder} has two files for modality {stem(path)!r}: "
                f"{tables[stem(path)].name} and {path.name}. Take one of them out."
            )
        tables[stem(path)] = path
    if not tables:
        raise FileNotFoundError(
            f"{folder} has no omics table besides the table of labels ({', '.join(SUFFIXES)})."
        )
    return tables, label_file


def _read_labels(path: Path, layout: TableLayout, labels_key: str) -> pd.DataFrame:
    _refuse_duplicates(layout.row_names, "Table of labels", path, "sample")
    _refuse_duplicates(layout.column_names, "Table of labels", path, "column")
    if labels_key not in layout.column_names:
        raise KeyError(
            f"The table of labels {path} has no column {labels_key!r} but "
            f"{layout.column_names}. Name the column of classes with labels_key."
        )
    with_slash = [name for name in layout.column_names if "/" in name]
    if with_slash:
        raise ValueError(
            f"Table of labels: {path}, column {with_slash[0]!r} has a '/' in its name, which "
            ".h5mu files cannot hold. Rename it."
        )
    return read_annotations(path, "Table of labels", layout, labels_key)


def _read_modality(
    name: str,
    path: Path,
    labelled: pd.Index,
    transpose: Literal["auto"] | bool,
    sep: str | None,
) -> ad.AnnData:
    what = f"Modality {name!r}"
    layout = scan(path, what, sep)
    in_rows = int(labelled.isin(layout.row_names).sum())
    in_columns = int(labelled.isin(layout.column_names).sum())
    turned = in_columns > in_rows if transpose == "auto" else bool(transpose)
    if not (in_columns if turned else in_rows):
        raise ValueError(
            f"{what}: {path} shares no sample with the table of labels. Its rows are called "
            f"{layout.row_names[:3]}, its columns {layout.column_names[:3]}; the table of labels "
            f"has {labelled[:3].tolist()}."
            + (
                f" With transpose={not turned} there would be samples in common."
                if in_rows or in_columns
                else ""
            )
        )
    observations, features = layout.row_names, layout.column_names
    if turned:
        observations, features = features, observations
    _refuse_duplicates(observations, what, path, "sample")
    _refuse_duplicates(features, what, path, "feature")

    values = read_numbers(path, what, layout)
    adata = ad.AnnData(
        np.ascontiguousarray(values.T) if turned else values,
        obs=pd.DataFrame(index=pd.Index(observations)),
        var=pd.DataFrame(index=pd.Index(features)),
    )
    known = labelled[labelled.isin(adata.obs_names)]
    return adata[known.append(adata.obs_names.difference(known, sort=False))].copy()


def _refuse_duplicates(names: list[str], what: str, path: Path, kind: str) -> None:
    index = pd.Index(names)
    repeated = index[index.duplicated()].unique()
    if len(repeated):
        raise ValueError(
            f"{what}: {path} has {len(repeated)} {kind} names that occur more than once, such as "
            f"{repeated[:3].tolist()}. Merge or rename them."
        )


def _warn(name: str, adata: ad.AnnData, labelled: pd.Index) -> None:
    unlabelled = adata.obs_names.difference(labelled, sort=False)
    if len(unlabelled):
        warnings.warn(
            f"Modality {name!r}: {len(unlabelled)} of {adata.n_obs} samples have no row in the "
            f"table of labels and stay unlabelled, such as {unlabelled[:3].tolist()}.",
            UserWarning,
            stacklevel=3,
        )
    missing = np.isnan(adata.X)
    if missing.any():
        features = adata.var_names[missing.any(axis=0)]
        warnings.warn(
            f"Modality {name!r}: {int(missing.sum())} values are missing, in {len(features)} "
            f"features such as {features[:3].tolist()}. Fill them in or drop these features "
            "before training.",
            UserWarning,
            stacklevel=3,
        )
