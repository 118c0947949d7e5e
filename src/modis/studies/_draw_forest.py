from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from ..data import draft_of
from ..pl._palette import CLASS_COLORS
from ..pl._style import GRID_COLOR, TEXT_COLOR, house_style
from ._scores import METRICS
from ._verdict import AHEAD, BEHIND, LEVEL, name_rival, name_task

_DPI = 140
_COLORS = {AHEAD: CLASS_COLORS[2], LEVEL: "#777777", BEHIND: CLASS_COLORS[4]}


@house_style()
def draw_forest(gains: pd.DataFrame, path: Path, title: str) -> None:
    """Draw rows of :func:`gains` with their intervals, a block per task and measure.

    Rows are named by the other method, and by data and setting where there are several.
    """
    several = gains[["data", "setting"]].drop_duplicates().shape[0] > 1
    blocks = gains.groupby(["task", "source", "metric"], sort=False)
    height = 1.3 + 0.2 * len(gains) + 0.42 * len(blocks)
    figure, ax = plt.subplots(figsize=(8, height), layout="constrained")
    y, ticks, labels = 0.0, [], []
    for (task, source, metric), own in blocks:
        y -= 1.4
        head = f"{name_task(task, source)}: {METRICS[metric].title}"
        ax.text(0, y, head, transform=ax.get_yaxis_transform(), weight="bold", va="center")
        for _, row in own.iterrows():
            y -= 1
            color = _COLORS[row["side"]]
            ax.plot([row["low"], row["high"]], [y, y], color=color, linewidth=1.6)
            ax.plot(row["mean"], y, "o", color=color, markersize=4.5)
            ticks.append(y)
            where = f"{row['data']}, {row['setting']}, " if several else ""
            labels.append(where + name_rival(row["reference"], task))
    ax.axvline(0, color=TEXT_COLOR, linewidth=0.9)
    for side, color in _COLORS.items():
        ax.plot([], [], "o-", color=color, markersize=4.5, label=f"MODIS {side}")
    ax.set_yticks(ticks, labels)
    ax.set_ylim(y - 1, 0)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=GRID_COLOR, linewidth=0.7)
    ax.set(title=title, xlabel="MODIS − other method, right is better (95 % confidence interval)")
    figure.legend(loc="outside upper right", ncols=3)
    with draft_of(path) as draft:
        figure.savefig(draft, dpi=_DPI, bbox_inches="tight", pad_inches=0.15)
    plt.close(figure)
