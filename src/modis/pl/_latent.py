"""The latent space, by modality and by class."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from ._palette import UNLABELED_COLOR, in_order, palette
from ._style import house_style, is_missing, panels, text_inches, wrapped

TITLES = {"modality": "Modality", "label": "Class", "predicted": "Predicted class"}
BASES = {"X_pca": "PC", "X_umap": "UMAP", "X_tsne": "t-SNE"}
MOST_TOLD_BY_COLOR = 10
OUTLINE = [patheffects.withStroke(linewidth=2.2, foreground="white")]


@house_style()
def latent(
    embedding: AnnData,
    *,
    basis: str = "X_umap",
    color: str | Sequence[str] = ("modality", "label"),
    axes: Axes | Iterable[Axes] | None = None,
    unlabeled_category: str | None = "unknown",
) -> NDArray[np.object_]:
    """Draw the latent space, one panel per colouring.

    Samples are drawn in random order, so that no modality or class hides another, and unlabelled
    ones in grey underneath. More than ten classes are numbered, in the legend and at the most
    central sample of each, since colours alone no longer distinguish them.

    Parameters
    ----------
    embedding
        One row per (observation, modality), as the model's joint embedding: the columns of
        `color` in `.obs`, and `.obsm["X_modis"]`. It is not changed.
    basis
        Key of `.obsm`, of which the first two columns are drawn. If `"X_umap"` or `"X_pca"` is
        not there, a principal component analysis of `.obsm["X_modis"]` is used, and the axes
        say so.
    color
        Columns of `.obs` to colour by: one panel each. Colours are those that the embedding brings
        along for scanpy (`.uns["label_colors"]`), or else those of :func:`modis.pl.palette`.
    axes
        Axes to draw on, one per panel. By default a new figure.
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
        If `embedding` is empty, the basis has one column only or the number of axes is not
        that of the panels.

    Examples
    --------
    >>> import anndata, modis, numpy as np, pandas as pd
    >>> obs = pd.DataFrame({"modality": ["rna", "rna", "adt"], "label": ["T", "B", "T"]})
    >>> obs.index = ["rna:s1", "rna:s2", "adt:s3"]
    >>> z = np.array([[0.0, 0.1], [1.0, 0.9], [0.1, 0.0]])
    >>> axes = modis.pl.latent(anndata.AnnData(obs=obs, obsm={"X_modis": z}))
    >>> [ax.get_title(loc="left") for ax in axes]
    ['Modality', 'Class']
    """
    keys = [color] if isinstance(color, str) else list(color)
    absent = [key for key in keys if key not in embedding.obs]
    if absent or not keys:
        raise KeyError(f"No column {absent} in embedding.obs, which has {list(embedding.obs)}.")
    coordinates, axis_names = _coordinates(embedding, basis)
    named, colors = {}, {}
    for key in keys:
        values, stored = embedding.obs[key], embedding.uns.get(f"{key}_colors", [])
        named[key] = values.astype(object).mask(is_missing(values, unlabeled_category), np.nan)
        colors[key] = _colors(values, named[key], key, stored)
    legends = [text_inches(colors[key]) * _legend_columns(len(colors[key])) for key in keys]
    width = 3.6 + float(np.mean(legends)) + 0.5
    drawn_on = panels(len(keys), axes, panel_size=(width, 3.2))
    order = np.random.default_rng(0).permutation(len(coordinates))
    for ax, key in zip(drawn_on, keys, strict=True):
        _draw(ax, coordinates[order], named[key].iloc[order], colors[key])
        ax.set_title(TITLES.get(key, key))
        ax.set_xlabel(axis_names[0], loc="left")
        ax.set_ylabel(axis_names[1], loc="bottom")
        ax.set(xticks=[], yticks=[])
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
        raise KeyError(f"No {basis!r} in embedding.obsm, which has {list(embedding.obsm)}.")
    z = np.asarray(embedding.obsm["X_modis"])
    if min(z.shape) < 2:
        # A single latent dimension or sample has no second component.
        return np.pad(z, ((0, 0), (0, 1)))[:, :2], ["latent 1", "latent 2"]
    pca = PCA(n_components=2, random_state=0)
    values = pca.fit_transform(z)
    shares = np.nan_to_num(pca.explained_variance_ratio_)
    return values, [f"PC {i} ({share:.0%})" for i, share in enumerate(shares, start=1)]


def _colors(
    values: pd.Series, known: pd.Series, key: str, stored: Sequence[str]
) -> dict[Any, str]:
    """Colours by name: those that scanpy would use, or else those of the palette."""
    if isinstance(values.dtype, pd.CategoricalDtype) and len(stored) >= len(values.cat.categories):
        return dict(zip(values.cat.categories, stored, strict=False))
    kind: Literal["modality", "class"] = "modality" if key == "modality" else "class"
    return palette(known.dropna(), kind, unlabeled_category=None)


def _draw(
    ax: Axes, coordinates: NDArray[np.floating], values: pd.Series, colors: Mapping[Any, str]
) -> None:
    size = float(np.clip(300 / np.sqrt(len(values)), 1.0, 30.0))
    known = values.notna().to_numpy()
    unlabeled = (~known, [UNLABELED_COLOR] * int((~known).sum()))
    for rows, shown in (unlabeled, (known, [colors[name] for name in values[known]])):
        x, y = coordinates[rows].T
        ax.scatter(x, y, c=shown, s=size, linewidths=0, rasterized=True)

    names = in_order(values[known])
    numbered = len(names) > MOST_TOLD_BY_COLOR
    entries = {}
    for number, name in enumerate(names, start=1):
        entries[f"{number}  {wrapped(name)}" if numbered else wrapped(name)] = colors[name]
        if numbered:
            # At the most central sample: the median itself may lie between clusters.
            own = coordinates[(values == name).to_numpy()]
            x, y = own[np.argmin(np.sum((own - np.median(own, axis=0)) ** 2, axis=1))]
            ax.text(x, y, str(number), ha="center", va="center", fontsize=8, path_effects=OUTLINE)
    if not known.all():
        entries["unlabeled"] = UNLABELED_COLOR
    dot: Any = {"marker": "o", "linestyle": "", "markersize": 6}
    ax.legend(
        handles=[
            Line2D([], [], color=color, label=text, **dot) for text, color in entries.items()
        ],
        loc="upper left",
        bbox_to_anchor=(1.0, 1.02),
        borderaxespad=0.2,
        ncols=_legend_columns(len(entries)),
        handletextpad=0.2,
        columnspacing=0.8,
        labelspacing=0.35,
    )


def _legend_columns(n: int) -> int:
    return 1 + (n - 1) // 16
