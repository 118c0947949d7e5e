"""The most important features of each class."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ._palette import in_order
from ._style import TEXT_COLOR, figure_of, headline, house_style, legend, panels, wrapped

COLORS = {"up": "#d55e00", "down": "#0072b2"}
MEANINGS = {"up": "higher in the class", "down": "lower in the class"}
NEEDED = ["class", "feature", "attribution", "direction"]
# Longer names would leave no room for the bars.
LONGEST = 20


@house_style()
def feature_importance(importance: pd.DataFrame, n_features: int = 10) -> NDArray[np.object_]:
    """Draw the most important features of every class as bars.

    A bar to the right supports the class, a bar to the left another class. Its colour tells
    whether the feature is higher (orange) or lower (blue) in the class than in the baseline.

    Parameters
    ----------
    importance
        As from :meth:`modis.MODIS.feature_importance`: columns `class`, `feature`, `attribution`
        and `direction` (`"up"` or `"down"`). Tables of several modalities, one below the other
        with their column `modality`, give a panel per modality and class.
    n_features
        Bars per panel, at least 1: those with the highest absolute attribution.

    Returns
    -------
    Axes, one per class in sorted order, modality by modality in order of appearance.

    Raises
    ------
    ValueError
        If columns are missing, the table is empty or `n_features` is below 1.

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
    n_lines = max(title.count("\n") for title in tables)
    size = (2.1 + 0.075 * letters, 0.19 * n_bars + 0.17 * n_lines + 0.6)
    axes = panels(len(tables), None, panel_size=size, max_width=10.5)
    for ax, (title, table) in zip(axes, tables.items(), strict=True):
        colors = [COLORS[direction] for direction in table["direction"]]
        ax.barh(np.arange(len(table)), table["attribution"], color=colors, height=0.72)
        ax.set_yticks(np.arange(len(table)), [_short(name) for name in table["feature"]])
        ax.set_ylim(n_bars - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.axvline(0, color=TEXT_COLOR, linewidth=0.8)
        ax.xaxis.set_major_locator(MaxNLocator(3, min_n_ticks=2))
        ax.set_title(title)
        ax.set_xlabel("contribution to the class score", loc="left", fontsize=8.5)
    figure, best = figure_of(axes[0]), importance.iloc[importance["attribution"].abs().argmax()]
    legend(figure, [Patch(color=color, label=MEANINGS[key]) for key, color in COLORS.items()])
    how = MEANINGS[best["direction"]].partition(" ")[0]
    headline(figure, f"Strongest feature: {_short(best['feature'])}, {how} in {best['class']}")
    return axes


def _tables(importance: pd.DataFrame, n_features: int) -> dict[str, pd.DataFrame]:
    """The rows to draw, by title: a class, after its modality where there are several."""
    if "modality" not in importance:
        importance = importance.assign(modality="")
    several = len(set(importance["modality"])) > 1
    tables = {}
    for modality, own in importance.groupby("modality", sort=False, observed=True):
        by_class = dict(iter(own.groupby("class", observed=True)))
        for name in in_order(by_class):
            table = by_class[name]
            best = np.argsort(-table["attribution"].abs().to_numpy(), kind="stable")[:n_features]
            tables[wrapped(f"{modality}: {name}" if several else name)] = table.iloc[best]
    return tables


def _short(name: Any) -> str:
    """Without its middle: names mostly differ at their ends."""
    text = str(name)
    return text if len(text) <= LONGEST else f"{text[:10]}…{text[-9:]}"
