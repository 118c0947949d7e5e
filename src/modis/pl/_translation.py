"""How well every modality is predicted from every other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.patches import Rectangle

from ._heatmap import heatmap, light_to
from ._panels import figure_of, headline, single
from ._style import NO_DATA, TEXT_COLOR, house_style, wrapped

RATIO_TICKS = (1, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
FRAME: Any = {"fill": False, "edgecolor": TEXT_COLOR, "linewidth": 1.4}


@house_style()
def translation(
    errors: pd.DataFrame, limit: pd.Series | None = None, *, ax: Axes | None = None
) -> Axes:
    r"""Draw the errors of reconstructions and translations as a heatmap.

    Modalities have different scales, so errors compare only within a column: the colours show the
    ratio to the column's limit or, without `limit`, to its lowest error. Reconstructions
    (source and target are the same) are framed.

    Parameters
    ----------
    errors
        Mean squared errors, of shape `(n_sources, n_targets)`, NaN where not measured.
    limit
        The lowest error that is possible, or another reference, by target. The ratio to it is
        written below each error.
    ax
        Axes to draw on. By default those of a new figure.

    Returns
    -------
    The axes.

    Raises
    ------
    KeyError
        If `limit` lacks a target.
    ValueError
        If `errors` is empty or has no value, or a limit is not above 0.

    Examples
    --------
    >>> import modis, pandas as pd
    >>> errors = pd.DataFrame(
    ...     [[1.0, 2.2], [1.5, 2.0]], index=["rna", "protein"], columns=["rna", "protein"]
    ... )
    >>> ax = modis.pl.translation(errors, pd.Series({"rna": 1.0, "protein": 2.0}))
    >>> ax.texts[1].get_text()
    '2.20\n1.10 ×'
    """
    values = errors.to_numpy(dtype=float)
    if np.isnan(values).all():
        raise ValueError("errors has no value to draw.")
    columns = [wrapped(name, width=14) for name in errors]
    if limit is None:
        # A column without any value has no lowest one either.
        reference = np.nanmin(np.where(np.isnan(values), np.inf, values), axis=0)
        color_name = "error / lowest of its column"
    else:
        reference = _limits(errors, limit)
        color_name = "error / limit"
        columns = [
            f"{name}\n(limit {_number(bound)})"
            for name, bound in zip(columns, reference, strict=True)
        ]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = values / reference
    # An error of 0 is at its limit, whatever that is.
    ratios = np.nan_to_num(np.where(values == 0, 1.0, ratios), nan=1.0, posinf=1e3)

    n_sources, n_targets = values.shape
    drawn_on, ax = (
        ax,
        single(ax, size=(max(4.6, 1.1 * n_targets + 2.2), max(2.8, 0.75 * n_sources + 1.5))),
    )
    highest = max(2.0, ratios.max())
    mesh = heatmap(
        ax,
        ratios,
        _texts(values, None if limit is None else ratios),
        empty=np.isnan(values),
        cmap=light_to("#d55e00"),
        # Never narrower than 1 to 2, so that small differences do not catch the eye.
        norm=LogNorm(1.0, highest, clip=True),
        rows=[wrapped(name) for name in errors.index],
        columns=columns,
    )
    color_bar = figure_of(ax).colorbar(
        mesh,
        ax=ax,
        label=color_name,
        shrink=0.9,
        aspect=15,
        ticks=[tick for tick in RATIO_TICKS if tick <= highest],
        format="%g",
    )
    color_bar.outline.set_visible(False)
    color_bar.minorticks_off()
    for row, source in enumerate(errors.index):
        for column, target in enumerate(errors.columns):
            if np.isnan(values[row, column]):
                ax.add_patch(Rectangle((column, row), 1, 1, **NO_DATA))
            elif source == target:
                ax.add_patch(Rectangle((column + 0.03, row + 0.03), 0.94, 0.94, **FRAME))
    ax.set_xlabel("predicted modality (target); framed: reconstruction")
    ax.set_ylabel("from modality (source)")
    if drawn_on is None:
        headline(figure_of(ax), _finding(errors, ratios, "its limit" if limit is not None else ""))
    else:
        ax.set_title("Translation error", loc="left")
    return ax


def _finding(errors: pd.DataFrame, ratios: np.ndarray, reference: str) -> str:
    """The translation that is furthest from what its column is compared with."""
    across = {
        (source, target): ratios[row, column]
        for row, source in enumerate(errors.index)
        for column, target in enumerate(errors.columns)
        if source != target and errors.notna().iloc[row, column]
    }
    if not across:
        return "Reconstruction error"
    (source, target), highest = max(across.items(), key=lambda item: item[1])
    reference = reference or f"the lowest error of {target}"
    return f"Hardest translation: {source} to {target}, {highest:.2f} × {reference}"


def _limits(errors: pd.DataFrame, limit: pd.Series) -> np.ndarray:
    absent = [name for name in errors if name not in limit.index]
    if absent:
        raise KeyError(f"limit has no entry for {absent}; it has {list(limit.index)}.")
    by_target = limit.loc[list(errors)].to_numpy(dtype=float)
    if not (by_target > 0).all():
        raise ValueError(f"Limits must be above 0, found {dict(limit)}.")
    return by_target


def _texts(values: np.ndarray, ratios: np.ndarray | None) -> np.ndarray:
    texts = np.full(values.shape, "", dtype=object)
    for cell in np.argwhere(~np.isnan(values)):
        where = tuple(cell)
        texts[where] = _number(values[where])
        if ratios is not None:
            texts[where] += f"\n{ratios[where]:.2f} ×"
    return texts


def _number(value: float) -> str:
    """Three significant digits: 0.420, 12.0, 123."""
    return f"{value:#.3g}".rstrip(".")
