from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..data import draft_of
from ..pl._palette import CLASS_COLORS
from ..pl._style import GRID_COLOR, TEXT_COLOR, house_style, wrapped
from ._comparison import AVERAGE, in_order, name_reference
from ._methods import RIVALS
from ._rivals import COMBINED
from ._scores import ALL

_DPI = 150
_COLORS = dict(zip(RIVALS, CLASS_COLORS, strict=False))
_INTERVAL = "95 % confidence interval"


@house_style()
def draw_comparison(table: pd.DataFrame, path: Path) -> None:
    """Draw every method in every modality, and beside it how far MODIS is ahead."""
    own = table[table["metric"] == "balanced_accuracy"]
    own = own[(own["subset"] == ALL) | (own["modality"] == COMBINED)]
    rows = own[own["reference"] == ""]
    # with several references under "combined", the first is the best single modality
    ahead = own[own["reference"] != ""].drop_duplicates("modality")
    places = in_order(rows["modality"])
    methods = [name for name in RIVALS if name in set(rows["method"])]
    n_columns = 2 if len(ahead) else 1
    figure, axes = plt.subplots(
        *(1, n_columns),
        figsize=(4.7 * n_columns + 1, 1.7 + (0.35 + 0.15 * len(methods)) * len(places)),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    scores = axes[0, 0]
    for k, method in enumerate(methods):
        offset = 0.8 * ((k + 0.5) / len(methods) - 0.5)
        _draw_intervals(scores, rows[rows["method"] == method], places, method, offset)
    scores.set_yticks(range(len(places)), [_place(name, rows) for name in places])
    scores.set_ylim(len(places) - 0.5, -0.5)
    scores.set(title="Balanced accuracy", xlabel=f"balanced accuracy, {_INTERVAL}")
    if len(ahead):
        _draw_differences(axes[0, 1], ahead, places)
        figure.suptitle(_finding(ahead), x=0.01, ha="left")
    for ax in axes[0]:
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x", color=GRID_COLOR, linewidth=0.7)
        for edge in np.arange(len(places) - 1) + 0.5:
            ax.axhline(edge, color=GRID_COLOR, linewidth=0.7)
    figure.legend(*scores.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    with draft_of(path) as draft:
        figure.savefig(draft, dpi=_DPI, bbox_inches="tight", pad_inches=0.15)
    plt.close(figure)


def _draw_intervals(
    ax: Axes, rows: pd.DataFrame, places: list[str], method: str, offset: float = 0.0
) -> None:
    y = [places.index(name) + offset for name in rows["modality"]]
    reach = np.abs(rows[["low", "high"]].to_numpy().T - rows["mean"].to_numpy())
    color, title = _COLORS[method], RIVALS[method].title
    ax.errorbar(rows["mean"], y, xerr=reach, fmt="o", markersize=5, color=color, label=title)


def _draw_differences(ax: Axes, ahead: pd.DataFrame, places: list[str]) -> None:
    ax.axvline(0, color=TEXT_COLOR, linewidth=0.9)
    _draw_intervals(ax, ahead, places, "modis")
    for _, row in ahead[ahead["reference"] != "best"].iterrows():
        y = places.index(row["modality"]) - 0.15
        than = name_reference(row["reference"])
        ax.text(row["mean"], y, than, ha="center", va="bottom", fontsize=7.5)
    ax.margins(x=0.2)
    ax.set(title="MODIS − best baseline", xlabel=f"difference, {_INTERVAL}")


def _finding(ahead: pd.DataFrame) -> str:
    """In how many modalities the confidence interval excludes 0."""
    single = ahead[~ahead["modality"].isin([AVERAGE, COMBINED])]
    n_above, n_below, n = (single["low"] > 0).sum(), (single["high"] < 0).sum(), len(single)
    if not n_above and not n_below:
        return f"MODIS − best baseline: every {_INTERVAL} includes 0"
    return f"MODIS is above the best baseline in {n_above} of {n} modalities, below in {n_below}"


def _place(name: str, rows: pd.DataFrame) -> str:
    if name == COMBINED:
        return "all modalities of\nan observation"
    n = rows.loc[rows["modality"] == name, "n_labeled"].max()
    if name == AVERAGE:
        return name
    return f"{wrapped(name)}\n{n:,.0f} labelled" if n > 0 else f"{wrapped(name)}\nno labels"
