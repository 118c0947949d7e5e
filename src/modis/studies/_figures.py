"""The figures of studies: of a benchmark, and of the paper's experiments."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import pl
from ..data import draft_of
from ..pl._palette import CLASS_COLORS
from ..pl._style import GRID_COLOR, TEXT_COLOR, house_style
from ._methods import METHODS
from ._paper_table import BAYES, METHOD_NAMES
from ._runs import Job, Store
from ._scores import METRICS
from ._settings import FIGURES, SETTINGS
from ._verdict import AHEAD, BEHIND, LEVEL, name_rival, name_task

_DPI = 140
_COLORS = {AHEAD: CLASS_COLORS[2], LEVEL: "#777777", BEHIND: CLASS_COLORS[4]}

_SCORES = {"accuracy": "ACC", "inverse_frequency_accuracy": "W-ACC", "jaccard": "JI"}

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
_PAPER |= {"markeredgecolor": TEXT_COLOR, "label": "the paper: above this"}

# by figure: what is shown of a method, and in which settings (all if none are named)
_PANELS: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "fig2": (["label", "modality", "confusion", "errors"], ()),
    "fig3": (["label", "confusion", "errors"], ("rare-20", "reference-2")),
    "fig4": (
        ["counts", "label", "confusion"],
        ("missing-1", "missing-1-back-1", "missing-2", "missing-2-back-1"),
    ),
}


@house_style()
def draw_paper(figure: str, results: pd.DataFrame, store: Store, out: Path) -> None:
    """Draw a figure, or ``"all"``: latent spaces and confusions of seed 0, means over seeds."""
    drawn: dict[str, Figure] = {}
    for name in FIGURES if figure == "all" else [figure]:
        rows = results[results["figure"].str.startswith(name)]
        own = rows[rows["method"].isin(METHODS)]
        curves = [key for key in _CURVES if (own["figure"] == key).any()]
        if curves:
            drawn[name] = _draw_curves(rows, curves)
        panels, settings = _PANELS.get(name, ([], ()))
        shown = own[own["setting"].isin(settings or SETTINGS)]
        for method, of_method in shown.groupby("method") if panels else ():
            drawn[f"{name}_{method}"] = made = _draw_settings(of_method, panels, store)
            made.suptitle(f"Fig. {name[-1]}: {METHOD_NAMES[str(method)]}", x=0.01, ha="left")
    for name, made in drawn.items():
        with draft_of(out / f"{name}.png") as draft:
            made.savefig(draft, dpi=130, bbox_inches="tight", pad_inches=0.15)
        plt.close(made)


def _draw_settings(rows: pd.DataFrame, panels: list[str], store: Store) -> Figure:
    """A column per setting, and a row per panel."""
    settings = rows["setting"].unique()
    if "counts" in panels:
        # a class is missing in one modality, so each is shown by itself too
        panels = [*panels, *rows.loc[rows["metric"] == "n_train", "source"].unique()]
    kinds = [_KINDS.get(panel, _KINDS["confusion"]) for panel in panels]
    heights = [height for height, _ in kinds]
    # and room for the legend
    size = (3.5 * len(settings) + 1.5, sum(heights))
    made = plt.figure(figsize=size, layout="constrained")
    axes = made.subplots(len(panels), len(settings), squeeze=False, height_ratios=heights)
    for column, setting in zip(axes.T, settings, strict=True):
        own = rows[rows["setting"] == setting]
        found = store.read(Job({"setting": setting, "method": own["method"].iloc[0]}))
        latent = None if found is None else found[1]
        for ax, panel, (_, draw) in zip(column, panels, kinds, strict=True):
            draw(ax, own, latent, panel)
            legend = ax.get_legend()
            if legend is not None and setting != settings[-1]:
                legend.remove()
            if setting != settings[0]:
                ax.set_ylabel("")
                ax.tick_params(labelleft=False)
        column[0].set_title(f"{setting}\n{column[0].get_title(loc='left')}", loc="left")
    return made


def _draw_latent(ax: Axes, rows: pd.DataFrame, latent: pd.DataFrame | None, panel: str) -> None:
    # seed 0 may have failed
    if latent is None:
        return
    obs = latent[["modality", "label"]].set_axis(latent.index.astype(str))
    points = AnnData(obs=obs, obsm={"X_modis": latent.filter(like="latent_").to_numpy()})
    pl.latent(points, basis="X_pca", color=panel, axes=ax)
    ax.set_box_aspect(1)


def _draw_confusion(ax: Axes, rows: pd.DataFrame, latent: pd.DataFrame | None, panel: str) -> None:
    """Of all test samples, or of those of the modality that the panel is called by."""
    counts, title = rows[rows["metric"] == "confusion"], "Predicted classes"
    if counts.empty:
        counts = rows[rows["metric"] == "transfer_confusion"]
        title = "No classes learned: 15-NN transfer"
    if panel != "confusion":
        counts, title = counts[counts["source"] == panel], panel
    times = counts["value"].astype(int)
    pl.confusion(counts["class"].repeat(times), counts["predicted"].repeat(times), axes=ax)
    ax.set_title(title, loc="left", pad=18)


def _draw_errors(ax: Axes, rows: pd.DataFrame, latent: pd.DataFrame | None, panel: str) -> None:
    """Errors of all translations, means over seeds, and their ratio to the limit."""
    order = rows.loc[rows["metric"] == "mse", "target"].unique()
    cells = rows.pivot_table("value", ["metric", "source"], "target")
    errors, ratios = (cells.loc[metric].loc[order, order] for metric in ("mse", "mse_over_limit"))
    pl.translation(errors, (errors / ratios).mean(), ax=ax)
    # each cell says its ratio, and the room is scarce
    ax.collections[0].colorbar.remove()  # type: ignore[union-attr]
    ax.tick_params(axis="x", labelsize=7)
    ax.set(xlabel="target", ylabel="source")


def _draw_counts(ax: Axes, rows: pd.DataFrame, latent: pd.DataFrame | None, panel: str) -> None:
    own = rows[rows["metric"] == "n_train"]
    counts = own.pivot_table("value", "source", "class").loc[own["source"].unique()]
    pl.class_counts(counts.loc[:, (counts > 0).any()], ax=ax)
    ax.set_title("Training samples", loc="left")


# by panel: its height in inches, and what draws it
_KINDS: dict[str, tuple[float, Callable[..., None]]] = {
    "counts": (3.0, _draw_counts),
    "label": (3.2, _draw_latent),
    "modality": (3.2, _draw_latent),
    "confusion": (3.7, _draw_confusion),
    "errors": (2.9, _draw_errors),
}


def _draw_curves(rows: pd.DataFrame, figures: list[str]) -> Figure:
    """Means over seeds, and the range of all seeds; a row per kind of setting."""
    made = plt.figure(figsize=(15, 3.2 * len(figures)), layout="constrained")
    axes = made.subplots(len(figures), 4, squeeze=False)
    for line, name in zip(axes, figures, strict=True):
        key, label, marks = _CURVES[name]
        own = rows[rows["figure"] == name]
        own = own.assign(x=[getattr(SETTINGS[setting], key) for setting in own["setting"]])
        for ax, (title, values) in zip(line, _curves_of(own, name).items(), strict=False):
            for method, style in _STYLES.items():
                by_x = values[values["method"] == method].groupby("x")["value"]
                spread = by_x.agg(["mean", "min", "max"])
                mean, least, most = spread.to_numpy().T
                if len(spread):
                    style = style | {"elinewidth": 1, "label": METHOD_NAMES[method]}
                    ax.errorbar(
                        spread.index, mean, yerr=(mean - least, most - mean), marker="o", **style
                    )
            if title == "ACC":
                ax.plot(marks.keys(), marks.values(), **_PAPER)
            ax.set(title=title, xlabel=label, xscale="log" if "fig3" in name else "linear")
            ax.minorticks_off()
            ticks = sorted(own["x"].unique())
            ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            ax.set_ylim(top=1.02)
            ax.grid(axis="y", color=GRID_COLOR, linewidth=0.7)
        named = line[0].get_legend_handles_labels()
        line[-1].legend(*named, loc="center left", bbox_to_anchor=(1.02, 0.5))
    return made


def _curves_of(rows: pd.DataFrame, figure: str) -> dict[str, pd.DataFrame]:
    """What is drawn over `x`, by title: several scores, or accuracy from each modality."""
    if "fig3" not in figure:
        accuracy = rows[rows["metric"] == "accuracy"].replace(
            {"source": {"all": "All modalities"}}
        )
        return {str(name): own for name, own in accuracy.groupby("source", sort=False)}
    pooled, single = rows[rows["source"] == "all"], rows[rows["source"] != "all"]
    shown = {title: pooled[pooled["metric"] == key] for key, title in _SCORES.items()}
    rare = single[(single["metric"] == "recall") & (single["class"] == single["rare_class"])]
    worst = rare.groupby(["method", "x", "seed"])["value"].min()
    return {**shown, "Recall of the rare class, worst modality": worst.reset_index()}


@house_style()
def draw_forest(gains: pd.DataFrame, path: Path, title: str) -> None:
    """Draw rows of :func:`gains` with their intervals, a block per task and measure."""
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
