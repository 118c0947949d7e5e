"""The latent space, by modality and by class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import is_color_like
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from ._palette import UNLABELED_COLOR, in_order, palette, replaced
from ._panels import panels
from ._style import TEXT_COLOR, house_style, is_missing, text_inches, wrapped

if TYPE_CHECKING:
    from anndata import AnnData

TITLES = {"modality": "Modality", "label": "Class", "predicted": "Predicted class"}
BASES = {"X_pca": "PC", "X_umap": "UMAP", "X_tsne": "t-SNE"}
MOST_TOLD_BY_COLOR = 10


@house_style()
def latent(
    embedding: AnnData,
    *,
    basis: str = "X_umap",
    color: str | Sequence[str] = ("modality", "label"),
    axes: Axes | Iterable[Axes] | None = None,
    palette: Mapping[Any, str] | None = None,
    max_points: int | None = None,
    seed: int = 0,
    unlabeled_category: str | None = "unknown",
) -> NDArray[np.object_]:
    """Draw the latent space, one panel per colouring.

    Samples are drawn in random order, so that no modality or class hides another, and unlabelled
    ones in grey underneath. With more than ten classes each is numbered too, in the legend and at
    its most central sample, since colours alone no longer tell them apart.

    Parameters
    ----------
    embedding
        One row per (observation, modality), as the model's joint embedding: the columns of
        `color` in `.obs`, and `.obsm["X_modis"]`. It is not changed.
    basis
        Key of `.obsm` with at least two columns, of which the first two are drawn. If
        `"X_umap"` or `"X_pca"` is not there, a principal component analysis of
        `.obsm["X_modis"]` stands in, and the axes say so.
    color
        Columns of `.obs` to colour by: one panel each.
    axes
        Axes to draw on, one per panel. By default a new figure.
    palette
        Colours by class or modality name, for those that shall differ from the default: from
        those that the embedding brings along for scanpy (`.uns["label_colors"]`), or else from
        :func:`modis.pl.palette`.
    max_points
        Draw a random subset of this many rows. By default all are drawn.
    seed
        Seed of the subset and of the drawing order.
    unlabeled_category
        Value that means unlabelled, besides missing values.

    Returns
    -------
    Axes, of shape `(n_colors,)`.

    Raises
    ------
    KeyError
        If a column of `color` or the basis is not in `embedding`.
    ValueError
        If `embedding` is empty, the basis has one column only or the number of axes is not that
        of the panels.

    Examples
    --------
    >>> import anndata, modis, numpy as np, pandas as pd
    >>> embedding = anndata.AnnData(
    ...     obs=pd.DataFrame(
    ...         {"modality": ["rna", "rna", "protein"], "label": ["T", "B", "T"]},
    ...         index=["rna:s1", "rna:s2", "protein:s3"],
    ...     ),
    ...     obsm={"X_modis": np.array([[0.0, 0.1], [1.0, 0.9], [0.1, 0.0]])},
    ... )
    >>> axes = modis.pl.latent(embedding)
    >>> [ax.get_title(loc="left") for ax in axes]
    ['Modality', 'Class']
    """
    keys = [color] if isinstance(color, str) else list(color)
    absent = [key for key in keys if key not in embedding.obs]
    if absent or not keys:
        msg = f"No column {absent} in embedding.obs, which has {list(embedding.obs)}."
        raise KeyError(msg)
    coordinates, axis_names = _coordinates(embedding, basis)

    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(coordinates))[:max_points]
    obs, coordinates = embedding.obs[keys].iloc[rows], coordinates[rows]
    unlabeled = {key: is_missing(obs[key], unlabeled_category) for key in keys}
    colors = _colors(embedding, keys, unlabeled_category, palette)

    legends = [text_inches(colors[key]) * _legend_columns(len(colors[key])) for key in keys]
    width = 3.6 + float(np.mean(legends)) + 0.5
    drawn_on = panels(len(keys), axes, panel_size=(width, 3.6), max_width=16)
    for ax, key in zip(drawn_on, keys, strict=True):
        _draw(ax, coordinates, obs[key], unlabeled[key], colors[key])
        ax.set_title(TITLES.get(key, key), loc="left")
        ax.set_xlabel(axis_names[0], loc="left", color=TEXT_COLOR)
        ax.set_ylabel(axis_names[1], loc="bottom", color=TEXT_COLOR)
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_xticks([])
        ax.set_yticks([])
    return drawn_on


def _coordinates(embedding: AnnData, basis: str) -> tuple[NDArray[np.floating], list[str]]:
    """Two columns to draw, and what to call them."""
    if embedding.n_obs == 0:
        raise ValueError("embedding has no rows to draw.")
    if basis in embedding.obsm:
        values = np.asarray(embedding.obsm[basis])
        if values.ndim != 2 or values.shape[1] < 2:
            raise ValueError(f"embedding.obsm[{basis!r}] needs two columns, has {values.shape}.")
        name = BASES.get(basis, basis.removeprefix("X_"))
        return values[:, :2], [f"{name} 1", f"{name} 2"]

    if basis not in ("X_umap", "X_pca") or "X_modis" not in embedding.obsm:
        msg = f"No {basis!r} in embedding.obsm, which has {list(embedding.obsm)}"
        hint = "" if "X_modis" in embedding.obsm else " and no 'X_modis' to compute it from"
        raise KeyError(msg + hint + ".")
    z = np.asarray(embedding.obsm["X_modis"])
    if min(z.shape) < 2:
        # A single latent dimension or sample has no second component.
        z = np.pad(z, ((0, 0), (0, max(0, 2 - z.shape[1]))))
        return z[:, :2], ["latent 1", "latent 2"]
    pca = PCA(n_components=2, random_state=0)
    values = pca.fit_transform(z)
    shares = np.nan_to_num(pca.explained_variance_ratio_)
    return values, [f"PC {i} ({share:.0%})" for i, share in enumerate(shares, start=1)]


def _colors(
    embedding: AnnData,
    keys: list[str],
    unlabeled_category: str | None,
    own: Mapping[Any, str] | None,
) -> dict[str, dict[Any, str]]:
    """Colours by column; true and predicted classes share theirs."""
    names = {key: _names(embedding.obs[key], unlabeled_category) for key in keys}
    classes = {name for key in keys if key in ("label", "predicted") for name in names[key]}
    colors = {}
    for key in keys:
        if key == "modality":
            by_rule = palette(names[key], "modality")
        else:
            shared = classes if key in ("label", "predicted") else names[key]
            by_rule = palette(shared, unlabeled_category=None)
        colors[key] = replaced(by_rule | _stored(embedding, key, names[key]), own)
    return colors


def _stored(embedding: AnnData, key: str, names: set[Any]) -> dict[Any, str]:
    """Colours that the embedding brings along, as scanpy keeps them."""
    values, colors = embedding.obs[key], embedding.uns.get(f"{key}_colors")
    if colors is None or not isinstance(values.dtype, pd.CategoricalDtype):
        return {}
    categories = values.cat.categories
    if len(colors) < len(categories) or not all(is_color_like(color) for color in colors):
        return {}
    return {
        name: str(color) for name, color in zip(categories, colors, strict=False) if name in names
    }


def _names(values: pd.Series, unlabeled_category: str | None) -> set[Any]:
    """All names that a column may hold, so that a subset keeps the colours of the whole."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = pd.Series(values.cat.categories)
    return set(values[~is_missing(values, unlabeled_category)])


def _draw(
    ax: Axes,
    coordinates: NDArray[np.floating],
    values: pd.Series,
    unlabeled: NDArray[np.bool_],
    colors: dict[Any, str],
) -> None:
    size = float(np.clip(300 / np.sqrt(len(values)), 1.0, 30.0))
    points: dict[str, Any] = {"s": size, "linewidths": 0, "rasterized": True}
    below = coordinates[unlabeled]
    ax.scatter(below[:, 0], below[:, 1], c=UNLABELED_COLOR, **points)
    labeled = values[~unlabeled].astype(object)
    above = coordinates[~unlabeled]
    ax.scatter(above[:, 0], above[:, 1], c=[colors[name] for name in labeled], **points)

    names = in_order(labeled)
    numbered = len(names) > MOST_TOLD_BY_COLOR
    handles = []
    for number, name in enumerate(names, start=1):
        if numbered:
            _write_number(ax, above[(labeled == name).to_numpy()], number)
        text = f"{number}  {wrapped(name)}" if numbered else wrapped(name)
        handles.append(_key(colors[name], text))
    if unlabeled.any():
        handles.append(_key(UNLABELED_COLOR, "unlabeled"))
    ax.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.02),
        borderaxespad=0.2,
        ncols=_legend_columns(len(handles)),
        handletextpad=0.2,
        columnspacing=0.8,
        labelspacing=0.35,
    )


def _write_number(ax: Axes, own: NDArray[np.floating], number: int) -> None:
    """Number a class at its most central sample: the median itself may lie between clusters."""
    x, y = own[np.argmin(np.sum((own - np.median(own, axis=0)) ** 2, axis=1))]
    outline = [patheffects.withStroke(linewidth=2.2, foreground="white")]
    ax.text(x, y, str(number), ha="center", va="center", fontsize=8, path_effects=outline)


def _legend_columns(n: int) -> int:
    return 1 + (n - 1) // 16


def _key(color: str, text: str) -> Line2D:
    return Line2D([], [], marker="o", linestyle="", markersize=6, color=color, label=text)
