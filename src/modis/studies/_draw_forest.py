from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from ..pl._palette import CLASS_COLORS
from ..pl._style import GRID_COLOR, TEXT_COLOR, house_style
from ._design import TASKS
from ._methods import RIVALS
from ._rivals import COMBINED
from ._scores import METRICS
from ._verdict import AHEAD, AVERAGE, BEHIND, LEVEL, PRIMARY, gains

_DPI = 140
_COLORS = {AHEAD: CLASS_COLORS[2], LEVEL: "#777777", BEHIND: CLASS_COLORS[4]}


def forest_rows(table: pd.DataFrame) -> pd.DataFrame:
    """What the forest plot shows: gains over every other method, in the measures that decide."""
    own = table[(table["reference"] != "") & table["source"].isin([AVERAGE, COMBINED])]
    decides = [
        metric in PRIMARY[task] for task, metric in zip(own["task"], own["metric"], strict=True)
    ]
    own = gains(own[decides])
    order = {name: place for place, name in enumerate([*TASKS, *METRICS, *RIVALS])}
    places = own["source"].map({AVERAGE: "", COMBINED: " from all modalities"})
    titles = own["task"].map(TASKS) + places + ", " + own["metric"].map(lambda m: METRICS[m].title)
    own = own.assign(group=titles, label=own["reference"].map(lambda name: RIVALS[name].title))
    keys = ["task", "source", "metric", "reference"]
    return own.sort_values(keys, key=lambda column: column.map(lambda name: order.get(name, 0)))


@house_style()
def draw_forest(rows: pd.DataFrame, path: Path, title: str) -> None:
    """Draw gains with their intervals: columns ``group``, ``label``, ``side`` and the bounds."""
    n_groups = rows["group"].nunique()
    figure, ax = plt.subplots(figsize=(8, 1.3 + 0.2 * len(rows) + 0.3 * n_groups))
    y, ticks, labels = 0.0, [], []
    for group, own in rows.groupby("group", sort=False):
        y -= 1.5
        ax.text(
            0, y + 0.05, f"{group}", transform=ax.get_yaxis_transform(), weight="bold", va="center"
        )
        for _, row in own.iterrows():
            y -= 1
            color = _COLORS[row["side"]]
            ax.plot([row["low"], row["high"]], [y, y], color=color, linewidth=1.6)
            ax.plot(row["mean"], y, "o", color=color, markersize=4.5)
            ticks.append(y)
            labels.append(row["label"])
    ax.axvline(0, color=TEXT_COLOR, linewidth=0.9)
    for side, color in _COLORS.items():
        ax.plot([], [], "o-", color=color, markersize=4.5, label=f"MODIS {side}")
    ax.set_yticks(ticks, labels)
    ax.set_ylim(y - 1, 0)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=GRID_COLOR, linewidth=0.7)
    ax.set_xlabel("gain of MODIS, right is better; 95 % confidence interval")
    ax.set_title(title, loc="left", x=-0.3)
    ax.legend(loc="upper center", bbox_to_anchor=(0.4, -0.6 / figure.get_figheight()), ncols=3)
    figure.savefig(path, dpi=_DPI, bbox_inches="tight", pad_inches=0.15)
    plt.close(figure)
