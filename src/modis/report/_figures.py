import warnings
from collections.abc import Callable
from pathlib import Path
from typing import cast

import matplotlib.pyplot as plt
import numpy as np
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from mudata import MuData

from .. import pl
from ..metrics import modality_mixing
from ..model import MODIS
from ..pl._style import house_style
from ..studies import UNLABELED, Cohort
from ._predictions import COMBINED, N_FEATURES
from ._results import Results

#: Dots per inch of the files.
DPI = 140
#: More panels than these nobody looks through; the table has them all.
_MOST_PANELS = 40
#: A picture of more points takes long and shows no more.
_MOST_POINTS = 4000
#: With fewer rows a neighbour graph means nothing, and UMAP's start may fail.
_FEWEST_FOR_UMAP = 40
#: What a reader can judge; the others are for those who change the model.
_TERMS = (
    "loss",
    "reconstruction",
    "kl",
    "adversarial",
    "classification",
    "accuracy",
    "mixing",
    "selection",
)


def embed(model: MODIS, mdata: MuData, seed: int) -> AnnData:
    """Joint embedding with ``obsm["X_umap"]``, a random part of it where it is large."""
    embedding = model.joint_embedding(mdata)
    if embedding.n_obs > _MOST_POINTS:
        rows = np.random.default_rng(seed).choice(embedding.n_obs, _MOST_POINTS, replace=False)
        embedding = embedding[np.sort(rows)].copy()
    if embedding.n_obs >= _FEWEST_FOR_UMAP:
        # imported only here: it takes seconds
        import scanpy as sc

        sc.pp.neighbors(embedding, use_rep="X_modis", random_state=seed)
        sc.tl.umap(embedding, random_state=seed)
    return embedding


def measure_mixing(embedding: AnnData, cohort: Cohort) -> float | None:
    """Modality mixing, within classes where these are known; `None` where nothing can mix."""
    labels = None
    if len(cohort.label):
        embedding = embedding[embedding.obs["label"].isin(set(cohort.label)).to_numpy()]
        labels = embedding.obs["label"].astype(str)
    try:
        return modality_mixing(
            embedding.obsm["X_modis"], embedding.obs["modality"].astype(str), labels
        )
    except ValueError:
        # a single modality, or no class in two modalities
        return None


@house_style()
def draw_figures(results: Results, out: Path) -> list[str]:
    """Write the figures that the data allow, and return the names of the files."""
    draw: dict[str, Callable[[], Axes]] = {"latent_umap.png": lambda: _draw_latent(results)}
    if results.predictions is not None:
        judged = results.predictions.dropna(subset="label")
        judged = judged[(judged["part"] == "test") & (judged["source"] != COMBINED)]
        if len(judged):
            columns = (judged["label"], judged["predicted"], judged["source"])
            draw["confusion.png"] = lambda: pl.confusion(*columns)[0]
    translations = results.translations
    if translations is not None and translations.across:
        draw["translation.png"] = lambda: pl.translation(translations.errors)
    importance = results.importance
    if importance is not None and (importance["rank"] == 1).sum() <= _MOST_PANELS:
        draw["feature_importance.png"] = lambda: pl.feature_importance(importance, N_FEATURES)[0]
    history = results.model.history
    terms = [term for term in _TERMS if {f"{term}_train", f"{term}_validation"} & set(history)]
    best = results.model.best_epoch_
    draw["history.png"] = lambda: pl.history(history, keys=terms or None, best_epoch=best)[0]
    counts = results.counts["train"]
    if not counts[UNLABELED].any() and len(counts.columns) > 1:
        counts = counts.drop(columns=UNLABELED)
    draw["class_counts.png"] = lambda: pl.class_counts(counts, unlabeled=UNLABELED)
    for name in list(draw):
        try:
            figure = cast("Figure", draw[name]().get_figure(root=True))
            figure.savefig(out / name, dpi=DPI, bbox_inches="tight", pad_inches=0.12)
        # whatever a name or a number does to a figure, the others and the report are worth more
        except Exception as error:  # noqa: BLE001
            del draw[name]
            warnings.warn(f"{name} could not be drawn: {error}.", stacklevel=2)
        plt.close("all")
    return list(draw)


def _draw_latent(results: Results) -> Axes:
    embedding, known = results.embedding, results.cohort.samples["label"].notna()
    color = ["modality"]
    if known.any():
        color.append("label")
    if "predicted" in embedding.obs and not known.all():
        color.append("predicted")
    # every sample without a class has the category for unlabelled, whatever its name is
    unlabeled = results.model.registry_["setup_args"]["unlabeled_category"]
    first: Axes = pl.latent(embedding, color=color, unlabeled_category=unlabeled)[0]
    mixing = results.mixing
    title = "Modality" if mixing is None else f"Modality mixing: {mixing:.2f} (1 is perfect)"
    first.set_title(title, loc="left")
    return first
