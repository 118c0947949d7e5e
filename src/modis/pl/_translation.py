"""Errors of the predictions of each modality from each other."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from ._heatmap import heatmap, light_to, mark
from ._style import NO_DATA, TEXT_COLOR, figure_of, headline, house_style, panels, wrapped

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
    ValueError
        If `errors` has no value, or `limit` lacks a target or is not above 0.

    Examples
    --------
    >>> import modis, pandas as pd
    >>> names = ["rna", "protein"]
    >>> errors = pd.DataFrame([[1.0, 2.2], [1.5, 2.0]], index=names, columns=names)
    >>> ax = modis.pl.translation(errors, pd.Series({"rna": 1.0, "protein": 2.0}))
    >>> ax.texts[1].get_text()
    '2.20\n1.10 ×'
    """
    values = errors.to_numpy(dtype=float)
    known = ~np.isnan(values)
    if not known.any():
        raise ValueError("errors has no value to draw.")
    columns = [wrapped(name, width=14) for name in errors]
    reference = errors.min()
    if limit is not None:
        reference = limit.reindex(errors.columns).astype(float)
        if not (reference > 0).all():
            raise ValueError(
                f"limit must be above 0 for each of {list(errors)}, found {limit.to_dict()}."
            )
        columns = [
            f"{name}\n(limit {_number(bound)})"
            for name, bound in zip(columns, reference, strict=True)
        ]
    # Where the lowest error is 0, there is no ratio to it.
    ratios = np.nan_to_num(values / reference.replace(0, np.nan).to_numpy(), nan=1.0)
    texts = np.vectorize(_number, otypes=[object])(values)
    if limit is not None:
        texts += np.vectorize("\n{:.2f} ×".format, otypes=[object])(ratios)
    texts[~known] = ""

    n_sources, n_targets = values.shape
    size = (max(4.6, 1.1 * n_targets + 2.2), max(2.8, 0.75 * n_sources + 1.5))
    drawn_on, ax = ax, panels(1, ax, panel_size=size)[0]
    highest = max(2.0, ratios.max())
    mesh = heatmap(
        ax,
        ratios,
        texts,
        empty=~known,
        cmap=light_to("#d55e00"),
        # Never narrower than 1 to 2, so that small differences do not catch the eye.
        norm=LogNorm(1.0, highest, clip=True),
        rows=[wrapped(name) for name in errors.index],
        columns=columns,
    )
    reconstruction = np.array([[source == target for target in errors] for source in errors.index])
    mark(ax, ~known, NO_DATA)
    mark(ax, known & reconstruction, FRAME, margin=0.03)
    ticks = [tick for tick in RATIO_TICKS if tick <= highest]
    label = "error / lowest of its column" if limit is None else "error / limit"
    color_bar = figure_of(ax).colorbar(mesh, ax=ax, label=label, ticks=ticks, format="%g")
    color_bar.minorticks_off()
    ax.set_xlabel("predicted modality (target); framed: reconstruction")
    ax.set_ylabel("from modality (source)")
    if drawn_on is not None:
        ax.set_title("Translation error")
        return ax
    finding, across = "Reconstruction error", np.where(known & ~reconstruction, ratios, -1.0)
    if across.max() > 0:
        row, column = np.unravel_index(across.argmax(), across.shape)
        source, target = errors.index[row], errors.columns[column]
        whose = f"the lowest error of {target}" if limit is None else "its limit"
        finding = f"Largest error: {source} to {target}, {across.max():.2f} × {whose}"
    headline(figure_of(ax), finding)
    return ax


def _number(value: float) -> str:
    """Three significant digits: 0.420, 12.0, 123."""
    return f"{value:#.3g}".rstrip(".")
