"""Training curves."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ._style import figure_of, house_style, legend, panels

LOOKS: Any = {
    "train": {"color": "#0072b2", "linestyle": "-", "linewidth": 1.4},
    "validation": {"color": "#d55e00", "linestyle": "--", "linewidth": 1.4},
}
BEST: Any = {"color": "#888888", "linestyle": ":", "linewidth": 1.2}


@house_style()
def history(
    history: Mapping[str, pd.DataFrame],
    *,
    keys: Sequence[str] | None = None,
    best_epoch: int | None = None,
) -> NDArray[np.object_]:
    """Draw losses and metrics by epoch, one small panel per term.

    Training and validation values of the same term (`x_train` and `x_validation`) share a panel.

    Parameters
    ----------
    history
        Values by name, as `model.history`: each a DataFrame of one column, epochs in its index.
    keys
        Terms to draw, by their names without train or validation. By default all.
    best_epoch
        Epoch to mark, such as the one whose weights were kept.

    Returns
    -------
    Axes, of shape `(n_terms,)`.

    Raises
    ------
    KeyError
        If a term in `keys` is unknown.
    ValueError
        If there is nothing to draw.

    Examples
    --------
    >>> import modis, pandas as pd
    >>> logged = {
    ...     name: pd.DataFrame({name: [3.0, 2.0, 1.5]}, index=pd.RangeIndex(3, name="epoch"))
    ...     for name in ["loss_train", "loss_validation", "kl_train"]
    ... }
    >>> [ax.get_title(loc="left") for ax in modis.pl.history(logged)]
    ['loss', 'kl']
    """
    terms = _terms(history)
    if not terms:
        raise ValueError("history has nothing to draw; was the model trained?")
    wanted = [keys] if isinstance(keys, str) else list(terms if keys is None else keys)
    absent = [key for key in wanted if key not in terms]
    if absent:
        raise KeyError(f"No {absent[0]!r} in history, which has {list(terms)}.")
    size = (2.7, 2.0) if len(wanted) > 2 else (4.2, 2.8)
    axes = panels(len(wanted), None, panel_size=size, max_width=11)
    for ax, term in zip(axes, wanted, strict=True):
        for part, curve in terms[term].items():
            ax.plot(curve, marker="o" if len(curve) == 1 else None, **LOOKS[part])
        if best_epoch is not None:
            ax.axvline(best_epoch, **BEST, zorder=0)
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        ax.margins(x=0.02)
        ax.set_title(term)
        ax.set_xlabel("epoch")
    parts = [part for part in LOOKS if any(part in terms[term] for term in wanted)]
    handles = [Line2D([], [], label=part, **LOOKS[part]) for part in parts]
    if best_epoch is not None:
        handles.append(Line2D([], [], label=f"best epoch ({best_epoch})", **BEST))
    legend(figure_of(axes[0]), handles)
    return axes


def _terms(history: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, pd.Series]]:
    """Curves by term and part (train or validation), without the epochs that have no value."""
    terms: dict[str, dict[str, pd.Series]] = {}
    for name, logged in history.items():
        term, _, part = name.rpartition("_")
        if part in LOOKS:
            curve = pd.Series(np.asarray(logged, dtype=float).ravel(), logged.index).dropna()
            terms.setdefault(term, {})[part] = curve
    return terms
