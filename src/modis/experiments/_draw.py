"""The figures, in the paper's arrangement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.layout_engine import ConstrainedLayoutEngine

from ..pl._style import house_style
from ._panels import (
    accuracy_axis,
    confusion_panel,
    counts_panel,
    curves,
    errors_panel,
    latent_panels,
    only_left,
    paper_marks,
)
from ._settings import METHODS, SETTINGS
from ._store import BAYES, Job
from ._table import METHOD_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from ._store import Store

__all__ = ["draw"]

_DPI = 130
_SCORES = {
    "accuracy": "ACC",
    "inverse_frequency_accuracy": "W-ACC",
    "jaccard": "JI",
}


@house_style()
def draw(figure: str, results: pd.DataFrame, store: Store, out: Path) -> list[Path]:
    """Draw what was measured.

    Runs that were trained longer than their methods would are in the tables only. Latent spaces
    and confusions are those of seed 0, curves and errors means over seeds.

    Parameters
    ----------
    figure
        One of the figures, or ``"all"``.
    results
        Tidy rows of all runs.
    store
        Where the latent points lie.
    out
        Folder for the figures.

    Returns
    -------
    Files that were written.
    """
    results = results[results["epochs_factor"] == 1]
    drawn: dict[str, Figure] = {}
    for name, own in results.groupby(results["figure"].str[:4], sort=False):
        methods = [method for method in METHODS if (own["method"] == method).any()]
        if not methods or (figure != "all" and figure[:4] != name):
            continue
        if name == "fig3":
            drawn["fig3"] = _draw_rare(own, methods)
        elif name == "diff":
            drawn["difficulty"] = _draw_difficulty(own, methods)
        elif name == "corr":
            drawn["corrupted"] = _draw_corrupted(own, methods)
        for method in methods:
            rows = own[own["method"] == method]
            if name == "fig2":
                drawn[f"fig2_{method}"] = _draw_labels(rows, store, method)
            elif name == "fig4":
                drawn[f"fig4_{method}"] = _draw_missing(rows, store, method)
    files = []
    for name, made in drawn.items():
        files.append(out / f"{name}.png")
        made.savefig(files[-1], dpi=_DPI, bbox_inches="tight", pad_inches=0.15)
        plt.close(made)
    return files


def _draw_labels(rows: pd.DataFrame, store: Store, method: str) -> Figure:
    """Fig. 2: a column per share of labels; latent space, confusion, errors."""
    settings = list(dict.fromkeys(rows["setting"]))
    figure, axes = _grid(4, len(settings), width=3.3, heights=(3.2, 3.2, 3.7, 2.7))
    for column, name in zip(axes.T, settings, strict=True):
        own = rows[rows["setting"] == name]
        latent = store.read_latent(Job(name, method))
        last = name == settings[-1]
        latent_panels(column[:2], latent, ("label", "modality"), legend=last)
        percent = 100 * SETTINGS[name].labeled_fraction
        column[0].set_title(f"{percent:g} % of the labels", loc="left")
        column[1].set_title("")
        shown = own[own["metric"] == "confusion"]
        title = "Predicted classes"
        if shown.empty:
            shown = own[own["metric"] == "transfer_confusion"]
            title = "No classes learned: 15-NN transfer"
        confusion_panel(column[2], shown, title)
        errors_panel(column[3], own[own["metric"].isin(["mse", "mse_over_limit"])], "Errors")
    only_left(axes[2])
    only_left(axes[3])
    return _titled(figure, f"Latent space and labels: {METHOD_NAMES[method]}")


def _draw_rare(rows: pd.DataFrame, methods: list[str]) -> Figure:
    """Fig. 3: metrics over the size of the rare class and the share of labels; one of each."""
    n_columns = max(4, 2 * len(methods))
    figure, axes = _grid(4, n_columns, width=3.9, heights=(2.9, 3.6, 2.9, 3.6))
    n_samples = rows["setting"].map(lambda name: SETTINGS[name].rare_samples)
    share = rows["setting"].map(lambda name: 100 * SETTINGS[name].reference_fraction)
    for part, letter, shown, x, marks, label in (
        (axes[:2], "A", "rare-20", n_samples, {5: 0.8, 20: 0.98}, "samples per modality"),
        (axes[2:], "C", "reference-2", share, {2: 0.95}, "% of the reference labelled"),
    ):
        of_part = rows["figure"] == f"fig3{letter.lower()}"
        own = rows[of_part]
        _draw_curves(part[0], own.assign(x=x[of_part]), methods, marks, label)
        part[0][0].set_title(f"{letter}  ACC", loc="left")
        for k, method in enumerate(methods):
            one = own[(own["setting"] == shown) & (own["method"] == method)]
            pair = part[1][2 * k : 2 * k + 2]
            confusion_panel(pair[0], one[one["metric"] == "confusion"], METHOD_NAMES[method])
            errors = one[one["metric"].isin(["mse", "mse_over_limit"])]
            errors_panel(pair[1], errors, "Errors")
            pair[0].set_ylabel(f"at {shown.rpartition('-')[2]} {label}\ntrue")
        for ax in (*part[0][4:], *part[1][2 * len(methods) :]):
            ax.set_axis_off()
    return _titled(figure, "A class with few samples")


def _draw_curves(
    axes: Iterable[Axes],
    rows: pd.DataFrame,
    methods: list[str],
    marks: Mapping[int, float],
    label: str,
) -> None:
    pooled = rows[(rows["source"] == "all") & rows["metric"].isin(_SCORES)]
    rare = rows[(rows["metric"] == "recall") & (rows["class"] == rows["rare_class"])]
    rare = rare[rare["source"] != "all"].groupby(["method", "x", "seed"])["value"].min()
    shown = {title: pooled[pooled["metric"] == key] for key, title in _SCORES.items()}
    shown["Recall of the rare class, worst modality"] = rare.reset_index()
    for ax, (title, values) in zip(axes, shown.items(), strict=False):
        curves(ax, values, methods)
        lowest = values["value"].min()
        if title == "ACC":
            paper_marks(ax, marks)
            named = ax.get_legend_handles_labels()
            lowest = min(lowest, *(value - 0.02 for value in marks.values()))
        ax.set_xscale("log")
        ticks = sorted(rows["x"].unique())
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.minorticks_off()
        ax.set_xlabel(label)
        ax.set_title(title, loc="left")
        accuracy_axis(ax, lowest)
    _legend_beside(ax, named)


def _draw_missing(rows: pd.DataFrame, store: Store, method: str) -> Figure:
    """Fig. 4: a row per setting; training samples, latent space, confusions."""
    names = ["missing-1", "missing-1-back-1", "missing-2", "missing-2-back-1"]
    modalities = [name for name in dict.fromkeys(rows["source"].dropna()) if name != "all"]
    widths = (4.6, 3.6, *[3.2] * (1 + len(modalities)))
    figure, axes = _grid(len(names), len(widths), width=widths, heights=(3.5,) * len(names))
    for row, letter, name in zip(axes, "ABCD", names, strict=True):
        own = rows[(rows["setting"] == name) & (rows["seed"] == 0)]
        counts_panel(row[0], own[own["metric"] == "n_train"], f"{letter}  Training samples")
        latent_panels(
            row[1:2], store.read_latent(Job(name, method)), ["label"], legend=letter == "A"
        )
        row[1].set_title("Latent space", loc="left")
        counts = own[own["metric"] == "confusion"]
        confusion_panel(row[2], counts, "All modalities")
        for ax, modality in zip(row[3:], modalities, strict=True):
            confusion_panel(ax, counts[counts["source"] == modality], modality)
        only_left(row[2:])
    return _titled(figure, f"Classes that a modality never saw: {METHOD_NAMES[method]}")


def _draw_difficulty(rows: pd.DataFrame, methods: list[str]) -> Figure:
    rows = rows.assign(x=rows["setting"].map(lambda name: SETTINGS[name].delta))
    figure = _by_modality(rows, [*methods, BAYES], "effect size (delta)")
    return _titled(figure, "Smaller effects, all labels")


def _draw_corrupted(rows: pd.DataFrame, methods: list[str]) -> Figure:
    fraction = rows["setting"].map(lambda name: 100 * SETTINGS[name].corrupted_fraction)
    figure = _by_modality(rows.assign(x=fraction), methods, "% of the labels wrong")
    return _titled(figure, "Wrong labels")


def _by_modality(rows: pd.DataFrame, methods: list[str], label: str) -> Figure:
    """Accuracy from each modality, and over all."""
    measured = rows[rows["metric"] == "accuracy"]
    parts = list(measured.groupby("source", sort=False))
    figure, grid = _grid(1, len(parts), width=3.4, heights=(3.0,))
    for ax, (name, values) in zip(grid[0], parts, strict=True):
        curves(ax, values, methods)
        ax.set_xticks(sorted(rows["x"].unique()))
        ax.set_xlabel(label)
        ax.set_title("All modalities" if name == "all" else name, loc="left")
        accuracy_axis(ax, measured["value"].min())
    grid[0][0].set_ylabel("accuracy")
    _legend_beside(grid[0][-1], grid[0][0].get_legend_handles_labels())
    return figure


def _grid(
    n_rows: int,
    n_columns: int,
    *,
    width: float | tuple[float, ...],
    heights: tuple[float, ...],
) -> tuple[Figure, NDArray[np.object_]]:
    widths = width if isinstance(width, tuple) else (width,) * n_columns
    return plt.subplots(
        n_rows,
        n_columns,
        figsize=(sum(widths), sum(heights)),
        squeeze=False,
        width_ratios=widths,
        height_ratios=heights,
        layout=ConstrainedLayoutEngine(h_pad=0.12, w_pad=0.08),
    )


def _legend_beside(ax: Axes, named: tuple[list, list]) -> None:
    """Outside, where no mark can lie beneath it."""
    ax.legend(*named, loc="center left", bbox_to_anchor=(1.02, 0.5))


def _titled(figure: Figure, title: str) -> Figure:
    figure.suptitle(title, x=0.01, ha="left")
    return figure
