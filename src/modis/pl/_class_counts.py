"""Number of samples by modality and class."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import Patch

from ._heatmap import heatmap, light_to, mark
from ._palette import UNLABELED_COLOR
from ._style import figure_of, headline, house_style, panels, wrapped

APART: Any = {"facecolor": UNLABELED_COLOR, "linewidth": 0}
UNSEEN: Any = {"facecolor": "#fdf0e6", "edgecolor": "#d55e00", "hatch": "////", "linewidth": 0}


@house_style()
def class_counts(
    counts: pd.DataFrame, *, unlabeled: str = "unlabeled", ax: Axes | None = None
) -> Axes:
    r"""Draw the number of samples per modality and class.

    Classes without samples in a modality are hatched, and the title names them; unlabelled samples
    are separate and grey.

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
    >>> counts = pd.DataFrame({"T": [20, 12], "B": [5, 0], "unlabeled": [3, 40]})
    >>> counts.index = ["rna", "protein"]
    >>> ax = modis.pl.class_counts(counts)
    >>> [tick.get_text() for tick in ax.get_yticklabels()]
    ['rna\nn = 28', 'protein\nn = 52']
    """
    order = sorted(counts, key=lambda name: name == unlabeled)
    values = counts[order].to_numpy(dtype=float)
    if values.size == 0 or not (values >= 0).all():
        raise ValueError("counts must be a non-empty table of numbers of samples, 0 or more.")
    is_class = np.array([name != unlabeled for name in order])
    unseen = (values == 0) & is_class
    texts = np.vectorize("{:,.0f}".format, otypes=[object])(values)
    cell = 0.3 + 0.07 * max(2, *(len(text) for text in texts.flat))
    size = (cell * len(order) + 3.4, 0.42 * len(counts) + 1.9)
    drawn_on, ax = ax, panels(1, ax, panel_size=size)[0]
    heatmap(
        ax,
        # Rare and common classes differ by orders of magnitude.
        np.log1p(values),
        texts,
        empty=unseen | ~is_class,
        cmap=light_to("#0072b2"),
        norm=Normalize(0, np.log1p(max(1, values[:, is_class].max(initial=0)))),
        rows=[
            f"{wrapped(name)}\nn = {total:,.0f}"
            for name, total in zip(counts.index, values.sum(axis=1), strict=True)
        ],
        columns=[wrapped(name) for name in order],
    )
    mark(ax, np.broadcast_to(~is_class, values.shape), APART, margin=0.03)
    mark(ax, unseen, UNSEEN, margin=0.03)
    ax.set_xticklabels(ax.get_xticklabels(), rotation=45, ha="right", rotation_mode="anchor")
    title, never = "Samples per modality and class", np.argwhere(unseen)
    if len(never):
        pairs = ", ".join(f"{order[column]} in {counts.index[row]}" for row, column in never)
        several = f"{len(never)} of {is_class.sum() * len(counts)} pairs of class and modality"
        handle = Patch(**UNSEEN, label="class not seen\nin this modality")
        ax.legend(handles=[handle], loc="upper left", bbox_to_anchor=(1.0, 1.0))
    if drawn_on is not None:
        ax.set_title(title)
    else:
        finding = f"Never seen: {pairs if len(never) <= 3 else several}" if len(never) else title
        headline(figure_of(ax), finding)
    return ax
