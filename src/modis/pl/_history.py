"""Training curves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ._panels import figure_of, headline, legend, lowest, panels
from ._style import house_style

LOOKS: Any = {
    "train": {"color": "#0072b2", "linestyle": "-", "linewidth": 1.4},
    "validation": {"color": "#d55e00", "linestyle": "--", "linewidth": 1.4},
}
BEST: Any = {"color": "#888888", "linestyle": ":", "linewidth": 1.2}
# "train_loss_epoch", "validation_loss", "kl_train" or "mixing"
NAME = r"(?:(train|validation)_)?(.+?)(?:_(train|validation))?(?:_epoch|_step)?"


@house_style()
def history(
    history: Mapping[str, pd.DataFrame],
    *,
    keys: Sequence[str] | None = None,
    best_epoch: int | None = None,
    axes: Axes | Iterable[Axes] | None = None,
) -> NDArray[np.object_]:
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
    axes
        Axes to draw on, one per term. By default a new figure.

    Returns
    -------
    Axes, of shape `(n_terms,)`.

    Raises
    ------
    KeyError
        If a name in `keys` is unknown.
    ValueError
        If there is nothing to draw or the number of axes is not that of the terms.

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
    terms = _terms(history, keys)
    size = (2.7, 2.0) if len(terms) > 2 else (4.2, 2.8)
    drawn_on = panels(len(terms), axes, panel_size=size, max_width=11, sharex=True)
    for ax, (term, curves) in zip(drawn_on, terms.items(), strict=True):
        for part, curve in curves.items():
            ax.plot(curve, marker="o" if len(curve) == 1 else None, **LOOKS[part])
        if best_epoch is not None:
            ax.axvline(best_epoch, **BEST, zorder=0)
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        ax.margins(x=0.02)
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_title(term)
    for ax in lowest(drawn_on) if axes is None else drawn_on:
        ax.set_xlabel("epoch")
        # The last row may be short: what stands above its gap is then the lowest panel.
        ax.tick_params(labelbottom=True)
    parts = [part for part in LOOKS if any(part in curves for curves in terms.values())]
    handles = [Line2D([], [], label=part, **LOOKS[part]) for part in parts]
    if best_epoch is not None:
        handles.append(Line2D([], [], label=f"best epoch ({best_epoch})", **BEST))
    legend(drawn_on, handles, below=axes is None)
    if axes is None and best_epoch is not None:
        last = max(curve.index.max() for curves in terms.values() for curve in curves.values())
        headline(figure_of(drawn_on[0]), f"Weights kept: epoch {best_epoch} of 0 to {last}")
    return drawn_on


def _terms(
    history: Mapping[str, pd.DataFrame], keys: Sequence[str] | None
) -> dict[str, dict[str, pd.Series]]:
    """Curves by term and part (train or validation), without the epochs that have no value."""
    parsed = {name: re.fullmatch(NAME, name) for name in history}
    parts = {name: (m[2], m[1] or m[3] or "train") for name, m in parsed.items() if m}
    chosen = [name for name in history if not name.endswith("_step")]
    if keys is not None:
        wanted = [keys] if isinstance(keys, str) else list(keys)
        found = {key: [n for n in chosen if key in (n, parts[n][0])] for key in wanted}
        found |= {key: [key] for key in wanted if key in history}
        absent = [key for key in wanted if not found[key]]
        if absent:
            raise KeyError(f"No {absent[0]!r} in history, which has {list(history)}.")
        chosen = [name for names in found.values() for name in names]
    terms: dict[str, dict[str, pd.Series]] = {}
    for name in chosen:
        term, part = parts[name]
        values = np.asarray(history[name], dtype=float).ravel()
        curve = pd.Series(values, history[name].index)
        terms.setdefault(term, {})[part] = curve[np.isfinite(values)]
    if not terms:
        raise ValueError("history has nothing to draw; was the model trained?")
    return terms
