"""Where a table has its samples, and which rows and columns only describe others."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from ._table_file import quoted

# Names of annotation of features, not of samples; small letters and digits only.
_OF_FEATURES = frozenset(
    """
    accession band biotype chr chrom chromosome cytoband description end ensembl ensemblgeneid
    ensemblid entityname entitystableid entrez entrezgeneid entrezid entryname fastaheader
    fastaheaders
    firstproteindescription gene genebiotype genedescription geneid genelength genename genenames
    genes genesymbol genetype hugosymbol id idref length locus locusid majorityproteinids
    maxpepprob modifiedsequence mz name names nproteotypicsequences nsequences numberpsm organism
    platform position precursorcharge precursorid probe probeid protein proteinexistence
    proteingroup proteinid proteinids proteinlength proteinname proteinnames proteotypic
    referenceintensity refgene retentiontime rt start stop strand strippedsequence symbol
    taxonomy transcriptid transcriptlength uniprot uniprotid width
    """.split()
)
# Names of annotation of samples, not of features.
_OF_SAMPLES = frozenset(
    """
    barcode caseid case donor donorid index patient patientid rowname rownames sample sampleid
    samplename study studyid subject subjectid unnamed0
    """.split()
)
# Columns of MaxQuant's samples, the best first, and marks of proteins that are artefacts.
_MAXQUANT = ("LFQ intensity ", "Reporter intensity corrected ", "Intensity ")
_MAXQUANT_FLAGS = ("Only identified by site", "Reverse", "Potential contaminant")
# DIA-NN calls samples by the files of the instrument.
_RUN = re.compile(r"(?:.*[\\/])?(?P<file>[^\\/]+?)\.(?:raw|mzml|d|wiff|dia)(?:\.dia)?", re.I)


class Known(NamedTuple):
    """Names by which samples and features are distinguished; empty where none are known."""

    samples: pd.Index
    features: pd.Index
    labels_key: str


def lay_out(
    frame: pd.DataFrame, what: str, path: Path, known: Known, transpose: Literal["auto"] | bool
) -> tuple[pd.DataFrame, bool, list[str]]:
    """The table without annotation, whether features are in its rows, and what was left out."""
    frame, left_out = _from_export(frame, known.samples)
    frame = name_rows(frame, known.samples)
    is_turned = _is_turned(frame, what, path, known, transpose)
    samples, features = frame.axes[::-1] if is_turned else frame.axes
    beside = _plain(samples).isin(_OF_FEATURES) & ~samples.isin(known.samples)
    is_feature = ~_plain(features).isin(_OF_SAMPLES) & (features != known.labels_key)
    is_feature |= features.isin(known.features)
    left_out += [*samples[beside], *features[~is_feature]]
    if not is_turned:
        return frame.loc[~beside, is_feature], False, left_out
    if len(known.samples):
        _refuse_doubtful(samples[~beside], what, path, known.samples)
    # R and pandas number the rows of tables, and genes without a symbol have another identifier
    numbers = ([str(k + first) for k in range(len(features))] for first in (0, 1))
    is_numbered = beside.any() and features.tolist() in numbers
    names = features.where(np.full(len(features), not is_numbered), "")
    for position in beside.nonzero()[0]:
        others = frame.iloc[:, position].map(_as_name, na_action="ignore").fillna("")
        names = names.where(names != "", pd.Index(others))
    return frame.set_axis(names).loc[is_feature, ~beside], True, left_out


def all_names(frames: Iterable[pd.DataFrame]) -> pd.Index:
    """Every name in the tables that may be one of a sample."""
    names = pd.Index([], dtype=str)
    for frame in frames:
        others = [frame.iloc[:, position].dropna().astype(str) for position in _identifiers(frame)]
        for found in (frame.index, frame.columns, *map(pd.Index, others)):
            names = names.union(found.unique(), sort=False)
    return names


def name_rows(frame: pd.DataFrame, names: pd.Index) -> pd.DataFrame:
    """The table, its rows named by another column of identifiers if more `names` are there."""
    best, most = None, frame.index.isin(names).sum()
    for position in _identifiers(frame):
        column = frame.iloc[:, position].map(_as_name, na_action="ignore")
        if (found := column.isin(names).sum()) > most:
            best, most = column, found
    if best is None:
        return frame
    first = frame.index.to_series(index=range(len(frame)), name=frame.index.name or "index")
    others = frame.drop(columns=best.name).set_axis(range(len(frame)))
    return pd.concat([first, others], axis=1).set_axis(pd.Index(best.fillna(""), name=best.name))


def _identifiers(frame: pd.DataFrame) -> np.ndarray:
    """Positions of columns that may name the samples."""
    return _plain(frame.columns).isin(_OF_SAMPLES).nonzero()[0]


def _from_export(frame: pd.DataFrame, samples: pd.Index) -> tuple[pd.DataFrame, list[str]]:
    """The table with its columns named as samples are, if it is an export that is known."""
    columns = frame.columns
    for kind in _MAXQUANT if "Reverse" in columns else ():
        own = columns.str.startswith(kind)
        if own.any():
            is_real = (frame.loc[:, columns.isin(_MAXQUANT_FLAGS)] != "+").all(axis=1).to_numpy()
            marked = [] if is_real.all() else [f"{(~is_real).sum()} proteins marked +"]
            kept = frame.loc[is_real, own].set_axis(columns[own].str.removeprefix(kind), axis=1)
            return kept, [*marked, *columns[~own]]
    runs = [None if name in samples else _RUN.fullmatch(name) for name in columns]
    names = [run["file"] if run else name for name, run in zip(columns, runs, strict=True)]
    return frame.set_axis(pd.Index(names), axis=1), []


def _is_turned(
    frame: pd.DataFrame, what: str, path: Path, known: Known, transpose: Literal["auto"] | bool
) -> bool:
    in_rows, in_columns = (
        int(samples.isin(known.samples).sum() + features.isin(known.features).sum())
        for samples, features in (frame.axes, frame.axes[::-1])
    )
    given = transpose != "auto"
    less, more = sorted((in_rows, in_columns))
    if not given and less and less * 10 > more:
        raise ValueError(
            f"{what}: {path} does not show where its samples are: names of samples fit {in_rows} "
            f"of {frame.shape[0]} rows and {in_columns} of {frame.shape[1]} columns. Set "
            "transpose=True if samples are in columns, transpose=False if they are in rows."
        )
    is_turned = bool(transpose) if given else in_columns > in_rows
    if not (in_columns if is_turned else in_rows) and not (given and known.samples.empty):
        by_samples = len(known.samples) > 0
        shared = "sample with the table of labels" if by_samples else "name with the model"
        names = known.samples if by_samples else known.features
        raise ValueError(
            f"{what}: {path} shares no {shared}. Its rows are called {quoted(*frame.index)}, its "
            f"columns {quoted(*frame.columns)}; expected are names such as {quoted(*names)}. Make "
            "the names the same, or change transpose."
        )
    return is_turned


def _refuse_doubtful(columns: pd.Index, what: str, path: Path, samples: pd.Index) -> None:
    """Refuse columns that are not called as samples are: they may be annotation."""
    usual = {_shape(name) for name in samples}
    doubtful = [
        name for name in columns.difference(samples, sort=False) if _shape(name) not in usual
    ]
    if doubtful:
        raise ValueError(
            f"{what}: {path} has {len(doubtful)} columns that are neither samples of the table of "
            f"labels nor known annotation: {quoted(*doubtful)}. Remove annotation from the table; "
            "add samples to the table of labels, without a class if it is not known."
        )


def _shape(name: str) -> tuple[str, bool]:
    """What names of one kind have in common: punctuation, and whether there are digits."""
    return re.sub(r"[^\W_]+", "", name), bool(re.search(r"\d", name))


def _plain(names: pd.Index) -> pd.Index:
    return pd.Index([re.sub(r"[\W_]+", "", name).lower() for name in names])


def _as_name(value: Any) -> str:
    # a column of integers with gaps is read as floats
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if is_whole else value).strip()
