"""One look for all figures: fonts, lines, colours, and axes to draw on."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

PAPER_COLOR = "#ffffff"
TEXT_COLOR = "#333333"
ASIDE_COLOR = "#666666"
LINE_COLOR = "#8a8a8a"
GRID_COLOR = "#e6e6e6"

# Figures are white on light pages and on dark ones, since no single grey can be read on both. So
# all colours are set, whatever style a user has chosen for matplotlib.
# Any: matplotlib's stubs accept only a Literal of every parameter's name as a key.
_TEXTS = ["text.color", "axes.labelcolor", "axes.titlecolor", "legend.labelcolor"]
_TEXTS += ["xtick.labelcolor", "ytick.labelcolor"]
RC: Any = {
    # a dollar sign in a name is no formula
    "text.parse_math": False,
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "figure.titlesize": 11,
    "figure.titleweight": "bold",
    "hatch.linewidth": 0.6,
    **dict.fromkeys(["axes.facecolor", "figure.facecolor"], PAPER_COLOR),
    **dict.fromkeys(["axes.edgecolor", "xtick.color", "ytick.color"], LINE_COLOR),
    **dict.fromkeys(_TEXTS, TEXT_COLOR),
}

# Of a new figure, for its headline and its legend.
EXTRA_HEIGHT = 0.6

NO_DATA: Any = {"facecolor": "#f3f3f3", "edgecolor": "#c0c0c0", "hatch": "////", "linewidth": 0}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw with :data:`RC`, and leave every parameter as it was.

    matplotlib's ``rc_context`` would undo what a notebook's backend sets with its first figure.
    """
    before = {name: mpl.rcParams[name] for name in RC}
    mpl.rcParams.update(RC)
    try:
        yield
    finally:
        mpl.rcParams.update(before)


def ink_on(background: Any) -> str:
    """Black or white, whichever is the easier to read: the contrast is never below 4.5."""
    values = np.array(to_rgb(background))
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    # On this luminance black and white have the same contrast (WCAG 2).
    return "black" if linear @ [0.2126, 0.7152, 0.0722] > 0.179 else "white"


def is_missing(values: pd.Series, also: str | None = None) -> NDArray[np.bool_]:
    """Where a label is NaN, None, empty or the word for unlabelled samples."""
    return (values.isna() | values.astype(object).isin(["", also])).to_numpy(dtype=bool)


def wrapped(name: Any, width: int = 24) -> str:
    """Break a long name into lines."""
    return textwrap.fill(str(name), width)


def text_inches(names: Iterable[Any]) -> float:
    """Width of the longest line of the wrapped names on paper, about."""
    lines = [line for name in names for line in wrapped(name).splitlines()]
    return 0.075 * max((len(line) for line in lines), default=0)


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
