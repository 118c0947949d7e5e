"""Axes to draw on, given or of a new figure, with their common title and legend."""

from collections.abc import Iterable, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

# Of a new figure, for its headline and its legend.
EXTRA_HEIGHT = 0.6


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
    max_width: float = 16.0,
) -> NDArray[np.object_]:
    """Return `n` axes: the given ones, or those of a new figure as wide as `max_width` inches."""
    if axes is not None:
        given = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()
        if len(given) != n:
            raise ValueError(f"{n} panels need {n} axes, but {len(given)} were given.")
        return given

    width, height = panel_size
    n_rows = -(-n // max(1, int(max_width // width)))
    # Rows as full as possible: 5 panels in rows of at most 4 look better as 3 + 2.
    n_columns = -(-n // n_rows)
    _, grid = plt.subplots(
        n_rows,
        n_columns,
        figsize=(width * n_columns, height * n_rows + EXTRA_HEIGHT),
        squeeze=False,
        layout="constrained",
    )
    drawn_on, unused = np.split(grid.ravel(), [n])
    for ax in unused:
        ax.remove()
    return drawn_on


def headline(figure: Figure, text: str) -> None:
    """Write what a figure shows above its panels, in a figure made by :func:`panels`."""
    figure.suptitle(text, x=0.01, ha="left", wrap=True)


def legend(figure: Figure, handles: Sequence[Artist]) -> None:
    """Explain the colours once, below the panels of a new figure."""
    n_columns = len(handles) if figure.get_figwidth() > 3.4 else 1
    figure.legend(handles=handles, loc="outside lower left", ncols=n_columns, handlelength=1.2)
