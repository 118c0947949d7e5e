"""DIAGVI of scvi-tools, the nearest relative: two modalities, guided by linked features."""

from __future__ import annotations

from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from io import StringIO
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import scvi
from sklearn.neighbors import KNeighborsClassifier

from ..runs import SilentStop

if TYPE_CHECKING:
    from ._cohort import Cohort
    from ._design import Design
    from ._fold import Fold

__all__ = ["diagvi", "diagvi_obstacle"]

_TRAIN_SIZE = 0.9
_BATCH = "batch"


def diagvi_obstacle(cohort: Cohort, design: Design) -> str:
    """Why DIAGVI cannot be run; empty if it can.

    Parameters
    ----------
    cohort, design
        What would be run.
    """
    if not hasattr(scvi.external, "DIAGVI"):
        return f"scvi-tools {scvi.__version__} does not have it (1.5 on Python 3.12 does)"
    for package in ("torch_geometric", "geomloss"):
        try:
            import_module(package)
        except ImportError as error:
            return f"it needs the package {package.replace('_', '-')} ({error})"
    names = list(cohort.modalities if design.transfer is None else design.transfer)
    if len(names) != 2:
        return f"it takes two modalities, and there are {len(names)}"
    if _mapping(cohort, names).empty:
        return f"no features of {names[0]} and {names[1]} are linked; name a table with --links"
    return ""


def diagvi(cohort: Cohort, fold: Fold, design: Design, seed: int) -> dict[str, pd.Series]:
    """Train DIAGVI with its defaults, then let neighbours in its latent space vote.

    The model sees no labels; every test observation takes the class of its 15 nearest labelled
    training samples, of both modalities.
    """
    from scvi.external import DIAGVI

    scvi.settings.seed = seed
    rng = np.random.default_rng(seed)
    adatas, index = {}, {}
    for name, column in fold.train.items():
        test = fold.test.get(name, pd.Index([]))
        # what is tested may train without its label, where labels are carried over
        others = test.difference(column.index, sort=False)
        names = column.index.append(others)
        adata = cohort.modalities[name]
        adatas[name] = ad.AnnData(
            adata[names].X.copy(), obs=pd.DataFrame(index=names), var=adata.var[[]].copy()
        )
        if cohort.batches is not None:
            adatas[name].obs[_BATCH] = pd.Categorical(cohort.batches[name].reindex(names))
        counts = cohort.is_counts(name)
        DIAGVI.setup_anndata(
            adatas[name],
            batch_key=None if cohort.batches is None else _BATCH,
            likelihood="nb" if counts else "normal",
            normalize_lib=counts,
        )
        order = rng.permutation(len(column))
        n_train = max(1, round(_TRAIN_SIZE * len(column)))
        rest = np.arange(len(column), len(names))
        index[name] = {"external_indexing": [order[:n_train], order[n_train:], rest]}
    mapping = _mapping(cohort, list(adatas))
    graph = DIAGVI.construct_custom_guidance_graph(adatas, mapping)
    model = DIAGVI(adatas, guidance_graph=graph)
    # its progress bar cannot be switched off
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        model.train(
            max_epochs=design.max_epochs,
            train_size=_TRAIN_SIZE,
            datasplitter_kwargs=index,
            callbacks=[SilentStop()],
        )
    latent = {
        name: pd.DataFrame(z, index=adatas[name].obs_names)
        for name, z in model.get_latent_representation().items()
    }
    known = {name: fold.labeled(name) for name in fold.train}
    z = np.concatenate([latent[name].loc[known[name].index] for name in known])
    y = np.concatenate([known[name] for name in known])
    neighbors = KNeighborsClassifier(n_neighbors=min(15, len(z))).fit(z, y)
    return {
        name: pd.Series(neighbors.predict(latent[name].loc[names].to_numpy()), index=names)
        for name, names in fold.test.items()
    }


def _mapping(cohort: Cohort, names: list[str]) -> pd.DataFrame:
    """Linked features, or else those of the same name, in a column per modality."""
    first, second = names
    table = cohort.links
    if table is None:
        features = cohort.modalities[first].var_names
        shared = features.intersection(cohort.modalities[second].var_names)
        return pd.DataFrame({first: shared, second: shared})
    columns = ["source_feature", "target_feature"]
    parts = []
    for source, target in ((first, second), (second, first)):
        own = (table["source_modality"] == source) & (table["target_modality"] == target)
        parts.append(table.loc[own, columns].set_axis([source, target], axis=1))
    mapping = pd.concat(parts)[[first, second]].drop_duplicates()
    present = [mapping[name].isin(cohort.modalities[name].var_names) for name in names]
    return mapping[present[0] & present[1]]
