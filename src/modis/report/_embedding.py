from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..metrics import modality_mixing

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

    from ..model import MODIS
    from ..studies import Cohort

__all__ = ["embed", "measure_mixing"]

#: A picture of more points takes long and shows no more.
_MOST_POINTS = 4000
#: With fewer rows a neighbour graph means nothing, and UMAP's start may fail.
_FEWEST_FOR_UMAP = 40


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
