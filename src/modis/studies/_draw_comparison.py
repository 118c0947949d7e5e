from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..pl._palette import CLASS_COLORS
from ..pl._style import GRID_COLOR, TEXT_COLOR, house_style, text_inches, wrapped
from ._comparison import AVERAGE, in_order, name_reference
from ._methods import RIVALS
from ._rivals import COMBINED
from ._scores import ALL, SEVERAL

_DPI = 150
_COLORS = dict(zip(RIVALS, CLASS_COLORS, strict=False))


@house_style()
def draw_comparison(table: pd.DataFrame, path: Path) -> None:
    """Draw every method in every modality, and beside it how far MODIS is ahead."""
    own = table[table["metric"] == "balanced_accuracy"]
    together = (own["subset"] == SEVERAL) & (own["modality"] == COMBINED)
    own = own[(own["subset"] == ALL) | together]
    rows = own[own["reference"] == ""]
    # with several references under "combined", the first is the best single modality
    ahead = own[own["reference"] != ""].drop_duplicates("modality")
    places = in_order(rows["modality"])
    methods = [name for name in RIVALS if name in set(rows["method"])]
    names = [_place(name, rows) for name in places]
    step = max(0.5, 0.17 * len(methods) + 0.15)
    n_columns = 2 if len(ahead) else 1
    figure, axes = plt.subplots(
        *(1, n_columns),
        figsize=(0.3 + text_inches(names) + 3.7 * n_columns, 1.65 + step * len(places)),
        sharey=True,
        squeeze=False,
        width_ratios=[1.6, 1][:n_columns],
        layout="constrained",
    )
    scores = axes[0, 0]
    for k, method in enumerate(methods):
        offset = 0.17 * (k - (len(methods) - 1) / 2) / step
        _draw_intervals(scores, rows[rows["method"] == method], places, method, offset)
    scores.set_yticks(range(len(places)), names)
    scores.set_ylim(len(places) - 0.45, -0.55)
    scores.set(title="Balanced accuracy", xlabel="balanced accuracy, 95 % confidence interval")
    if len(ahead):
        _draw_differences(axes[0, 1], ahead, places)
        figure.suptitle(_finding(ahead), x=0.01, ha="left")
    for ax in axes[0]:
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x", color=GRID_COLOR, linewidth=0.7)
        ax.set_axisbelow(True)
        for edge in np.arange(len(places) - 1) + 0.5:
            ax.axhline(edge, color=GRID_COLOR, linewidth=0.7, zorder=0)
    n_beside = min(len(methods), 3 if len(ahead) else 2)
    handles = scores.get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=n_beside)
    figure.savefig(path, dpi=_DPI, bbox_inches="tight", pad_inches=0.15)
    plt.close(figure)


def _draw_intervals(
    ax: Axes, rows: pd.DataFrame, places: list[str], method: str, offset: float = 0.0
) -> None:
    y = np.array([places.index(name) for name in rows["modality"]]) + offset
    reach = np.abs(rows[["low", "high"]].to_numpy().T - rows["mean"].to_numpy())
    style: Any = {"color": _COLORS[method], "linewidth": 1.6, "fmt": "o"}
    style["markersize"] = 5.5 if method == "modis" else 4.5
    ax.errorbar(rows["mean"], y, xerr=reach, label=RIVALS[method].title, **style)


def _draw_differences(ax: Axes, ahead: pd.DataFrame, places: list[str]) -> None:
    ax.axvline(0, color=TEXT_COLOR, linewidth=0.9)
    _draw_intervals(ax, ahead, places, "modis")
    for _, row in ahead.iterrows():
        ax.annotate(
            "" if row["reference"] == "best" else name_reference(row["reference"]),
            (row["mean"], places.index(row["modality"])),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
            fontsize=7.5,
            color=TEXT_COLOR,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )
    ax.margins(x=0.18)
    ax.set(title="MODIS − best baseline", xlabel="difference, 95 % confidence interval")


def _finding(ahead: pd.DataFrame) -> str:
    """In how many modalities the confidence interval excludes 0."""
    single = ahead[~ahead["modality"].isin([AVERAGE, COMBINED])]
    single = ahead if single.empty else single
    n_above, n_below, n = (single["low"] > 0).sum(), (single["high"] < 0).sum(), len(single)
    if not n_above and not n_below:
        return "MODIS − best baseline: every 95 % confidence interval includes 0"
    return f"MODIS is above the best baseline in {n_above} of {n} modalities, below in {n_below}"


def _place(name: str, rows: pd.DataFrame) -> str:
    if name == AVERAGE:
        return "average"
    if name == COMBINED:
        return "all modalities of\nan observation"
    n = rows.loc[rows["modality"] == name, "n_labeled"].max()
    return f"{wrapped(name)}\n{n:,.0f} labelled" if n > 0 else f"{wrapped(name)}\nno labels"
