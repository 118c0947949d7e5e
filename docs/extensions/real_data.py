"""Rows of the tables on real data, from what ``benchmarks/real.py`` wrote."""

from __future__ import annotations

import pandas as pd

from modis.studies import TASKS
from modis.studies._verdict import name_rival

Rows = list[dict[str, object]]

DATA = {
    "brca_tcga": "breast tumours",
    "brca_tcga_partial": "breast tumours, mosaic",
    "tcga_rare": "rare cancers",
    "tcga_pancancer": "33 cancers",
    "pbmc_mosaic": "blood cells, mosaic",
    "pbmc10k_cite": "blood cells, CITE-seq",
    "bmmc_multiome": "bone marrow cells, another donor",
}
MEASURES = {
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "mse": "squared error / variance",
    "foscttm": "FOSCTTM",
}
SIDES = ("behind", "level", "ahead")


def list_verdicts(verdicts: pd.DataFrame) -> Rows:
    """Difference between MODIS and the best baseline; rows where MODIS is behind come first."""
    return [
        {
            "MODIS is": row.side,
            "task": _task(row),
            "data": f"{DATA.get(row.data, row.data)}, {row.setting} ({row.splits:.0f} splits)",
            "metric": MEASURES[row.metric],
            "MODIS − baseline": f"{row.mean:+.3f} [{row.low:+.3f}, {row.high:+.3f}]",
            "baseline": name_rival(row.reference, row.task),
        }
        for row in verdicts.itertuples()
    ]


def summarize_sides(verdicts: pd.DataFrame) -> str:
    """In how many comparisons MODIS is behind, level and ahead, in one sentence."""
    counts = _worst(verdicts)["side"].value_counts().reindex(SIDES, fill_value=0)
    return (
        f"In {counts.sum()} comparisons (task, data set and setting), MODIS is **ahead** of every "
        f"simple method in {counts['ahead']}, **level** with the best one in {counts['level']}, "
        f"and **behind** in {counts['behind']}."
    )


def count_sides(verdicts: pd.DataFrame) -> Rows:
    """By task: in how many data sets and settings MODIS is behind, level and ahead."""
    worst = _worst(verdicts)
    rows: Rows = []
    for task in TASKS:
        for source in ("average", "combined"):
            own = worst[(worst["task"] == task) & (worst["source"] == source)]
            if len(own):
                counts = own["side"].value_counts().reindex(SIDES, fill_value=0)
                rows.append({"task": _task(next(own.itertuples()))} | counts.to_dict())
    return rows


def _worst(verdicts: pd.DataFrame) -> pd.DataFrame:
    """One row per task, data set and setting: that of the metric with the worst verdict."""
    rank = verdicts.assign(rank=verdicts["side"].map(SIDES.index))
    keys = ["task", "source", "data", "setting"]
    return rank.sort_values("rank", kind="stable").drop_duplicates(keys)


def _task(row: tuple) -> str:
    where = " from all modalities" if row.source == "combined" else ""
    return TASKS[row.task] + where
