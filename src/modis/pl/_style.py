"""One look for all figures: fonts, lines and colours."""

import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb
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

NO_DATA: Any = {"facecolor": "#f3f3f3", "edgecolor": "#c0c0c0", "hatch": "////", "linewidth": 0}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw with :data:`RC`, and leave every parameter as it was.

    matplotlib's own ``rc_context`` puts back all parameters. A notebook's backend, which starts
    with the first figure, sets some for good; without them no later figure is shown.
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
