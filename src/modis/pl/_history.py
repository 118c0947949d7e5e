"""Training curves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, overload

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ._palette import palette
from ._panels import figure_of, headline, panels
from ._style import house_style

PARTS = {"train": "train", "validation": "validation", "valid": "validation", "val": "validation"}
PART_COLORS = {"train": "#0072b2", "validation": "#d55e00"}
PART_LINES: Any = {"train": "-", "validation": "--"}
BEST_LINE: Any = {"color": "#888888", "linestyle": ":", "linewidth": 1.2}


class _Curve(NamedTuple):
    term: str
    part: str
    series: pd.Series


@overload
def history(
    history: Mapping[str, pd.DataFrame],
    *,
    keys: Sequence[str] | None = ...,
    best_epoch: int | None = ...,
    ax: Axes,
) -> Axes: ...
@overload
def history(
    history: Mapping[str, pd.DataFrame],
    *,
    keys: Sequence[str] | None = ...,
    best_epoch: int | None = ...,
    ax: None = ...,
) -> NDArray[np.object_]: ...
@house_style()
def history(
    history: Mapping[str, pd.DataFrame],
    *,
    keys: Sequence[str] | None = None,
    best_epoch: int | None = None,
    ax: Axes | None = None,
) -> Axes | NDArray[np.object_]:
    """Draw losses and metrics by epoch, one small panel per term.

    Training and validation values of the same term (`train_x` and `validation_x`, or `x_train`
    and `x_validation`) share a panel.

    Parameters
    ----------
    history
        Values by name, as `model.history`: each a DataFrame of one column, epochs in its index.
    keys
        Names of `history`, or of terms without their train or validation part. By default all
        but those logged at every step (`*_step`).
    best_epoch
        Epoch to mark, such as the one whose weights were kept.
    ax
        Axes to draw all curves on together. By default a new figure of small panels.

    Returns
    -------
    The given axes, or an array of shape `(n_terms,)`.

    Raises
    ------
    KeyError
        If a name in `keys` is unknown.
    ValueError
        If there is nothing to draw.

    Examples
    --------
    >>> import modis, pandas as pd
    >>> logged = {
    ...     name: pd.DataFrame({name: [3.0, 2.0, 1.5]}, index=pd.RangeIndex(3, name="epoch"))
    ...     for name in ["train_loss_epoch", "validation_loss", "kl_train"]
    ... }
    >>> [ax.get_title(loc="left") for ax in modis.pl.history(logged)]
    ['loss', 'kl']
    """
    curves = _curves(history, keys)
    terms = list(dict.fromkeys(curve.term for curve in curves))
    if ax is None:
        size = (2.7, 2.0) if len(terms) > 2 else (4.2, 2.8)
        axes = panels(len(terms), None, panel_size=size, max_width=11, sharex=True)
        for panel, term in zip(axes, terms, strict=True):
            _draw(panel, [c for c in curves if c.term == term], PART_COLORS, best_epoch)
            panel.set_title(term, loc="left")
        parts = [part for part in PART_LINES if any(c.part == part for c in curves)]
        handles = [_key(part, PART_COLORS[part], PART_LINES[part]) for part in parts]
        figure_of(axes[0]).legend(
            handles=handles + _best_key(best_epoch),
            loc="outside lower right",
            ncols=len(handles) + 1,
        )
        n_columns = axes[0].get_gridspec().ncols
        for panel in axes[-n_columns:]:
            panel.set_xlabel("epoch")
            # The last row may be short: what stands above its gap is then the lowest panel.
            panel.tick_params(labelbottom=True)
        if best_epoch is not None:
            last = max(curve.series.index.max() for curve in curves)
            headline(figure_of(axes[0]), f"Weights kept: epoch {best_epoch} of 0 to {last}")
        return axes

    colors = palette(terms)
    _draw(ax, curves, colors, best_epoch)
    handles = []
    for curve in curves:
        text = " ".join(part for part in (curve.term, curve.part) if part)
        handles.append(_key(text, colors[curve.term], PART_LINES[curve.part]))
    ax.legend(handles=handles + _best_key(best_epoch), loc="upper left", bbox_to_anchor=(1.0, 1.0))
    ax.set_title("Training history", loc="left")
    ax.set_xlabel("epoch")
    return ax


def _curves(history: Mapping[str, pd.DataFrame], keys: Sequence[str] | None) -> list[_Curve]:
    parsed = {name: _term_and_part(name) for name in history}
    if keys is None:
        names = [name for name in history if not name.endswith("_step")]
    else:
        wanted = [keys] if isinstance(keys, str) else list(keys)
        names = []
        for key in wanted:
            of_key = [name for name in history if name == key] or [
                name for name in history if parsed[name][0] == key and not name.endswith("_step")
            ]
            if not of_key:
                raise KeyError(f"No {key!r} in history, which has {list(history)}.")
            names += of_key
    curves = []
    for name in dict.fromkeys(names):
        values = pd.Series(np.asarray(history[name], dtype=float).ravel(), history[name].index)
        curves.append(_Curve(*parsed[name], values[np.isfinite(values)]))
    if not curves:
        raise ValueError("history has nothing to draw; was the model trained?")
    return curves


def _term_and_part(name: str) -> tuple[str, str]:
    """Split "train_loss_epoch" or "loss_train" into "loss" and "train"."""
    words = re.sub(r"_(epoch|step)$", "", name).split("_")
    for at, rest in ((0, slice(1, None)), (-1, slice(None, -1))):
        if len(words) > 1 and words[at] in PARTS:
            return "_".join(words[rest]), PARTS[words[at]]
    return "_".join(words), "train"


def _draw(
    ax: Axes, curves: list[_Curve], colors: Mapping[str, str], best_epoch: int | None
) -> None:
    for curve in curves:
        ax.plot(
            curve.series.index,
            curve.series.to_numpy(),
            color=colors[curve.part] if curve.part in colors else colors[curve.term],
            linestyle=PART_LINES[curve.part],
            marker="o" if len(curve.series) == 1 else None,
            linewidth=1.4,
        )
    if best_epoch is not None:
        ax.axvline(best_epoch, **BEST_LINE, zorder=0)
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.margins(x=0.02)
    ax.spines[["top", "right"]].set_visible(False)


def _key(text: str, color: str, linestyle: Any) -> Line2D:
    return Line2D([], [], color=color, linestyle=linestyle, linewidth=1.4, label=text)


def _best_key(best_epoch: int | None) -> list[Line2D]:
    if best_epoch is None:
        return []
    return [Line2D([], [], **BEST_LINE, label=f"best epoch ({best_epoch})")]
