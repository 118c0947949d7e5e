import warnings
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd

from ._selection import assemble
from ._table_file import SUFFIXES, quoted, read_table, stem, to_numbers
from ._table_layout import Known, all_names, lay_out, name_rows

_LABELS = "Table of labels"
_LABELS_NAME = "labels"
_Transpose = Literal["auto"] | bool


def read_tables(
    source: str | PathLike[str] | Mapping[str, str | PathLike[str]],
    *,
    labels: str | PathLike[str] | None = None,
    labels_key: str = "label",
    features: Mapping[str, Sequence[str]] | None = None,
    transpose: _Transpose | Mapping[str, _Transpose] = "auto",
    sep: str | Mapping[str, str] | None = None,
) -> md.MuData:
    r"""Read tables of modalities (CSV, TSV) and a table of labels into one MuData.

    Parameters
    ----------
    source
        A folder, whose `.csv`, `.tsv` and `.txt` files (also `.gz`) become modalities under
        their file names; one such file; or a dict from modality to file. The first column of
        a table holds the names of its rows; all other columns hold numbers. Samples may be missing
        from any table. Known columns of annotation, such as `Entrez_Gene_Id`, are left out. Files
        of cBioPortal, Xena, MaxQuant and DIA-NN are read as they are.
    labels
        The table of labels: sample names in the first column (or in `SAMPLE_ID` or similar,
        if it has more of the tables' samples), and one column or more about the samples. By
        default the file of the folder that is called `labels` or `metadata`. Not needed where
        `features` or `transpose` tell where the samples are.
    labels_key
        The column of classes in the table of labels. Only an empty field is missing here; words
        such as NA stay, and :meth:`modis.MODIS.setup_mudata` takes them as not labelled. Not
        needed with `features`.
    features
        Names of features by modality, such as `model.get_var_names()` of the model that the
        samples are for. Tables of other modalities are not read.
    transpose
        `False`: tables are samples × features. `True`: features × samples. `"auto"` (default)
        decides for each table by where more known names are. A dict says it by modality.
    sep
        The character between columns of the tables. A dict says it by modality, and under
        `"labels"` for the table of labels. By default comma, semicolon or tab, whichever splits
        all lines into equally many fields.

    Returns
    -------
    MuData
        One AnnData per table, float32, samples in the order of the table of labels. All columns of
        the table of labels are in the obs of the MuData and of every modality. Samples that the
        table of labels lacks have missing values there and come last. Missing numbers stay NaN.

    Raises
    ------
    FileNotFoundError
        If the folder, a table or the table of labels does not exist.
    KeyError
        If the table of labels has no column `labels_key`, or a dict names a table that is not
        there.
    ValueError
        If a table is empty, cut off, damaged or not numeric, if names occur twice or hold a "/",
        or if samples cannot be distinguished from features or annotation. The message names
        file, row and column.

    Warns
    -----
    UserWarning
        If numbers are missing, samples have no row in the table of labels, or columns are left
        out.

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
    tables, labels = _files(source, labels)
    if features is not None:
        tables = {name: path for name, path in tables.items() if name in features}
    if not tables:
        wanted = "" if features is None else f" of the modalities {list(features)}"
        raise FileNotFoundError(f"{source} has no table{wanted} ({', '.join(SUFFIXES)}).")
    turned = _by_table("transpose", transpose, tables, "auto")
    seps = _by_table("sep", sep, [*tables, _LABELS_NAME], None)
    for value in turned.values():
        if value not in (True, False, "auto"):
            raise ValueError(f'transpose must be True, False or "auto", found {value!r}.')
    if labels is None and features is None and "auto" in turned.values():
        raise FileNotFoundError(
            "There is no table of labels. Name it with labels=, or put it into the folder as "
            "labels.csv or metadata.csv (or .tsv, .txt). Without one, say where samples are: "
            "transpose=True if in columns, transpose=False if in rows."
        )
    frames = {n: read_table(path, f"Modality {n!r}", seps[n]) for n, path in tables.items()}
    samples = pd.DataFrame(index=pd.Index([], dtype=str))
    if labels is not None:
        own_sep = None if isinstance(sep, str) else seps[_LABELS_NAME]
        samples = _read_labels(Path(labels), labels_key, own_sep, all_names(frames.values()))
        if labels_key not in samples and features is None:
            raise KeyError(
                f"The table of labels {labels} has no column {labels_key!r} but "
                f"{samples.columns.tolist()}. Name the column of classes with labels_key."
            )
    for name in (*tables, *samples):
        if "/" in name:
            raise ValueError(
                f"The modality or column {quoted(name)} has a '/' in its name, which .h5mu files "
                "cannot hold. Rename it."
            )
    modalities = {}
    every = pd.Index(samples.index)
    for name, path in tables.items():
        known = Known(samples.index, pd.Index((features or {}).get(name, ())), labels_key)
        modalities[name] = _make_modality(name, path, frames.pop(name), known, turned[name])
        every = every.union(modalities[name].obs_names, sort=False)
    samples = samples.reindex(every)
    for column in samples.select_dtypes(object):
        # Truth values become objects when rows are added, and files cannot hold the mixture.
        samples[column] = samples[column].astype("boolean")
    with warnings.catch_warnings():
        # of mudata, anndata and pandas about their next versions
        warnings.simplefilter("ignore")
        return assemble(modalities, samples)


def label_columns(source: Path, labels: Path | None) -> list[str]:
    """Names of the columns in the table of labels that :func:`read_tables` would take."""
    table = read_table(Path(_files(source, labels)[1] or ""), _LABELS, None)
    return [str(table.index.name), *table.columns]


def _files(
    source: str | PathLike[str] | Mapping[str, str | PathLike[str]],
    labels: str | PathLike[str] | None,
) -> tuple[dict[str, Path], str | PathLike[str] | None]:
    """Tables by modality, and the table of labels."""
    if isinstance(source, Mapping):
        tables = {str(name): Path(path) for name, path in source.items()}
    elif Path(source).is_file():
        tables = {stem(Path(source)): Path(source)}
    else:
        tables = _tables_of_folder(Path(source))
        labels = labels or tables.get(_LABELS_NAME)
        tables.pop(_LABELS_NAME, None)
    own = None if labels is None else Path(labels).resolve()
    return {name: path for name, path in tables.items() if path.resolve() != own}, labels


def _by_table(argument: str, value: Any, names: Iterable[str], default: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return dict.fromkeys(names, value)
    if unknown := sorted(set(value) - set(names)):
        raise KeyError(f"{argument} names the tables {unknown}; there are {list(names)}.")
    return {name: value.get(name, default) for name in names}


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
                "Remove one of them."
            )
        tables[name] = path
    return tables


def _read_labels(path: Path, labels_key: str, sep: str | None, names: pd.Index) -> pd.DataFrame:
    """Columns of the table of labels by sample; words become categories."""
    read = read_table(path, _LABELS, sep, text=labels_key)
    samples = name_rows(read, names)
    _refuse_duplicates(samples.index, _LABELS, path, "sample")
    _refuse_duplicates(samples.columns, _LABELS, path, "column")
    if samples is not read:
        warnings.warn(
            f"Table of labels: samples are named by the column {quoted(samples.index.name)}, "
            f"which fits the tables better than the first, {quoted(read.index.name)}.",
            stacklevel=3,
        )
    for column in samples:
        if column == labels_key or not pd.api.types.is_numeric_dtype(samples[column].dtype):
            words = samples[column].map(lambda value: str(value).strip(), na_action="ignore")
            samples[column] = pd.Categorical(words)
    return samples


def _make_modality(
    name: str, path: Path, frame: pd.DataFrame, known: Known, transpose: _Transpose
) -> ad.AnnData:
    what = f"Modality {name!r}"
    frame, is_turned, left_out = lay_out(frame, what, path, known, transpose)
    samples, features = frame.axes[::-1] if is_turned else frame.axes
    _refuse_duplicates(samples, what, path, "sample")
    _refuse_duplicates(features, what, path, "feature")
    values = to_numbers(frame, path, what)
    labelled = known.samples[known.samples.isin(samples)]
    order = labelled.append(samples.difference(labelled, sort=False)).rename(None)
    values = (values.T if is_turned else values)[samples.get_indexer(order)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        var = pd.DataFrame(index=features.rename(None))
        adata = ad.AnnData(values, obs=pd.DataFrame(index=order), var=var)
    _warn(name, adata, known.samples, left_out)
    return adata


def _refuse_duplicates(names: pd.Index, what: str, path: Path, kind: str) -> None:
    repeated = names[names.duplicated() | (names == "")].unique()
    if len(repeated):
        raise ValueError(
            f"{what}: {path} has {len(repeated)} {kind} names that are empty or occur more than "
            f"once, such as {quoted(*repeated)}. Merge or rename them."
        )


def _warn(name: str, adata: ad.AnnData, labelled: pd.Index, left_out: list[str]) -> None:
    found = []
    if left_out:
        found.append(
            f"{len(left_out)} rows or columns that describe samples or features are left out: "
            f"{quoted(*left_out)}."
        )
    unlabelled = adata.obs_names.difference(labelled, sort=False)
    if len(unlabelled) and len(labelled):
        found.append(
            f"{len(unlabelled)} of {adata.n_obs} samples have no row in the table of labels and "
            f"stay unlabelled, such as {quoted(*unlabelled)}."
        )
    missing = np.isnan(adata.X)
    if missing.any():
        features = adata.var_names[missing.any(axis=0)]
        found.append(
            f"{int(missing.sum())} values are missing, in {len(features)} features such as "
            f"{quoted(*features)}. They stay NaN; the model fills them in."
        )
    for text in found:
        warnings.warn(f"Modality {name!r}: {text}", stacklevel=4)
