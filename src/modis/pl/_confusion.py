"""Which classes are taken for which, over all samples and by modality."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import confusion_matrix
from sklearn.utils import check_consistent_length

from ._heatmap import heatmap
from ._palette import in_order
from ._panels import figure_of, headline, panels
from ._style import ASIDE_COLOR, NO_DATA, TEXT_COLOR, house_style, is_missing, text_inches, wrapped

MAX_WIDTH = 16.0


@house_style()
def confusion(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    modality: ArrayLike | None = None,
    *,
    normalize: bool = True,
    classes: Sequence[Any] | None = None,
    axes: Axes | Iterable[Axes] | None = None,
) -> NDArray[np.object_]:
    """Draw confusion matrices: over all samples, then one per modality.

    The title says which class is missed most. Rows are true classes, columns predicted ones; the
    number of samples of each true class stands to the right of its row. Cells without samples
    stay empty.

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
    normalize
        Write percent of the true class (its recall on the diagonal). If False, write counts.
    classes
        Classes in the order to draw. By default all that occur, sorted.
    axes
        Axes to draw on, one per matrix. By default a new figure.

    Returns
    -------
    Axes, of shape `(1 + n_modalities,)`: all samples first, then modalities in order of
    appearance.

    Raises
    ------
    ValueError
        If the arrays differ in length, no sample has a true class, a prediction is missing, a
        class is not among `classes` or the number of axes is not that of the matrices.

    Examples
    --------
    >>> import modis
    >>> axes = modis.pl.confusion(["T", "T", "B"], ["T", "B", "B"], ["rna", "rna", "protein"])
    >>> [ax.get_title(loc="left").splitlines()[0] for ax in axes]
    ['All modalities', 'rna', 'protein']
    """
    samples = _samples(y_true, y_pred, modality)
    if classes is None:
        names = in_order([*samples["true"], *samples["predicted"]])
    else:
        names = list(classes)
        other = in_order(set(samples["true"]).union(samples["predicted"]) - set(names))
        if other:
            raise ValueError(f"classes lacks {other[:5]}, which occur in the data.")

    titles = {"All samples" if modality is None else "All modalities": samples}
    if modality is not None:
        titles |= {str(m): samples[samples["modality"] == m] for m in samples["modality"].unique()}

    cell = float(np.interp(len(names), [6, 16], [0.46, 0.29]))
    side, text = max(1.9, cell * len(names)), text_inches(names)
    # Only the first column of panels bears the names of the rows.
    n_columns = max(1, min(len(titles), int((MAX_WIDTH - text) // (side + 0.75))))
    size = (side + 0.75 + text / n_columns, side + text + 1.1)
    drawn_on = panels(len(titles), axes, panel_size=size, max_width=MAX_WIDTH)
    for ax, (title, subset) in zip(drawn_on, titles.items(), strict=True):
        _draw(ax, subset, names, normalize=normalize, fontsize=min(9.0, cell * 22))
        correct = np.mean(subset["true"] == subset["predicted"])
        ax.set_title(title, loc="left", pad=18)
        ax.text(
            0,
            1.0,
            f"{correct:.1%} of {len(subset):,} correct\n",
            transform=ax.transAxes,
            va="center",
            fontsize=8.5,
            color=TEXT_COLOR,
        )
        if axes is None and not ax.get_subplotspec().is_first_col():
            ax.set_ylabel("")
            ax.set_yticklabels([])
    if axes is None:
        headline(figure_of(drawn_on[0]), _lowest_recall(samples))
    return drawn_on


def lowest_recall(y_true: ArrayLike, y_pred: ArrayLike, modality: ArrayLike | None = None) -> str:
    """Say which class is missed most, for those who draw on axes of their own."""
    return _lowest_recall(_samples(y_true, y_pred, modality))


def _lowest_recall(samples: pd.DataFrame) -> str:
    right = samples["true"] == samples["predicted"]
    by = [samples[name] for name in ("modality", "true") if name in samples]
    recalls = right.groupby(by, sort=False, observed=True).agg(["mean", "size"])
    if (recalls["mean"] == 1).all():
        return "Every sample is found in its class"
    # of equals, the one that is known best
    where, lowest = next(recalls.sort_values(["mean", "size"], ascending=[True, False]).iterrows())
    what = f"{where[1]} from {where[0]}" if isinstance(where, tuple) and len(by) > 1 else where
    if isinstance(what, tuple):
        (what,) = what
    return f"Lowest recall: {what}, {_two_digits(lowest['mean'])} (n = {lowest['size']:,.0f})"


def _two_digits(share: float) -> str:
    """Of which 0.00 and 1.00 are never the result of rounding."""
    return f"{share:.2f}" if share in (0, 1) else f"{min(max(share, 0.01), 0.99):.2f}"


def _samples(y_true: ArrayLike, y_pred: ArrayLike, modality: ArrayLike | None) -> pd.DataFrame:
    """Return one row per sample that has a true class."""
    given = {"y_true": y_true, "y_pred": y_pred}
    if modality is not None:
        given["modality"] = modality
    columns = {
        name: pd.Series(values, dtype=object).reset_index(drop=True)
        for name, values in given.items()
    }
    check_consistent_length(*columns.values())
    samples = pd.DataFrame(columns).rename(columns={"y_true": "true", "y_pred": "predicted"})
    samples = samples[~is_missing(samples["true"])]
    if samples.empty:
        raise ValueError("No sample has a true class, so there is nothing to compare with.")
    for name in samples.columns[1:]:
        if (n_missing := int(is_missing(samples[name]).sum())) > 0:
            raise ValueError(f"{n_missing} samples with a true class have no {name} value.")
    return samples


def _draw(
    ax: Axes, samples: pd.DataFrame, names: list[Any], *, normalize: bool, fontsize: float
) -> None:
    codes = {name: code for code, name in enumerate(names)}
    counts = confusion_matrix(
        samples["true"].map(codes), samples["predicted"].map(codes), labels=range(len(names))
    )
    n_true = counts.sum(axis=1)
    with np.errstate(invalid="ignore"):
        share = 100 * counts / n_true[:, None]
    texts = np.where(counts == 0, "", _percent(share) if normalize else counts.astype(str))
    ticks = [wrapped(name) for name in names]
    heatmap(
        ax,
        share,
        texts,
        empty=n_true[:, None].repeat(len(names), axis=1) == 0,
        cmap=mpl.colormaps["Blues"],
        norm=Normalize(0, 100),
        rows=ticks,
        columns=ticks,
        fontsize=fontsize,
        gaps="#e6e6e6",
        gap_width=0.5,
    )
    ax.set_aspect("equal")
    ax.tick_params(axis="x", rotation=90)
    ax.set_xlabel("predicted" + (" (% of true class)" if normalize else " (samples)"))
    ax.set_ylabel("true")
    aside: Any = {
        "textcoords": "offset points",
        "fontsize": 7.5,
        "color": ASIDE_COLOR,
        "annotation_clip": False,
    }
    ax.annotate("n", (1, 1), xycoords="axes fraction", xytext=(5, 4), **aside)
    for row, n in enumerate(n_true):
        ax.annotate(f"{n:,}", (len(names), row + 0.5), xytext=(5, 0), va="center", **aside)
        if n == 0:
            ax.add_patch(Rectangle((0, row), len(names), 1, **NO_DATA))


def _percent(share: NDArray[np.floating]) -> NDArray[np.str_]:
    """Whole percents, of which 0 and 100 are never the result of rounding."""
    with np.errstate(invalid="ignore"):
        rounded = np.where(share == 100, 100, np.minimum(np.rint(share), 99))
        texts = np.char.mod("%.0f", rounded)
        # In a large matrix the many traces would hide the few real confusions.
        trace = "<1" if len(share) <= 10 else ""
        return np.where((share > 0) & (share < 0.5), trace, texts)
