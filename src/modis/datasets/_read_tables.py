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

from ._selection import assemble
from ._table_file import SUFFIXES, read_table, stem, to_numbers

_LABELS = "Table of labels"
_LABELS_NAME = "labels"


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
        If a table is empty, cut off, damaged or not numeric, if names occur twice or hold a "/",
        or if a table and the table of labels share no sample. The message names file, row and
        column.

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
    if isinstance(source, Mapping):
        tables = {str(name): Path(path) for name, path in source.items()}
    else:
        tables = _tables_of_folder(Path(source))
        labels = labels or tables.get(_LABELS_NAME)
        tables.pop(_LABELS_NAME, None)
    if labels is None:
        raise FileNotFoundError(
            "There is no table of labels. Name it with labels=, or put it into the folder as "
            "labels.csv or metadata.csv (or .tsv, .txt)."
        )
    label_file = Path(labels)
    tables = {name: p for name, p in tables.items() if p.resolve() != label_file.resolve()}
    if not tables:
        raise FileNotFoundError(f"{source} has no omics table ({', '.join(SUFFIXES)}).")
    samples = _read_labels(label_file, labels_key, sep)
    for name in (*tables, *samples):
        if "/" in name:
            raise ValueError(
                f"The modality or column {name!r} has a '/' in its name, which .h5mu files cannot "
                "hold. Rename it."
            )
    modalities = {}
    every = pd.Index(samples.index)
    for name, path in tables.items():
        modalities[name] = _read_modality(name, path, samples.index, transpose, sep)
        _warn(name, modalities[name], samples.index)
        every = every.union(modalities[name].obs_names, sort=False)
    samples = samples.reindex(every)
    for column in samples.select_dtypes(object):
        # Truth values become objects when rows are added, and files cannot hold the mixture.
        samples[column] = samples[column].astype("boolean")
    return assemble(modalities, samples)


def _tables_of_folder(folder: Path) -> dict[str, Path]:
    """Files by name without ending; that of the table of labels is _LABELS_NAME."""
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}.")
    tables: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if not path.name.lower().endswith(SUFFIXES) or path.name.startswith((".", "~")):
            continue
        name = stem(path)
        if name.lower() in ("labels", "metadata"):
            name = _LABELS_NAME
        if name in tables:
            raise ValueError(
                f"{folder} has two files for {name}: {tables[name].name} and {path.name}. "
                "Take one of them out."
            )
        tables[name] = path
    return tables


def _read_labels(path: Path, labels_key: str, sep: str | None) -> pd.DataFrame:
    """Columns of the table of labels by sample; words become categories."""
    samples = read_table(path, _LABELS, sep, text=labels_key)
    _refuse_duplicates(samples.index, _LABELS, path, "sample")
    _refuse_duplicates(samples.columns, _LABELS, path, "column")
    if labels_key not in samples:
        raise KeyError(
            f"The table of labels {path} has no column {labels_key!r} but "
            f"{samples.columns.tolist()}. Name the column of classes with labels_key."
        )
    for column in samples:
        if column == labels_key or not pd.api.types.is_numeric_dtype(samples[column].dtype):
            words = samples[column].map(lambda value: str(value).strip(), na_action="ignore")
            samples[column] = pd.Categorical(words)
    return samples


def _read_modality(
    name: str,
    path: Path,
    labelled: pd.Index,
    transpose: Literal["auto"] | bool,
    sep: str | None,
) -> ad.AnnData:
    what = f"Modality {name!r}"
    frame = read_table(path, what, sep)
    in_rows, in_columns = labelled.isin(frame.index).sum(), labelled.isin(frame.columns).sum()
    is_turned = in_columns > in_rows if transpose == "auto" else bool(transpose)
    if not (in_columns if is_turned else in_rows):
        raise ValueError(
            f"{what}: {path} shares no sample with the table of labels. Its rows are called "
            f"{frame.index[:3].tolist()}, its columns {frame.columns[:3].tolist()}; the table of "
            f"labels has {labelled[:3].tolist()}. Make the names the same, or change transpose."
        )
    samples, features = frame.axes[::-1] if is_turned else frame.axes
    _refuse_duplicates(samples, what, path, "sample")
    _refuse_duplicates(features, what, path, "feature")
    values = to_numbers(frame, path, what)
    adata = ad.AnnData(
        np.ascontiguousarray(values.T) if is_turned else values,
        obs=pd.DataFrame(index=samples),
        var=pd.DataFrame(index=features),
    )
    known = labelled[labelled.isin(samples)]
    return adata[known.append(samples.difference(known, sort=False))].copy()


def _refuse_duplicates(names: pd.Index, what: str, path: Path, kind: str) -> None:
    repeated = names[names.duplicated()].unique()
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
