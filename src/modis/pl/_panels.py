"""Axes to draw on: those given, or those of a new figure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

INCHES_PER_TITLE_LETTER = 0.1


def figure_of(ax: Axes) -> Figure:
    """Return the figure that holds `ax`, through any subfigure."""
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure


def panels(
    n: int,
    axes: Axes | Iterable[Axes] | None,
    *,
    panel_size: tuple[float, float],
    max_width: float = 15.0,
    sharex: bool = False,
) -> NDArray[np.object_]:
    """Return `n` axes: the given ones, or those of a new figure as wide as `max_width` inches."""
    if axes is not None:
        given = [axes] if isinstance(axes, Axes) else list(np.asarray(axes, dtype=object).ravel())
        if len(given) != n:
            raise ValueError(f"{n} panels need {n} axes, but {len(given)} were given.")
        return _as_array(given)

    width, height = panel_size
    n_columns = max(1, min(n, int(max_width // width)))
    n_rows = -(-n // n_columns)
    # Rows as full as possible: 5 panels in rows of at most 4 look better as 3 + 2.
    n_columns = -(-n // n_rows)
    _, grid = plt.subplots(
        n_rows,
        n_columns,
        figsize=(width * n_columns, height * n_rows),
        sharex=sharex,
        squeeze=False,
        layout="constrained",
    )
    for unused in grid.flat[n:]:
        unused.remove()
    return _as_array(list(grid.flat[:n]))


def single(ax: Axes | None, *, size: tuple[float, float]) -> Axes:
    """Return the given axes, or those of a new figure of `size` inches."""
    drawn_on: Axes = panels(1, ax, panel_size=size, max_width=size[0])[0]
    return drawn_on


def headline(figure: Figure, text: str) -> None:
    """Write what a figure shows above its panels, in a figure made by :func:`panels`."""
    width, height = figure.get_size_inches()
    lines = textwrap.wrap(text, max(20, int(width / INCHES_PER_TITLE_LETTER)))
    figure.set_size_inches(width, height + 0.1 + 0.18 * len(lines))
    figure.suptitle("\n".join(lines), x=0.01, ha="left")


def _as_array(axes: list[Axes]) -> NDArray[np.object_]:
    array = np.empty(len(axes), dtype=object)
    array[:] = axes
    return array
