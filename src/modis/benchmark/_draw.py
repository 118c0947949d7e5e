from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from ..pl._palette import CLASS_COLORS
from ..pl._style import GRID_COLOR, TEXT_COLOR, house_style, text_inches, wrapped
from ._methods import METHODS
from ._names import ALL, AVERAGE, COMBINED, SEVERAL

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["draw"]

_DPI = 150
_METRIC = "balanced_accuracy"
_TITLE = "Balanced accuracy"
_COLORS = dict(zip(("modis", "lr", "rf", "paper", "diagvi"), CLASS_COLORS, strict=False))


@house_style()
def draw(table: pd.DataFrame, path: Path) -> None:
    """Draw every method in every modality, and beside it how far MODIS is ahead.

    Parameters
    ----------
    table
        As from :func:`~modis.benchmark._table.tabulate`.
    path
        File for the figure.
    """
    own = table[(table["metric"] == _METRIC) & _is_shown(table)]
    rows = own[own["reference"] == ""]
    # with several references under "combined", the first is the best single modality
    ahead = own[own["reference"] != ""].drop_duplicates("modality")
    places = [name for name in dict.fromkeys(rows["modality"]) if name not in (AVERAGE, COMBINED)]
    places += [name for name in (AVERAGE, COMBINED) if name in set(rows["modality"])]
    methods = [name for name in METHODS if name in set(rows["method"])]
    names = [_place(name, rows) for name in places]
    step = max(0.5, 0.17 * len(methods) + 0.15)
    left = 0.3 + text_inches(names)
    width, height = (
        left + (7.0 if len(ahead) else 4.4),
        (1.65 if len(ahead) else 1.3) + step * len(places),
    )
    figure, axes = plt.subplots(
        1,
        2 if len(ahead) else 1,
        figsize=(width, height),
        sharey=True,
        squeeze=False,
        width_ratios=[1.6, 1] if len(ahead) else None,
        layout="constrained",
    )
    _draw_scores(axes[0, 0], rows, places, methods)
    axes[0, 0].set_yticks(range(len(places)), names)
    axes[0, 0].set_ylim(len(places) - 0.45, -0.55)
    if len(ahead):
        _draw_differences(axes[0, 1], ahead, places)
    for ax in axes[0]:
        ax.tick_params(axis="y", length=0)
        for edge in np.arange(len(places) - 1) + 0.5:
            ax.axhline(edge, color=GRID_COLOR, linewidth=0.7, zorder=0)
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=min(len(methods), 3 if len(ahead) else 2),
    )
    if len(ahead):
        figure.suptitle(_finding(ahead), x=0.01, ha="left")
    figure.savefig(path, dpi=_DPI, bbox_inches="tight", pad_inches=0.15)
    plt.close(figure)


def _finding(ahead: pd.DataFrame) -> str:
    """In how many omics MODIS is ahead for certain."""
    single = ahead[~ahead["modality"].isin([AVERAGE, COMBINED])]
    if single.empty:
        single = ahead
    n_ahead, n_behind = int((single["low"] > 0).sum()), int((single["high"] < 0).sum())
    n_open, where = len(single) - n_ahead - n_behind, f"{len(single)} omics"
    if n_open == len(single):
        return f"MODIS: no certain difference in {where}"
    return f"MODIS: ahead in {n_ahead} of {where}, behind in {n_behind}, undecided in {n_open}"


def _is_shown(table: pd.DataFrame) -> pd.Series:
    together = (table["subset"] == SEVERAL) & (table["modality"] == COMBINED)
    return (table["subset"] == ALL) | together


def _place(name: str, rows: pd.DataFrame) -> str:
    if name == AVERAGE:
        return "average"
    if name == COMBINED:
        return "all omics of\nan observation"
    n = rows.loc[rows["modality"] == name, "n_labeled"].max()
    return f"{wrapped(name)}\n{n:,.0f} labelled" if n > 0 else f"{wrapped(name)}\nno labels"


def _draw_scores(ax: Axes, rows: pd.DataFrame, places: list[str], methods: list[str]) -> None:
    for k, method in enumerate(methods):
        own = rows[rows["method"] == method].set_index("modality")
        own = own.reindex([name for name in places if name in own.index])
        offset = 0.17 * (k - (len(methods) - 1) / 2) / max(0.5, 0.17 * len(methods) + 0.15)
        y = np.array([places.index(name) for name in own.index]) + offset
        reach = np.abs(own[["low", "high"]].to_numpy().T - own["mean"].to_numpy())
        ax.errorbar(
            own["mean"],
            y,
            xerr=reach,
            fmt="o",
            markersize=5.5 if method == "modis" else 4.5,
            linewidth=1.6,
            color=_COLORS[method],
            label=METHODS[method].title,
        )
    ax.set_xlabel("balanced accuracy, 95 % interval")
    ax.set_title(_TITLE)
    ax.grid(axis="x", color=GRID_COLOR, linewidth=0.7)
    ax.set_axisbelow(True)


def _draw_differences(ax: Axes, ahead: pd.DataFrame, places: list[str]) -> None:
    y = np.array([places.index(name) for name in ahead["modality"]])
    reach = np.abs(ahead[["low", "high"]].to_numpy().T - ahead["mean"].to_numpy())
    ax.axvline(0, color=TEXT_COLOR, linewidth=0.9)
    ax.errorbar(
        ahead["mean"],
        y,
        xerr=reach,
        fmt="o",
        markersize=5.5,
        linewidth=1.6,
        color=_COLORS["modis"],
    )
    for place, (_, row) in zip(y, ahead.iterrows(), strict=True):
        ax.annotate(
            _against(row),
            (row["mean"], place),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
            fontsize=7.5,
            color=TEXT_COLOR,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )
    ax.margins(x=0.18)
    ax.set_xlabel("difference, 95 % interval")
    ax.set_title("MODIS less the better of the others")
    ax.grid(axis="x", color=GRID_COLOR, linewidth=0.7)
    ax.set_axisbelow(True)


def _against(row: pd.Series) -> str:
    method, _, modality = row["reference"].partition(" ")
    if method not in METHODS:
        return ""
    return METHODS[method].title + (f", {modality}" if modality else "")
