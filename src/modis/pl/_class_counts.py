"""Which modality has how many samples of which class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import Patch, Rectangle

from ._heatmap import heatmap, light_to
from ._palette import UNLABELED_COLOR
from ._panels import figure_of, headline, single
from ._style import TEXT_COLOR, house_style, wrapped

APART: Any = {"facecolor": UNLABELED_COLOR, "linewidth": 0}
UNSEEN: Any = {"facecolor": "#fdf0e6", "edgecolor": "#d55e00", "hatch": "////", "linewidth": 0}


@house_style()
def class_counts(
    counts: pd.DataFrame, *, unlabeled: str = "unlabeled", ax: Axes | None = None
) -> Axes:
    r"""Draw the number of samples per modality and class.

    Classes that a modality never saw are hatched, and the title names them; unlabelled samples
    stand apart in grey.

    Parameters
    ----------
    counts
        Numbers of samples, of shape `(n_modalities, n_classes)`, or with one more column for
        unlabelled samples.
    unlabeled
        Name of the column of unlabelled samples, if there is one.
    ax
        Axes to draw on. By default those of a new figure.

    Returns
    -------
    The axes.

    Raises
    ------
    ValueError
        If `counts` is empty or has missing or negative values.

    Examples
    --------
    >>> import modis, pandas as pd
    >>> counts = pd.DataFrame(
    ...     {"T": [20, 12], "B": [5, 0], "unlabeled": [3, 40]}, index=["rna", "protein"]
    ... )
    >>> ax = modis.pl.class_counts(counts)
    >>> [tick.get_text() for tick in ax.get_yticklabels()]
    ['rna\nn = 28', 'protein\nn = 52']
    """
    order = [name for name in counts if name != unlabeled]
    n_classes = len(order)
    order += [name for name in counts if name == unlabeled]
    values = counts[order].to_numpy(dtype=float)
    if values.size == 0 or not (values >= 0).all():
        raise ValueError("counts must be a non-empty table of numbers of samples, 0 or more.")

    is_class = np.arange(len(order)) < n_classes
    seen = (values > 0) & is_class
    digits = max(len(f"{value:,.0f}") for value in values.flat)
    cell = 0.3 + 0.07 * max(digits, 2)
    drawn_on, ax = ax, single(ax, size=(cell * len(order) + 3.4, 0.42 * len(counts) + 1.9))
    highest = max(values[:, :n_classes].max(initial=0), 1)
    heatmap(
        ax,
        # Rare and common classes differ by orders of magnitude.
        np.log1p(values),
        np.vectorize("{:,.0f}".format)(values),
        empty=~seen,
        cmap=light_to("#0072b2"),
        norm=Normalize(0, np.log1p(highest)),
        rows=[
            f"{wrapped(name)}\nn = {total:,.0f}"
            for name, total in zip(counts.index, values.sum(axis=1), strict=True)
        ],
        columns=[wrapped(name) for name in order],
    )
    for row, column in np.argwhere(~seen):
        look, color = (UNSEEN, "#b34700") if is_class[column] else (APART, TEXT_COLOR)
        ax.add_patch(Rectangle((column + 0.02, row + 0.04), 0.96, 0.92, **look))
        ax.text(
            column + 0.5,
            row + 0.5,
            f"{values[row, column]:,.0f}",
            color=color,
            weight="bold" if is_class[column] else "normal",
            ha="center",
            va="center",
        )
    if 0 < n_classes < len(order):
        ax.axvline(n_classes, color="white", linewidth=6)
    ax.set_xticklabels(ax.get_xticklabels(), rotation=45, ha="right", rotation_mode="anchor")
    if drawn_on is None:
        headline(figure_of(ax), _finding(counts[order[:n_classes]]))
    else:
        ax.set_title("Samples per modality and class", loc="left")
    if (values[:, :n_classes] == 0).any():
        ax.legend(
            handles=[Patch(**UNSEEN, label="class not seen\nin this modality")],
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
        )
    return ax


def _finding(counts: pd.DataFrame) -> str:
    """What is never seen or, if there is no such thing, what is seen least."""
    values = counts.to_numpy(dtype=float)
    if not values.any():
        return "No sample has a class"
    pairs = [f"{name} in {modality}" for modality in counts.index for name in counts]
    absent = [pair for pair, n in zip(pairs, values.flat, strict=True) if n == 0]
    if not absent:
        return f"Fewest samples: {pairs[values.argmin()]}, {values.min():,.0f}"
    if len(absent) > 3:
        return f"Never seen: {len(absent)} of {len(pairs)} pairs of class and modality"
    return f"Never seen: {', '.join(absent)}"
