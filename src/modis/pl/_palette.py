"""The colours of modalities and classes, the same in every figure.

The rule, in one place:

- Names are put into their natural order, and the n-th name has the n-th colour of its list.
- Classes and modalities have lists of their own, so that no class is taken for a modality.
- What has no class is grey.
- :meth:`modis.MODIS.joint_embedding` writes these colours where scanpy looks for them.

Distances below are Euclidean in CIELAB, the smallest of normal vision and of protanopia,
deuteranopia and tritanopia as simulated after Machado, Oliveira and Fernandes (2009).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.colors import is_color_like

UNLABELED_COLOR = "#bdbdbd"

# The first six are those of Okabe and Ito (2008), without their yellow, which does not show on
# white: any darker it is their orange to a red-green blind reader. Their black is left to texts.
# Each of the others is the colour furthest from all before it, from grey and from white, with a
# contrast on white of 1.9 to 12. No two of the first 18 are closer than 15.8, and no two of all
# 30 closer than 11.5; the closest of Okabe's and Ito's six are 16.1 apart.
CLASS_COLORS = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#d55e00",
    "#56b4e9",
    "#691e00",
    "#4b2d4b",
    "#3c0fa5",
    "#9669ff",
    "#e1004b",
    "#d2b469",
    "#780078",
    "#4b693c",
    "#b40f78",
    "#874b00",
    "#8796ff",
    "#5a4bc3",
    "#ff7896",
    "#5a2d2d",
    "#78a53c",
    "#5ad22d",
    "#b41ea5",
    "#5a0087",
    "#a587c3",
    "#96a569",
    "#2d5af0",
    "#a5695a",
    "#a569d2",
    "#a52d2d",
)
# Paul Tol's "muted" without its sand, which is too light for points on white, in the order that
# keeps the first ones furthest apart: 38 for four, 20.4 for six, 15.6 for all eight.
MODALITY_COLORS = (
    "#332288",
    "#88ccee",
    "#999933",
    "#882255",
    "#117733",
    "#cc6677",
    "#aa4499",
    "#44aa99",
)
_LISTS = {"class": CLASS_COLORS, "modality": MODALITY_COLORS}


def palette(
    names: Iterable[Any],
    kind: Literal["class", "modality"] = "class",
    *,
    unlabeled_category: str | None = "unknown",
) -> dict[Any, str]:
    """Return the colours that MODIS's own figures give to classes or modalities.

    The colours can be told apart with any colour vision: up to 8 modalities and up to 18 classes.
    With more classes some become similar, so figures should number them too, as
    :func:`modis.pl.latent` does.

    Parameters
    ----------
    names
        All names of the data, not only those of a part: a name's colour depends on its place
        among them. Repeated names count once, and their order does not matter.
    kind
        `"class"` or `"modality"`: each has colours of its own.
    unlabeled_category
        Class name that means unlabelled, and is grey.

    Returns
    -------
    Colours by name, as hexadecimal strings, in the natural order of the names.

    Raises
    ------
    ValueError
        If `kind` is neither.

    Examples
    --------
    >>> import modis
    >>> modis.pl.palette(["T", "B", "unknown"])
    {'B': '#0072b2', 'T': '#e69f00', 'unknown': '#bdbdbd'}
    >>> modis.pl.palette(["rna", "protein"], kind="modality")
    {'protein': '#332288', 'rna': '#88ccee'}

    For scanpy, if the AnnData is not from :meth:`modis.MODIS.joint_embedding`, which has them:
    ``sc.pl.umap(adata, color="cell_type", palette=modis.pl.palette(adata.obs["cell_type"]))``.
    """
    if kind not in _LISTS:
        raise ValueError(f"kind={kind!r} must be one of {list(_LISTS)}.")
    ordered = in_order(names)
    grey = [name for name in ordered if kind == "class" and name == unlabeled_category]
    colored = [name for name in ordered if name not in grey]
    colors = dict(zip(colored, _enough(len(colored), _LISTS[kind]), strict=True))
    return colors | dict.fromkeys(grey, UNLABELED_COLOR)


def replaced(colors: Mapping[Any, str], own: Mapping[Any, str] | None) -> dict[Any, str]:
    """Return colours with those that a user chose instead."""
    for name, color in (own or {}).items():
        if not is_color_like(color):
            raise ValueError(
                f"palette gives {name!r} the colour {color!r}, which matplotlib does not know. "
                "Give a name or a code, such as '#0072B2'."
            )
    return {name: (own or {}).get(name, color) for name, color in colors.items()}


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


def _enough(n: int, colors: tuple[str, ...]) -> list[str]:
    """So many colours; beyond the list they are only different."""
    rest = max(n - len(colors), 0)
    beyond = mpl.colormaps["turbo"](np.linspace(0.02, 0.98, rest))
    return [*colors[:n], *(mpl.colors.to_hex(color) for color in beyond)]
