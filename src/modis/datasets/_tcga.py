"""Patients of The Cancer Genome Atlas, built from the files of the R packages RTCGA."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
from scipy import sparse

from ._pbmc_mosaic import with_split
from ._rda import read_rda
from ._selection import assemble
from ._sources import fetch_sources

_BIN = 10_000_000  # bases
# Mutations that leave the protein as it is; how the others are called differs between files.
_NOT_IN_PROTEIN = ["Silent", "RNA", "Intron", "3'UTR", "5'UTR", "3'Flank", "5'Flank", "IGR"]
_N_GENES = 5000


def tcga_rare() -> md.MuData:
    """Rare cancers and a small group of a frequent one: 350 patients, few with all modalities.

    Adrenocortical carcinoma (ACC, 92 patients), uveal melanoma (UVM, 80), uterine carcinosarcoma
    (UCS, 57), diffuse large B-cell lymphoma (DLBC, 48), cholangiocarcinoma (CHOL, 36) and, to
    compare with, 37 of stomach adenocarcinoma (STAD, without mutations). 25 MB are downloaded
    once; see :func:`tcga_pancancer` for the modalities.

    Returns
    -------
    MuData
        The modalities ``mrna`` (the 5,000 genes of highest variance, log2(RSEM + 1); 295
        patients), ``mirna`` (607; 326), ``cnv`` (286; 347), ``mutation`` (371; 310) and ``rppa``
        (120; 201). In every obs: ``label``, the type of cancer, and ``split70_seed0``,
        ``"train"`` or ``"test"``.

    Raises
    ------
    ConnectionError, ValueError
        If a file cannot be downloaded, or is not the expected one.

    Examples
    --------
    >>> import modis
    >>> patients = modis.datasets.tcga_rare()
    >>> {name: adata.shape for name, adata in patients.mod.items()}["mrna"]
    (295, 5000)
    """
    values, labels = _read("tcga_rare", ["mrna", *_OTHERS])
    # a small group of the frequent cancer
    chosen = labels.index[(labels != "STAD") | labels.index.isin(values["mrna"].index)]
    values = {name: found[found.index.isin(chosen)] for name, found in values.items()}
    variance = values["mrna"].var(ddof=0).sort_values(ascending=False, kind="stable")
    values["mrna"] = values["mrna"][variance.index[:_N_GENES]]
    values = {name: x.loc[:, (x != x.iloc[0]).any()] for name, x in values.items()}
    return _assemble(values, labels[chosen])


def tcga_pancancer() -> md.MuData:
    """11,120 patients with 33 types of cancer in four modalities, which few have all.

    About 100 MB are downloaded once. Only tumours count (sample types 01 to 09 of TCGA). Of
    several samples of a patient the first counts, so that a patient whose first sample is normal
    tissue is left out; in ``cnv`` and ``mutation``, all tumours of a patient count together.

    Returns
    -------
    MuData
        The modalities ``mirna`` (680 microRNAs, log2(reads per million + 1)), ``cnv`` (mean log
        ratio of the copy number in 286 bins of 10 million bases), ``mutation`` (0 or 1, sparse:
        whether one of 374 genes, mutated in 1.5 % of the patients, has a mutation that changes its
        protein) and ``rppa`` (120 proteins, centred within types of cancer by TCGA). In every obs:
        ``label``, the type of cancer, and ``split70_seed0``, ``"train"`` or ``"test"``.

    Raises
    ------
    ConnectionError, ValueError
        If a file cannot be downloaded, or is not the expected one.

    Examples
    --------
    >>> import modis
    >>> patients = modis.datasets.tcga_pancancer()
    >>> sorted(patients.mod)
    ['cnv', 'mirna', 'mutation', 'rppa']
    """
    return _assemble(*_read("tcga_pancancer", _OTHERS))


def _read(dataset: str, modalities: list[str]) -> tuple[dict[str, pd.DataFrame], pd.Series]:
    """Patients × features by modality, and the type of cancer, which the files are named after."""
    paths = fetch_sources(dataset)
    table = pd.read_csv(str(files("modis.datasets") / "tcga_features.csv"))
    features = table.groupby("modality")["feature"].agg(list)
    values, labels = {}, []
    for modality in modalities:
        read, ending = _READERS[modality]
        parts = []
        for name, path in paths.items():
            label, _, kind = name.removesuffix(".rda").partition(".")
            if kind == ending:
                parts.append(read(read_rda(path)[f"{label}.{kind}"], features.get(modality)))
                labels.append(pd.Series(label, index=parts[-1].index))
        found = pd.concat(parts).sort_index()
        values[modality] = found[~found.index.duplicated()]
    known = pd.concat(labels)
    return values, known[~known.index.duplicated()].sort_index()


def _assemble(values: Mapping[str, pd.DataFrame], labels: pd.Series) -> md.MuData:
    modalities = {name: ad.AnnData(found.astype(np.float32)) for name, found in values.items()}
    modalities["mutation"].X = sparse.csr_matrix(modalities["mutation"].X)
    in_order = dict.fromkeys(name for found in values.values() for name in found.index)
    return assemble(modalities, with_split(labels.to_frame("label")).loc[list(in_order)])


def _expression(frame: pd.DataFrame, features: None) -> pd.DataFrame:
    frame = _tumours(frame, frame.pop("bcr_patient_barcode"), first_only=True)
    # symbol|number; the symbol of some is not known, and one of two has another number
    symbols = frame.columns.str.partition("|").get_level_values(0)
    known = (symbols != "?") & ~symbols.duplicated()
    return np.log2(frame.loc[:, known].set_axis(symbols[known], axis=1) + 1)


def _micro_rna(frame: pd.DataFrame, features: list[str]) -> pd.DataFrame:
    # three rows per sample: reads, reads per million, and whether they fit several places
    frame = frame[frame["miRNA_ID"] == "reads_per_million_miRNA_mapped"]
    frame = _tumours(frame[features], frame.index, first_only=True)
    return np.log2(frame.astype(str).astype(float) + 1)


def _copy_number(frame: pd.DataFrame, features: list[str]) -> pd.DataFrame:
    """Mean log ratio of the segments in each bin, weighted by their overlap; 0 without any."""
    frame = _tumours(frame, frame["Sample"])
    start, end = (frame[name].to_numpy(dtype=np.int64) for name in ("Start", "End"))
    n_bins = end // _BIN - start // _BIN + 1
    rows = np.repeat(np.arange(len(frame)), n_bins)
    bins = start[rows] // _BIN + np.arange(len(rows)) - np.repeat(n_bins.cumsum() - n_bins, n_bins)
    overlap = np.minimum(end[rows], (bins + 1) * _BIN) - np.maximum(start[rows], bins * _BIN)
    # a number for each bin of each chromosome, of which none has a hundred
    place = frame["Chromosome"].to_numpy(dtype=np.int64)[rows] * 100 + bins
    pieces = pd.DataFrame({"patient": frame.index[rows], "place": place, "overlap": overlap})
    pieces["ratio"] = overlap * frame["Segment_Mean"].to_numpy()[rows]
    sums = pieces.pivot_table(index="patient", columns="place", aggfunc="sum")
    ratio = sums["ratio"] / sums["overlap"]
    names = [f"chr{number // 100}_{number % 100}" for number in ratio.columns]
    return ratio.set_axis(names, axis=1).reindex(columns=features).fillna(0)


def _mutations(frame: pd.DataFrame, features: list[str]) -> pd.DataFrame:
    frame = _tumours(frame, frame["Tumor_Sample_Barcode"])
    counted = ~frame["Variant_Classification"].isin(_NOT_IN_PROTEIN)
    counted &= frame["Hugo_Symbol"].isin(features)
    found = pd.crosstab(frame.index[counted], frame["Hugo_Symbol"].to_numpy()[counted])
    return found.gt(0).reindex(index=frame.index.unique(), columns=features, fill_value=False)


def _proteins(frame: pd.DataFrame, features: list[str]) -> pd.DataFrame:
    return _tumours(frame[features], frame["bcr_patient_barcode"], first_only=True)


def _tumours(
    frame: pd.DataFrame, barcodes: pd.Series | pd.Index, *, first_only: bool = False
) -> pd.DataFrame:
    """Rows of tumours, by patient; or of each patient's first sample, if that is a tumour.

    A barcode names the patient with its first 12 characters, and the kind of tissue with two more.
    """
    barcodes = pd.Index(barcodes.astype(str))
    patients, chosen = barcodes.str[:12], barcodes.str[13:15].astype(int) < 10
    if first_only:
        chosen &= ~patients.duplicated()
    return frame[chosen].set_axis(patients[chosen])


_OTHERS = ["mirna", "cnv", "mutation", "rppa"]
#: By modality: what makes a table of it, and what its files are called.
_READERS: dict[str, tuple[Any, str]] = {
    "mrna": (_expression, "rnaseq"),
    "mirna": (_micro_rna, "miRNASeq"),
    "cnv": (_copy_number, "CNV"),
    "mutation": (_mutations, "mutations"),
    "rppa": (_proteins, "RPPA"),
}
