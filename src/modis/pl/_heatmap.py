"""Tables drawn as coloured cells with text."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from ._style import TEXT_COLOR, ink_on


def light_to(color: str) -> Colormap:
    """Return the colours from nearly white to `color`."""
    return LinearSegmentedColormap.from_list(f"light to {color}", ["#f2f2f2", color])


# Not seaborn's: it draws the whole figure on every call, which with many panels takes seconds.
def heatmap(
    ax: Axes,
    values: NDArray[np.floating],
    texts: NDArray[Any],
    *,
    empty: NDArray[np.bool_],
    cmap: Colormap,
    norm: Normalize,
    rows: Sequence[str],
    columns: Sequence[str],
    fontsize: float = 9,
    gaps: str = "white",
) -> QuadMesh:
    """Draw cells with their texts, the first row on top; `empty` cells have no colour."""
    cells = np.ma.masked_array(values, empty)
    mesh = ax.pcolormesh(cells, cmap=cmap, norm=norm, edgecolors=gaps, linewidth=1)
    ax.set(xlim=(0, len(columns)), ylim=(len(rows), 0))
    ax.spines[:].set_visible(False)
    ax.set_xticks(np.arange(len(columns)) + 0.5, columns)
    ax.set_yticks(np.arange(len(rows)) + 0.5, rows)
    ax.tick_params(length=0)
    for row, column in np.argwhere(texts != ""):
        ink = TEXT_COLOR if empty[row, column] else ink_on(cmap(norm(values[row, column])))
        text = ax.text(
            column + 0.5,
            row + 0.5,
            texts[row, column],
            color=ink,
            ha="center",
            va="center",
            fontsize=fontsize,
            linespacing=1.4,
        )
        # Measuring texts that lie inside anyway would slow the layout down.
        text.set_in_layout(False)
    return mesh


def mark(ax: Axes, cells: NDArray[np.bool_], look: Mapping[str, Any], margin: float = 0.0) -> None:
    """Draw a rectangle over each of the cells."""
    for row, column in np.argwhere(cells):
        corner, side = (column + margin, row + margin), 1 - 2 * margin
        ax.add_patch(Rectangle(corner, side, side, **look))
