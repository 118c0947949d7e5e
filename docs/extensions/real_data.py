"""Rows of the tables on real data, from what ``modis benchmark`` wrote."""

from __future__ import annotations

import pandas as pd

from modis.studies import RIVALS as COMPARED

Rows = list[dict[str, object]]

# Folders of real data, in the order of the page; others follow by their names. Those that begin
# with the prefix carry labels into a modality without any.
COHORTS = {
    "brca_tcga_unpaired": "breast tumours, unpaired",
    "brca_tcga_unpaired_5_labels": "breast tumours, unpaired, 5 labels",
    "brca_tcga_partial": "breast tumours, partly paired",
    "bmmc_multiome_unpaired": "bone marrow cells, unpaired, another donor",
    "pbmc_mosaic": "blood cells (mosaic)",
    "pbmc_mosaic_5_labels": "blood cells (mosaic), 5 labels",
    "pbmc10k_cite_unpaired": "blood cells (CITE-seq), unpaired",
    "pbmc10k_cite_unpaired_5_labels": "blood cells (CITE-seq), unpaired, 5 labels",
    "transfer_rna_to_protein": "blood cells (CITE-seq), from rna to protein",
    "transfer_rna_to_protein_diagvi": "the same beside DIAGVI, seeds 0 and 1",
    "transfer_protein_to_rna": "blood cells (CITE-seq), from protein to rna",
}
TRANSFER = "transfer_"
MEASURES = {"balanced_accuracy": "balanced accuracy", "accuracy": "accuracy"}


def compare_real(table: pd.DataFrame) -> Rows:
    """MODIS beside the classifiers: a row per data set and modality, and their average."""
    table = table[(table["subset"] == "all") & (table["modality"] != "combined")]
    own = table[~table["data"].str.startswith(TRANSFER)]
    return _beside_rivals(own)


def compare_combined(table: pd.DataFrame) -> Rows:
    """From all modalities that an observation has: where it has several."""
    several = table[(table["subset"] == "several") & (table["modality"] == "combined")]
    return _beside_rivals(several)


def compare_transfer(table: pd.DataFrame) -> Rows:
    """Labels carried into a modality that has none."""
    own = table[table["data"].str.startswith(TRANSFER)]
    return _beside_rivals(own[own["subset"] == "all"])


def count_wins(table: pd.DataFrame) -> Rows:
    """On which data sets MODIS is ahead of the better classifier, on average over modalities."""
    table = table[(table["subset"] == "all") & (table["reference"] != "")]
    average = table[table["modality"] == "average"]
    rows = []
    for metric, title in MEASURES.items():
        own = average[average["metric"] == metric]
        sides = {
            "above: interval above 0": own["low"] > 0,
            "below: interval below 0": own["high"] < 0,
            "undecided: interval includes 0": (own["low"] <= 0) & (own["high"] >= 0),
        }
        row = {"MODIS beside the best baseline": title}
        for side, here in sides.items():
            names = [_cohort(name) for name in own.loc[here, "data"]]
            row[side] = f"{len(names)}: {'; '.join(names)}" if names else "0"
        rows.append(row)
    return rows


def compare_averages(table: pd.DataFrame) -> Rows:
    """How far MODIS is above or below the better classifier: a row per data set."""
    table = table[(table["subset"] == "all") & (table["modality"] == "average")]
    table = table[(table["reference"] != "") & ~table["data"].str.startswith(TRANSFER)]
    rows: Rows = []
    for data, own in table.groupby("data", sort=False):
        row: dict[str, object] = {"data": _cohort(str(data))}
        for metric, title in MEASURES.items():
            (here,) = own[own["metric"] == metric].itertuples()
            row[title] = f"{here.mean:+.3f} [{here.low:+.3f}, {here.high:+.3f}]"
        rows.append(row)
    return rows


def _cohort(name: str) -> str:
    return COHORTS.get(name, f"`{name}`")


def _beside_rivals(table: pd.DataFrame) -> Rows:
    """Scores of all methods, and how far MODIS is ahead, by data set and modality."""
    scores = table[(table["metric"] == "balanced_accuracy") & (table["reference"] == "")]
    methods = [name for name in COMPARED if (scores["method"] == name).any()]
    rows: Rows = []
    told = ""
    for (data, modality), own in scores.groupby(["data", "modality"], sort=False):
        labeled = own["n_labeled"].max()
        here = table[(table["data"] == data) & (table["modality"] == modality)]
        ahead = here[here["reference"] != ""]
        less = {
            f"MODIS − best baseline, {title}": "; ".join(
                map(_lead, ahead[ahead["metric"] == metric].itertuples())
            )
            for metric, title in MEASURES.items()
        }
        # the first columns of a wide table are seen first: MODIS, and how far it is ahead
        row = {
            "data": "" if data == told else _cohort(data),
            "from": modality if pd.isna(labeled) else f"{modality} ({labeled:.0f})",
        }
        for name in methods:
            row[COMPARED[name].title] = "; ".join(
                f"{mean:.3f}" + ("" if pd.isna(sd) else f" ± {sd:.3f}")
                for mean, sd in own.loc[own["method"] == name, ["mean", "sd"]].to_numpy()
            )
            if name == "modis":
                row |= dict(list(less.items())[:1])
        row |= dict(list(less.items())[1:])
        told = data
        rows.append({key: cell or ("" if key == "data" else "-") for key, cell in row.items()})
    return rows


def _lead(row: tuple) -> str:
    """Difference, its interval and what it is measured from."""
    method, _, modality = row.reference.partition(" ")
    than = f" ({method.upper()}{modality and ' '}{modality})" if method in COMPARED else ""
    return f"{row.mean:+.3f} [{row.low:+.3f}, {row.high:+.3f}]{than}"
