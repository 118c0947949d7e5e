"""Tables and a figure of the results on real data, from what ``benchmarks/real.py`` wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import pandas as pd

from modis.pl._style import GRID_COLOR, TEXT_COLOR, house_style
from modis.studies import TASKS
from modis.studies._figures import _COLORS
from modis.studies._verdict import name_rival

if TYPE_CHECKING:
    from pathlib import Path

Rows = list[dict[str, object]]

DATA = {
    "brca_tcga": "breast tumours",
    "brca_tcga_partial": "breast tumours, mosaic",
    "tcga_rare": "rare cancers",
    "tcga_pancancer": "33 cancers",
    "pbmc_mosaic": "blood cells, mosaic",
    "pbmc_mosaic_links": "blood cells, mosaic, with links",
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
            "data": f"{DATA.get(row.data, row.data)}, {row.setting} ({_splits(row.splits)})",
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


@house_style()
def draw_overview(verdicts: pd.DataFrame, path: Path) -> None:
    """Every difference and its interval, by task and metric; data sets have no name here."""
    blocks = verdicts.groupby(["task", "source", "metric"], sort=False)
    order = [(task, source) for task in TASKS for source in ("average", "combined")]
    found = sorted(blocks, key=lambda block: order.index(block[0][:2]))
    figure, ax = plt.subplots(figsize=(8, 5.6), layout="constrained")
    y, ticks = 0.0, {}
    for (_, _, metric), own in found:
        rows = range(len(own))
        ticks[f"{_task(next(own.itertuples()))}: {MEASURES[metric]}"] = y + rows[-1] / 2
        for row in own.sort_values("mean").itertuples():
            ax.plot([row.low, row.high], [y, y], color=_COLORS[row.side], linewidth=1.3)
            ax.plot(row.mean, y, "o", color=_COLORS[row.side], markersize=3.2)
            y += 1
        ax.axhline(y + 0.5, color=GRID_COLOR, linewidth=0.7)
        y += 2
    ax.axvline(0, color=TEXT_COLOR, linewidth=0.9)
    for side, color in _COLORS.items():
        ax.plot([], [], "o-", color=color, markersize=3.2, label=f"MODIS {side}")
    ax.set_yticks(list(ticks.values()), list(ticks))
    ax.tick_params(axis="y", length=0)
    ax.set(ylim=(y, -1), xlabel="MODIS − best simple method, right is better")
    figure.legend(loc="outside upper right", ncols=3)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _worst(verdicts: pd.DataFrame) -> pd.DataFrame:
    """One row per task, data set and setting: that of the metric with the worst verdict."""
    rank = verdicts.assign(rank=verdicts["side"].map(SIDES.index))
    keys = ["task", "source", "data", "setting"]
    return rank.sort_values("rank", kind="stable").drop_duplicates(keys)


def _splits(number: float) -> str:
    return "1 split" if number == 1 else f"{number:.0f} splits"


def _task(row: tuple) -> str:
    where = " from all modalities" if row.source == "combined" else ""
    return TASKS[row.task] + where
