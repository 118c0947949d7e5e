"""What the figures are put together from: one panel each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata import AnnData

from .. import pl
from ..pl._palette import CLASS_COLORS
from ..pl._style import GRID_COLOR, NO_DATA, TEXT_COLOR
from ._store import BAYES
from ._table import METHOD_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.colorbar import Colorbar
    from matplotlib.legend import Legend

__all__ = [
    "accuracy_axis",
    "confusion_panel",
    "counts_panel",
    "curves",
    "empty_panel",
    "errors_panel",
    "latent_panels",
    "only_left",
    "paper_marks",
]

# wide lines below narrow ones, so that equal results are all seen
_STYLES: dict[str, Any] = {
    "default": {"color": CLASS_COLORS[0], "linewidth": 3.0, "markersize": 6.5},
    "links": {"color": CLASS_COLORS[4], "linewidth": 1.5, "markersize": 4},
    "paper": {"color": CLASS_COLORS[2], "linewidth": 1.5, "markersize": 4},
    BAYES: {"color": "black", "linewidth": 1.2, "linestyle": "--", "markersize": 3},
}


def latent_panels(
    axes: Sequence[Axes], latent: pd.DataFrame | None, color: Sequence[str], *, legend: bool
) -> None:
    """Principal components of latent points, a panel per colouring."""
    if latent is None:
        for ax in axes:
            empty_panel(ax)
        return
    points = latent.filter(like="latent_").to_numpy()
    obs = latent[["modality", "label"]].set_axis(latent.index.astype(str))
    pl.latent(AnnData(obs=obs, obsm={"X_modis": points}), basis="X_pca", color=color, axes=axes)
    for ax in axes:
        ax.set_box_aspect(1)
        if not legend:
            _remove(ax.get_legend())


def confusion_panel(ax: Axes, rows: pd.DataFrame, title: str) -> None:
    """Which class is taken for which, from counts by ``class`` and ``predicted``."""
    if rows.empty:
        empty_panel(ax, title)
        return
    times = rows["value"].astype(int)
    pl.confusion(rows["class"].repeat(times), rows["predicted"].repeat(times), axes=[ax])
    ax.set_title(title, loc="left", pad=18)


def errors_panel(ax: Axes, rows: pd.DataFrame, title: str) -> None:
    """Errors of all translations, means over seeds, and their ratio to the limit."""
    if rows.empty:
        empty_panel(ax, title)
        return
    order = list(dict.fromkeys(rows["source"]))
    cells = {
        metric: rows[rows["metric"] == metric]
        .pivot_table(index="source", columns="target", values="value")
        .loc[order, order]
        for metric in ("mse", "mse_over_limit")
    }
    limit = (cells["mse"] / cells["mse_over_limit"]).mean()
    pl.translation(cells["mse"], limit, ax=ax)
    # each cell says its ratio, and the room is scarce
    _remove(ax.collections[0].colorbar)
    ax.tick_params(axis="x", labelsize=7)
    ax.set_title(title, loc="left")
    ax.set(xlabel="target", ylabel="source")


def counts_panel(ax: Axes, rows: pd.DataFrame, title: str) -> None:
    """Training samples per modality and class."""
    if rows.empty:
        empty_panel(ax, title)
        return
    order = list(dict.fromkeys(rows["source"]))
    counts = rows.pivot_table(index="source", columns="class", values="value").loc[order]
    if not counts.get("unlabeled", pd.Series([0])).any():
        counts = counts.drop(columns="unlabeled", errors="ignore")
    pl.class_counts(counts, ax=ax)
    ax.set_title(title, loc="left")
    _remove(ax.get_legend())


def curves(ax: Axes, rows: pd.DataFrame, methods: Sequence[str]) -> None:
    """Mean over seeds by ``x``, and the range of all seeds, a line per method."""
    for method in methods:
        own = rows[rows["method"] == method]
        spread = own.groupby("x")["value"].agg(["mean", "min", "max"])
        style = _STYLES[method]
        ax.plot(spread.index, spread["mean"], marker="o", label=METHOD_NAMES[method], **style)
        band = {"color": style["color"], "alpha": 0.15, "linewidth": 0}
        ax.fill_between(spread.index, spread["min"], spread["max"], **band)


def paper_marks(ax: Axes, marks: Mapping[int, float]) -> None:
    """What the paper states, as lower bounds."""
    ax.plot(
        list(marks),
        list(marks.values()),
        linestyle="",
        marker="^",
        markersize=8,
        markerfacecolor="none",
        markeredgecolor=TEXT_COLOR,
        label="the paper: above this",
    )


def empty_panel(ax: Axes, title: str = "") -> None:
    """Say that nothing was measured."""
    ax.set(xticks=[], yticks=[])
    ax.patch.set(facecolor=NO_DATA["facecolor"])
    ax.text(0.5, 0.5, "not measured", ha="center", va="center", transform=ax.transAxes)
    ax.set_title(title, loc="left")


def only_left(axes: Sequence[Axes]) -> None:
    """Name the rows of the first panel only."""
    for ax in axes[1:]:
        ax.set_ylabel("")
        ax.tick_params(labelleft=False)


def accuracy_axis(ax: Axes, lowest: float) -> None:
    """From the lowest value, or 0.9, to 1."""
    bottom = min(0.9, np.floor(20 * lowest) / 20)
    ax.set_ylim(bottom - 0.02 * (1 - bottom), 1 + 0.03 * (1 - bottom))
    ax.grid(axis="y", color=GRID_COLOR, linewidth=0.7)
    ax.set_axisbelow(True)


def _remove(part: Legend | Colorbar | None) -> None:
    if part is not None:
        part.remove()
