from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import scvi

from ..inputs import without_pulling
from ..model import MODIS
from ..runs import PAPER, SilentStop
from ._baselines import logistic_regression, random_forest
from ._diagvi import diagvi, diagvi_obstacle
from ._features import library_size, read_features, read_values
from ._fold import LABEL
from ._names import COMBINED

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._cohort import Cohort
    from ._design import Design
    from ._fold import Fold

__all__ = ["BASELINES", "METHODS", "Method"]

_BATCH = "batch"
_UNLABELED = "(not labelled)"


@dataclass(frozen=True)
class Method:
    """One that can be compared.

    Parameters
    ----------
    title
        What tables and figures call it.
    predict
        Trains on a fold and returns the class of its test observations, by modality and, for
        those that have several, under ``"combined"``.
    transfers
        Whether it can carry labels into a modality without any.
    uses
        Fields of the design, beyond the common ones, that decide its predictions.
    uses_links
        Whether linked features do.
    obstacle
        Why it cannot be run on these data and this installation; empty if it can.

    Examples
    --------
    >>> from modis.benchmark import METHODS
    >>> [name for name, method in METHODS.items() if method.transfers]
    ['modis', 'paper', 'diagvi']
    >>> METHODS["lr"].title
    'logistic regression'
    """

    title: str
    predict: Callable[[Cohort, Fold, Design, int], dict[str, pd.Series]]
    transfers: bool = False
    uses: tuple[str, ...] = ()
    uses_links: bool = False
    obstacle: Callable[[Cohort, Design], str] = lambda cohort, design: ""


def modis(cohort: Cohort, fold: Fold, design: Design, seed: int) -> dict[str, pd.Series]:
    """Train MODIS with the arguments of the design."""
    kwargs = {}
    if cohort.links is not None:
        # the model refuses links of modalities that it does not get
        known = [cohort.links[f"{end}_modality"].isin(fold.train) for end in ("source", "target")]
        used = cohort.links[known[0] & known[1]]
        kwargs = {"feature_links": used} if len(used) else {}
    likelihood = {name: cohort.likelihood[name] for name in fold.train}
    values = {name: cohort.modalities[name] for name in fold.train}
    model = _train(
        cohort, fold, values, likelihood, seed, kwargs | design.model_kwargs, _train_kwargs(design)
    )
    return _predict(cohort, fold, values, model)


def paper(cohort: Cohort, fold: Fold, design: Design, seed: int) -> dict[str, pd.Series]:
    """Train the paper's networks with the paper's losses; counts are made continuous first."""
    values, likelihood = {}, dict.fromkeys(fold.train, "gaussian")
    for name in fold.train:
        adata = cohort.modalities[name]
        if cohort.is_counts(name):
            size = library_size(read_values(cohort, name, fold.train[name].index))
            x = read_features(cohort, name, adata.obs_names, size)
            adata = ad.AnnData(x, obs=adata.obs[[]], var=adata.var[[]])
        values[name] = adata
    how = PAPER.train
    if design.max_epochs is not None:
        how = how | {"max_epochs": design.max_epochs}
    model = _train(cohort, fold, values, likelihood, seed, PAPER.model, how)
    return _predict(cohort, fold, values, model)


def _train_kwargs(design: Design) -> dict[str, Any]:
    limit = {} if design.max_epochs is None else {"max_epochs": design.max_epochs}
    return limit | design.train_kwargs


def _train(
    cohort: Cohort,
    fold: Fold,
    values: dict[str, ad.AnnData],
    likelihood: dict[str, str],
    seed: int,
    model_kwargs: dict[str, Any],
    train_kwargs: dict[str, Any],
) -> MODIS:
    names = {name: column.index for name, column in fold.train.items()}
    mdata = _mudata(cohort, values, names, fold.train)
    scvi.settings.seed = seed
    MODIS.setup_mudata(
        mdata,
        labels_key=LABEL,
        unlabeled_category=_UNLABELED,
        batch_key=None if cohort.batches is None else _BATCH,
        likelihood=likelihood,
    )
    model = MODIS(mdata, **model_kwargs)
    model.train(enable_progress_bar=False, callbacks=[SilentStop()], **train_kwargs)
    return model


def _predict(
    cohort: Cohort, fold: Fold, values: dict[str, ad.AnnData], model: MODIS
) -> dict[str, pd.Series]:
    test = _mudata(cohort, values, fold.test)
    predicted = {name: model.predict(test, modality=name).astype(str) for name in fold.test}
    count = pd.Series(np.concatenate(list(fold.test.values()))).value_counts()
    if (count > 1).any():
        together = model.predict(test).astype(str)
        predicted[COMBINED] = together[together.index.map(count) > 1]
    return predicted


def _mudata(
    cohort: Cohort,
    values: dict[str, ad.AnnData],
    names: dict[str, pd.Index],
    labels: dict[str, pd.Series] | None = None,
) -> md.MuData:
    parts = {}
    for name, index in names.items():
        parts[name] = values[name][index].copy()
        if labels is not None:
            parts[name].obs[LABEL] = pd.Categorical(labels[name])
        if cohort.batches is not None:
            parts[name].obs[_BATCH] = pd.Categorical(cohort.batches[name].reindex(index))
    with without_pulling():
        return md.MuData(parts)


#: Every method by name.
METHODS: dict[str, Method] = {
    "modis": Method(
        "MODIS",
        modis,
        transfers=True,
        uses=("max_epochs", "model_kwargs", "train_kwargs"),
        uses_links=True,
    ),
    "lr": Method("logistic regression", logistic_regression),
    "rf": Method("random forest", random_forest),
    "paper": Method("the paper's method", paper, transfers=True, uses=("max_epochs",)),
    "diagvi": Method(
        "DIAGVI and neighbours",
        diagvi,
        transfers=True,
        uses=("max_epochs",),
        uses_links=True,
        obstacle=diagvi_obstacle,
    ),
}

#: One classifier per modality: what MODIS is measured against.
BASELINES = ("lr", "rf")
