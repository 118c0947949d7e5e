"""The figures of the paper's experiments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import pl
from ..pl._palette import CLASS_COLORS
from ..pl._style import GRID_COLOR, TEXT_COLOR, house_style
from ._experiment import BAYES
from ._methods import METHODS
from ._paper_table import METHOD_NAMES
from ._runs import Job, Store
from ._settings import FIGURES, SETTINGS

_HEIGHTS = {"counts": 3.0, "label": 3.2, "modality": 3.2, "confusion": 3.7, "errors": 2.9}
_SCORES = {"accuracy": "ACC", "inverse_frequency_accuracy": "W-ACC", "jaccard": "JI"}

# by figure: what is shown of a method, and in which settings (all if none are named)
_PANELS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "fig2": (("label", "modality", "confusion all", "errors"), ()),
    "fig3": (("label", "confusion all", "errors"), ("rare-20", "reference-2")),
    "fig4": (
        ("counts", "label", "confusion all", "confusion"),
        ("missing-1", "missing-1-back-1", "missing-2", "missing-2-back-1"),
    ),
}
# by figure: what a row of curves is drawn over, and above what the paper says that its results lie
_CURVES: dict[str, tuple[str, str, dict[float, float]]] = {
    "fig3a": ("rare_samples", "samples per modality", {5: 0.8, 20: 0.98}),
    "fig3c": ("reference_fraction", "share of the reference labelled", {0.02: 0.95}),
    "difficulty": ("delta", "effect size (delta)", {}),
    "corrupted": ("corrupted_fraction", "share of the labels wrong", {}),
}
# wide lines below narrow ones, so that equal results are all seen
_STYLES: dict[str, Any] = {
    "default": {"color": CLASS_COLORS[0], "linewidth": 3.0, "markersize": 6.5},
    "links": {"color": CLASS_COLORS[4], "linewidth": 1.5, "markersize": 4},
    "paper": {"color": CLASS_COLORS[2], "linewidth": 1.5, "markersize": 4},
    BAYES: {"color": "black", "linewidth": 1.2, "linestyle": "--", "markersize": 3},
}
_PAPER: Any = {"linestyle": "", "marker": "^", "markersize": 8, "markerfacecolor": "none"}
_PAPER |= {"markeredgecolor": TEXT_COLOR}


@house_style()
def draw_paper(figure: str, results: pd.DataFrame, store: Store, out: Path) -> None:
    """Draw a figure, or ``"all"``, into a folder.

    Runs that were trained longer than their methods would are in the tables only. Latent spaces
    and confusions are those of seed 0, curves and errors means over seeds.
    """
    results = results[results["epochs_factor"] == 1]
    drawn: dict[str, Figure] = {}
    for name in FIGURES if figure == "all" else [figure]:
        rows = results[results["figure"].str.startswith(name)]
        methods = [method for method in METHODS if (rows["method"] == method).any()]
        if methods and name not in ("fig2", "fig4"):
            drawn[name] = _draw_curves(rows)
        panels, settings = _PANELS.get(name, ((), ()))
        shown = rows[rows["setting"].isin(settings or set(rows["setting"]))]
        for method in methods if panels and len(shown) else ():
            own = shown[shown["method"] == method]
            drawn[f"{name}_{method}"] = made = _draw_settings(own, store, panels, method)
            made.suptitle(f"Fig. {name[-1]}: {METHOD_NAMES[method]}", x=0.01, ha="left")
    for name, made in drawn.items():
        made.savefig(out / f"{name}.png", dpi=130, bbox_inches="tight", pad_inches=0.15)
        plt.close(made)


def _draw_settings(
    rows: pd.DataFrame, store: Store, wanted: tuple[str, ...], method: str
) -> Figure:
    """A column per setting: training samples, latent space, confusion matrices, errors."""
    settings = list(dict.fromkeys(rows["setting"]))
    modalities = [name for name in dict.fromkeys(rows["source"].dropna()) if name != "all"]
    each = [f"confusion {name}" for name in modalities]
    panels = [one for panel in wanted for one in (each if panel == "confusion" else [panel])]
    heights = [_HEIGHTS[panel.split()[0]] for panel in panels]
    # and room for the legend
    size = (3.5 * len(settings) + 1.5, sum(heights))
    made = plt.figure(figsize=size, layout="constrained")
    axes = made.subplots(len(panels), len(settings), squeeze=False, height_ratios=heights)
    for column, setting in zip(axes.T, settings, strict=True):
        own = rows[rows["setting"] == setting]
        found = store.read(Job({"setting": setting, "method": method}))
        for ax, panel in zip(column, panels, strict=True):
            kind, _, source = panel.partition(" ")
            if kind == "counts":
                _draw_counts(ax, own[own["metric"] == "n_train"])
            elif kind == "confusion":
                _draw_confusion(ax, own, source)
            elif kind == "errors":
                _draw_errors(ax, own)
            elif found is not None and found[1] is not None:
                _draw_latent(ax, found[1], kind)
            if setting != settings[-1]:
                _remove_legend(ax)
            if setting != settings[0]:
                ax.set_ylabel("")
                ax.tick_params(labelleft=False)
        column[0].set_title(f"{setting}\n{column[0].get_title(loc='left')}", loc="left")
    return made


def _draw_latent(ax: Axes, latent: pd.DataFrame, color: str) -> None:
    obs = latent[["modality", "label"]].set_axis(latent.index.astype(str))
    points = latent.filter(like="latent_").to_numpy()
    pl.latent(AnnData(obs=obs, obsm={"X_modis": points}), basis="X_pca", color=color, axes=ax)
    ax.set_box_aspect(1)


def _draw_confusion(ax: Axes, rows: pd.DataFrame, source: str) -> None:
    counts, title = rows[rows["metric"] == "confusion"], "Predicted classes"
    if counts.empty:
        counts = rows[rows["metric"] == "transfer_confusion"]
        title = "No classes learned: 15-NN transfer"
    if source != "all":
        counts, title = counts[counts["source"] == source], source
    times = counts["value"].astype(int)
    pl.confusion(counts["class"].repeat(times), counts["predicted"].repeat(times), axes=ax)
    ax.set_title(title, loc="left", pad=18)


def _draw_errors(ax: Axes, rows: pd.DataFrame) -> None:
    """Errors of all translations, means over seeds, and their ratio to the limit."""
    cells = rows[rows["metric"].isin(["mse", "mse_over_limit"])]
    order = list(dict.fromkeys(cells["target"]))
    means = cells.pivot_table(index=["metric", "source"], columns="target", values="value")[order]
    errors, ratios = (means.loc[metric].loc[order] for metric in ("mse", "mse_over_limit"))
    pl.translation(errors, (errors / ratios).mean(), ax=ax)
    # each cell says its ratio, and the room is scarce
    ax.collections[0].colorbar.remove()  # type: ignore[union-attr]
    ax.tick_params(axis="x", labelsize=7)
    ax.set_title("Translation errors", loc="left")
    ax.set(xlabel="target", ylabel="source")


def _draw_counts(ax: Axes, rows: pd.DataFrame) -> None:
    order = list(dict.fromkeys(rows["source"]))
    counts = rows.pivot_table(index="source", columns="class", values="value").loc[order]
    pl.class_counts(counts.loc[:, (counts > 0).any()], ax=ax)
    ax.set_title("Training samples", loc="left")
    _remove_legend(ax)


def _remove_legend(ax: Axes) -> None:
    legend = ax.get_legend()
    if legend is not None:
        legend.remove()


def _draw_curves(rows: pd.DataFrame) -> Figure:
    """Means over seeds, and the range of all seeds; a row per kind of setting."""
    figures = [name for name in _CURVES if (rows["figure"] == name).any()]
    made = plt.figure(figsize=(15, 3.2 * len(figures)), layout="constrained")
    axes = made.subplots(len(figures), 4, squeeze=False)
    for line, name in zip(axes, figures, strict=True):
        key, label, marks = _CURVES[name]
        own = rows[rows["figure"] == name]
        x = {setting: getattr(SETTINGS[setting], key) for setting in own["setting"]}
        own = own.assign(x=own["setting"].map(x))
        for ax, (title, values) in zip(line, _curves_of(own, name).items(), strict=False):
            lowest = min(_draw_lines(ax, values), 0.9)
            if title == "ACC":
                ax.plot(*zip(*marks.items(), strict=True), **_PAPER, label="the paper: above this")
                lowest = min(lowest, *(value - 0.02 for value in marks.values()))
            ax.set_xscale("log" if name.startswith("fig3") else "linear")
            ax.minorticks_off()
            ticks = sorted(own["x"].unique())
            ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            ax.set_xlabel(label)
            ax.set_title(title, loc="left")
            ax.set_ylim(np.floor(20 * lowest) / 20 - 0.02, 1.02)
            ax.grid(axis="y", color=GRID_COLOR, linewidth=0.7)
        named = line[0].get_legend_handles_labels()
        line[-1].legend(*named, loc="center left", bbox_to_anchor=(1.02, 0.5))
    return made


def _curves_of(rows: pd.DataFrame, figure: str) -> dict[str, pd.DataFrame]:
    """What is drawn over `x`, by title: several scores, or accuracy from each modality."""
    pooled, accuracy = rows[rows["source"] == "all"], rows[rows["metric"] == "accuracy"]
    if not figure.startswith("fig3"):
        parts = accuracy.groupby("source", sort=False)
        return {"All modalities" if name == "all" else str(name): own for name, own in parts}
    shown = {title: pooled[pooled["metric"] == key] for key, title in _SCORES.items()}
    rare = rows[(rows["metric"] == "recall") & (rows["class"] == rows["rare_class"])]
    worst = rare[rare["source"] != "all"].groupby(["method", "x", "seed"])["value"].min()
    return {**shown, "Recall of the rare class, worst modality": worst.reset_index()}


def _draw_lines(ax: Axes, values: pd.DataFrame) -> float:
    """A line per method; the lowest value."""
    for method, style in _STYLES.items():
        own = values[values["method"] == method]
        spread = own.groupby("x")["value"].agg(["mean", "min", "max"])
        if len(spread):
            ax.plot(spread.index, spread["mean"], marker="o", label=METHOD_NAMES[method], **style)
            band = {"color": style["color"], "alpha": 0.15, "linewidth": 0}
            ax.fill_between(spread.index, spread["min"], spread["max"], **band)
    return values["value"].min()
