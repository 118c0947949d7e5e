"""The colours of modalities and classes, the same in every figure; no class looks like a modality.

Distances below are Euclidean in CIELAB, the smallest of normal vision and of the three kinds of
colour blindness as simulated after Machado, Oliveira and Fernandes (2009).
"""

from collections.abc import Iterable
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_hex
from natsort import natsorted, ns

UNLABELED_COLOR = "#bdbdbd"

# The first six are those of Okabe and Ito (2008), without yellow, which does not show on white,
# and black. Each of the others is the colour furthest from all before it, from grey and from
# white. No two of the first 18 are closer than 15.8, and no two of all 30 closer than 11.5.
CLASS_CODES = """
0072b2 e69f00 009e73 cc79a7 d55e00 56b4e9 691e00 4b2d4b 3c0fa5 9669ff e1004b d2b469
780078 4b693c b40f78 874b00 8796ff 5a4bc3 ff7896 5a2d2d 78a53c 5ad22d b41ea5 5a0087
a587c3 96a569 2d5af0 a5695a a569d2 a52d2d
"""
CLASS_COLORS = tuple(f"#{code}" for code in CLASS_CODES.split())
# Paul Tol's "muted" without sand, which is too light on white, in the order that keeps the first
# ones furthest apart: 38 for four, 20.4 for six, 15.6 for all eight.
MODALITY_CODES = "332288 88ccee 999933 882255 117733 cc6677 aa4499 44aa99"
MODALITY_COLORS = tuple(f"#{code}" for code in MODALITY_CODES.split())
_LISTS = {"class": CLASS_COLORS, "modality": MODALITY_COLORS}


def palette(
    names: Iterable[Any],
    kind: Literal["class", "modality"] = "class",
    *,
    unlabeled_category: str | None = "unknown",
) -> dict[Any, str]:
    """Return the colours of classes or modalities in the figures of MODIS.

    Up to 8 modalities and up to 18 classes can be distinguished with any colour vision; with more
    classes figures should number them, as :func:`modis.pl.latent` does.

    Parameters
    ----------
    names
        All names of the data, also repeated: a colour depends on the name's place among them.
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

    For scanpy: ``sc.pl.umap(adata, palette=modis.pl.palette(adata.obs["type"]), color="type")``.
    A :meth:`modis.MODIS.joint_embedding` has the colours already.
    """
    if kind not in _LISTS:
        raise ValueError(f"kind={kind!r} must be one of {list(_LISTS)}.")
    ordered, grey = in_order(names), unlabeled_category if kind == "class" else None
    colored = [name for name in ordered if name != grey]
    # Beyond the list, colours are only different.
    n_beyond = max(len(colored) - len(_LISTS[kind]), 0)
    beyond = map(to_hex, mpl.colormaps["turbo"](np.linspace(0.02, 0.98, n_beyond)))
    colors = dict(zip(colored, [*_LISTS[kind], *beyond], strict=False))
    return colors | ({grey: UNLABELED_COLOR} if grey in ordered else {})


def in_order(names: Iterable[Any]) -> list[Any]:
    """Sort names as people do: "cluster 2" before "cluster 10"."""
    # Sorted before, or names that differ only in case would come in the order of their hashes.
    return natsorted(sorted(set(names), key=str), key=str, alg=ns.IGNORECASE)
