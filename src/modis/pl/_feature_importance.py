"""Which features speak for each class."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ._palette import in_order
from ._panels import figure_of, headline, panels
from ._style import TEXT_COLOR, house_style, wrapped

COLORS = {"up": "#d55e00", "down": "#0072b2"}
MEANINGS = {"up": "higher in the class", "down": "lower in the class"}
SCORE = "contribution to the class score"
NEEDED = ["class", "feature", "attribution", "direction"]
# longer names would leave no room for the bars
LONGEST = 20
BAR_WIDTH = 2.1
MAX_WIDTH = 10.5
INCHES_PER_LETTER = 0.075
WIDTH_OF_LEGEND = 3.4


@house_style()
def feature_importance(
    importance: pd.DataFrame,
    n_features: int = 10,
    *,
    axes: Axes | Iterable[Axes] | None = None,
) -> NDArray[np.object_]:
    """Draw the most important features of every class as bars.

    A bar to the right speaks for the class, one to the left against it. Its colour tells
    whether the feature is higher (orange) or lower (blue) in the class than in the baseline.

    Parameters
    ----------
    importance
        As from :meth:`modis.MODIS.feature_importance`: columns `class`, `feature`, `attribution`
        and `direction` (`"up"` or `"down"`). Tables of several modalities, one below the other
        with their column `modality`, give a panel per modality and class.
    n_features
        Bars per panel, at least 1: those with the highest absolute attribution.
    axes
        Axes to draw on, one per panel. By default a new figure.

    Returns
    -------
    Axes, one per class in sorted order, modality by modality in order of appearance.

    Raises
    ------
    ValueError
        If columns are missing, the table is empty, `n_features` is below 1 or the number of axes
        is not that of the panels.

    Examples
    --------
    >>> import modis, pandas as pd
    >>> importance = pd.DataFrame(
    ...     {
    ...         "class": ["T", "T", "B"],
    ...         "feature": ["CD3D", "MS4A1", "MS4A1"],
    ...         "attribution": [0.9, 0.4, 0.7],
    ...         "direction": ["up", "down", "up"],
    ...     }
    ... )
    >>> axes = modis.pl.feature_importance(importance)
    >>> [ax.get_title(loc="left") for ax in axes]
    ['B', 'T']
    """
    missing = [name for name in NEEDED if name not in importance]
    if missing:
        raise ValueError(
            f"importance lacks the column(s) {missing}; pass what model.feature_importance() "
            f"returned. It has {list(importance)}."
        )
    if importance.empty:
        raise ValueError("importance has no row to draw.")
    if n_features < 1:
        raise ValueError(f"n_features={n_features} must be at least 1.")

    tables = _tables(importance, n_features)
    n_bars = max(len(table) for table in tables.values())
    letters = max(len(_short(name)) for table in tables.values() for name in table["feature"])
    several = len({modality for modality, _ in tables}) > 1
    titles = [wrapped(f"{modality}: {name}" if several else name) for modality, name in tables]
    n_lines = max(title.count("\n") for title in titles)
    size = (BAR_WIDTH + INCHES_PER_LETTER * letters, 0.19 * n_bars + 0.17 * n_lines + 0.6)
    drawn_on = panels(len(tables), axes, panel_size=size, max_width=MAX_WIDTH)
    for ax, table, title in zip(drawn_on, tables.values(), titles, strict=True):
        _draw(ax, table, n_bars)
        ax.set_title(title, loc="left")
    handles = [Patch(color=COLORS[key], label=MEANINGS[key]) for key in COLORS]
    if axes is None:
        figure = figure_of(drawn_on[0])
        width, height = figure.get_size_inches()
        n_columns = 2 if width > WIDTH_OF_LEGEND else 1
        # below the panels: beside the bars there may be no room
        figure.legend(handles=handles, loc="outside lower left", ncols=n_columns, handlelength=1.0)
        for ax in drawn_on[-drawn_on[0].get_gridspec().ncols :]:
            ax.set_xlabel(SCORE, loc="left", fontsize=8.5)
        figure.set_size_inches(width, height + (0.5 if n_columns == 2 else 0.7))
        headline(figure, _finding(importance))
    else:
        for ax in drawn_on:
            ax.set_xlabel(SCORE)
        drawn_on[-1].legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return drawn_on


def _finding(importance: pd.DataFrame) -> str:
    """The strongest feature of all."""
    strength = importance["attribution"].abs().to_numpy()
    best = importance.iloc[int(np.argmax(strength))]
    how = {"up": "higher", "down": "lower"}[best["direction"]]
    return f"Strongest feature: {_short(best['feature'])}, {how} in {best['class']}"


def _tables(importance: pd.DataFrame, n_features: int) -> dict[tuple[str, Any], pd.DataFrame]:
    """The rows to draw, by modality (empty where there is no such column) and class."""
    if "modality" in importance:
        modalities = importance["modality"].astype(str)
    else:
        modalities = pd.Series("", index=importance.index)
    tables = {}
    for modality in modalities.unique():
        own = importance[(modalities == modality).to_numpy()]
        for name in in_order(own["class"]):
            table = own[(own["class"] == name).to_numpy()]
            strength = table["attribution"].abs().to_numpy()
            best = np.argsort(-strength, kind="stable")[:n_features]
            tables[modality, name] = table.iloc[best]
    return tables


def _draw(ax: Axes, table: pd.DataFrame, n_bars: int) -> None:
    colors = [COLORS[direction] for direction in table["direction"]]
    places = np.arange(len(table))
    ax.barh(places, table["attribution"], color=colors, height=0.72, linewidth=0)
    ax.set_yticks(places, [_short(name) for name in table["feature"]])
    ax.set_ylim(n_bars - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.axvline(0, color=TEXT_COLOR, linewidth=0.8)
    ax.xaxis.set_major_locator(MaxNLocator(3, min_n_ticks=2))


def _short(name: Any) -> str:
    """Without its middle: what tells names apart stands at their ends."""
    text = str(name)
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST // 2]}…{text[len(text) - LONGEST // 2 + 1 :]}"
