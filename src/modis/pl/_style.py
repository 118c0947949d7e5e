"""One look for all figures: colours, order of names, fonts."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.colors import is_color_like, to_rgb
from numpy.typing import NDArray

# Any: matplotlib's stubs accept only a Literal of every parameter's name as a key.
RC: Any = {
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
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "figure.titlesize": 11,
    "figure.titleweight": "bold",
    "hatch.linewidth": 0.6,
}

UNLABELED_COLOR = "#d4d4d4"
NO_DATA: Any = {"facecolor": "#f3f3f3", "edgecolor": "#c0c0c0", "hatch": "////", "linewidth": 0}
TEXT_COLOR = "#333333"

# Okabe & Ito (2008), ordered so that the first ones differ in lightness too; yellow is darkened
# to be seen as points on white.
OKABE_ITO = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#d55e00",
    "#56b4e9",
    "#c9b800",
    "#000000",
)
# Paul Tol's "muted": also safe, and not to be mistaken for the classes beside it.
MUTED = (
    "#332288",
    "#44aa99",
    "#cc6677",
    "#ddcc77",
    "#882255",
    "#88ccee",
    "#117733",
    "#aa4499",
    "#999933",
)


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


def in_order(names: Iterable[Any]) -> list[Any]:
    """Sort names as people do: "cluster 2" before "cluster 10"."""
    return sorted(
        set(names),
        key=lambda name: [
            (0, int(part), "") if part.isdigit() else (1, 0, part.casefold())
            for part in re.split(r"(\d+)", str(name))
            if part
        ],
    )


def class_colors(names: Iterable[Any], palette: Mapping[Any, str] | None = None) -> dict[Any, str]:
    """Return a colour per class, the same in every figure of the same classes."""
    return _colors(in_order(names), OKABE_ITO, palette)


def modality_colors(
    names: Iterable[Any], palette: Mapping[Any, str] | None = None
) -> dict[Any, str]:
    """Return a colour per modality, the same in every figure of the same modalities."""
    return _colors(in_order(names), MUTED, palette)


def _colors(
    names: list[Any], first: tuple[str, ...], palette: Mapping[Any, str] | None
) -> dict[Any, str]:
    colors = dict(zip(names, _enough(len(names), first), strict=True))
    for name, color in (palette or {}).items():
        if not is_color_like(color):
            raise ValueError(
                f"palette gives {name!r} the colour {color!r}, which matplotlib does not know. "
                "Give a name or a code, such as '#0072B2'."
            )
        if name in colors:
            colors[name] = color
    return colors


def _enough(n: int, first: tuple[str, ...]) -> list[str]:
    if n <= len(first):
        return list(first[:n])
    # Imported only here: scanpy takes seconds, and few data sets have so many classes.
    from scanpy.plotting import palettes

    # The longest holds yellows and whites that do not show on white.
    longest = [color for color in palettes.default_102 if luminance(to_rgb(color)) < 0.75]
    for longer in (palettes.default_20, palettes.default_28, longest):
        if n <= len(longer):
            return list(longer[:n])
    return [mpl.colors.to_hex(color) for color in mpl.colormaps["turbo"](np.linspace(0, 1, n))]


def luminance(rgb: tuple[float, float, float]) -> float:
    """Brightness of a colour as seen: 0 is black, 1 white."""
    red, green, blue = rgb
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def is_missing(values: pd.Series, also: str | None = None) -> NDArray[np.bool_]:
    """Where a label is NaN, None, empty or the word for unlabelled samples."""
    return (values.isna() | values.astype(object).isin(["", also])).to_numpy(dtype=bool)


def wrapped(name: Any, width: int = 24) -> str:
    """Break a long name into lines."""
    return textwrap.fill(str(name), width, break_long_words=False) or str(name)


def text_inches(names: Iterable[Any]) -> float:
    """Width that the longest wrapped name takes on paper, about."""
    lines = [line for name in names for line in wrapped(name).splitlines()]
    return 0.075 * max((len(line) for line in lines), default=0)
