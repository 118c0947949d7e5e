"""Confusion matrices, over all samples and by modality."""

from __future__ import annotations  # the docs say ArrayLike, and not what it is made of

from collections.abc import Iterable
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length

from ._heatmap import heatmap, mark
from ._palette import in_order
from ._style import (
    ASIDE_COLOR,
    NO_DATA,
    figure_of,
    headline,
    house_style,
    is_missing,
    panels,
    text_inches,
    wrapped,
)

ASIDE: Any = {
    "textcoords": "offset points",
    "fontsize": 7.5,
    "color": ASIDE_COLOR,
    "annotation_clip": False,
}


@house_style()
def confusion(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    modality: ArrayLike | None = None,
    *,
    axes: Axes | Iterable[Axes] | None = None,
) -> NDArray[np.object_]:
    """Draw confusion matrices: over all samples, then one per modality.

    The title shows the class with the lowest recall. Rows are true, columns predicted classes.
    Cells show the percent of the true class, so the diagonal shows its recall; to the right of
    each row is the number of its samples.

    Parameters
    ----------
    y_true
        True classes, of shape `(n_samples,)`. Samples without one (NaN, None, empty) are left
        out.
    y_pred
        Predicted classes, of shape `(n_samples,)`, in the same order.
    modality
        The modality that each prediction was made from, of shape `(n_samples,)`. By default only
        the matrix over all samples is drawn.
    axes
        Axes to draw on, one per matrix. By default a new figure.

    Returns
    -------
    Axes, of shape `(1 + n_modalities,)`: all samples first, then modalities in order of
    appearance.

    Raises
    ------
    ValueError
        If the arrays differ in length, no sample has a true class, a prediction is missing or the
        number of axes is not that of the matrices.

    Examples
    --------
    >>> import modis
    >>> axes = modis.pl.confusion(["T", "T", "B"], ["T", "B", "B"], ["rna", "rna", "protein"])
    >>> [ax.get_title(loc="left").splitlines()[0] for ax in axes]
    ['All modalities', 'rna', 'protein']
    """
    samples = _samples(y_true, y_pred, modality)
    names = in_order([*samples["true"], *samples["predicted"]])
    titles = {"All samples" if modality is None else "All modalities": samples}
    if modality is not None:
        titles |= {str(m): own for m, own in samples.groupby("modality", sort=False)}

    cell = float(np.interp(len(names), [6, 16], [0.46, 0.29]))
    side, text = max(1.9, cell * len(names)), text_inches(names)
    size = (side + 0.75 + text, side + text + 0.9)
    drawn_on = panels(len(titles), axes, panel_size=size, max_width=11)
    for ax, (title, own) in zip(drawn_on, titles.items(), strict=True):
        _draw(ax, own, names, fontsize=min(9.0, cell * 22))
        ax.set_title(title, pad=18)
        correct = f"{np.mean(own['true'] == own['predicted']):.1%} of {len(own):,} correct\n"
        ax.text(0, 1.0, correct, transform=ax.transAxes, va="center", fontsize=8.5)
    if axes is None:
        headline(figure_of(drawn_on[0]), _finding(samples))
    return drawn_on


def _finding(samples: pd.DataFrame) -> str:
    """Title with the lowest recall of a class."""
    by = [name for name in ("true", "modality") if name in samples]
    right = samples["true"] == samples["predicted"]
    recalls = right.groupby([samples[name] for name in by], sort=False).agg(["mean", "size"])
    # Of equal recalls, the one of the most samples.
    worst = recalls.sort_values(["mean", "size"], ascending=[True, False]).reset_index().iloc[0]
    if worst["mean"] == 1:
        return "Every sample is found in its class"
    what = " from ".join(str(worst[name]) for name in by)
    # 1.00 is never the result of rounding.
    return f"Lowest recall: {what}, {min(worst['mean'], 0.99):.2f} (n = {worst['size']:,.0f})"


def _samples(y_true: ArrayLike, y_pred: ArrayLike, modality: ArrayLike | None) -> pd.DataFrame:
    # One row per sample that has a true class.
    given = {"true": y_true, "predicted": y_pred}
    given |= {} if modality is None else {"modality": modality}
    check_consistent_length(*given.values())
    samples = pd.DataFrame({k: pd.Series(v, dtype=object).array for k, v in given.items()})
    samples = samples[~is_missing(samples["true"])]
    if samples.empty:
        raise ValueError("No sample has a true class, so there is nothing to compare with.")
    for name in samples.columns[1:]:
        n_missing = is_missing(samples[name]).sum()
        if n_missing:
            raise ValueError(f"{n_missing} samples with a true class have no {name} value.")
    return samples


def _draw(ax: Axes, samples: pd.DataFrame, names: list[Any], fontsize: float) -> None:
    # scikit-learn's confusion_matrix warns of a single class.
    counts = pd.crosstab(samples["true"], samples["predicted"])
    counts = counts.reindex(index=names, columns=names, fill_value=0).to_numpy()
    n_true = counts.sum(axis=1, keepdims=True)
    share = 100 * counts / np.maximum(n_true, 1)
    empty = np.broadcast_to(n_true == 0, counts.shape)
    ticks = [wrapped(name) for name in names]
    heatmap(
        ax,
        share,
        _percent(share),
        empty=empty,
        cmap=mpl.colormaps["Blues"],
        norm=Normalize(0, 100),
        rows=ticks,
        columns=ticks,
        fontsize=fontsize,
        gaps="#e6e6e6",
    )
    mark(ax, empty, NO_DATA)
    ax.set_aspect("equal")
    ax.tick_params(axis="x", rotation=90)
    ax.set(xlabel="predicted (% of true class)", ylabel="true")
    for row, text in enumerate(["n", *(f"{n:,}" for n in n_true.flat)]):
        where = (len(names), max(0, row - 0.5))
        va = "center" if row else "bottom"
        ax.annotate(text, where, (5, 0 if row else 4), va=va, **ASIDE)


def _percent(share: NDArray[np.floating]) -> NDArray[np.str_]:
    """Whole percents, of which 0 and 100 are never the result of rounding; empty where 0."""
    texts = np.char.mod("%.0f", np.where(share == 100, 100, np.minimum(np.rint(share), 99)))
    # In a large matrix the many traces would hide the few real confusions.
    trace = "<1" if len(share) <= 10 else ""
    return np.select([share == 0, share < 0.5], ["", trace], texts)
