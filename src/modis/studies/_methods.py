"""MODIS as a method of a study, and the tables of all methods."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import anndata as ad
import numpy as np
import pandas as pd
import scvi
from mudata import MuData
from sklearn.ensemble import RandomForestClassifier

from ..data import DataSpec, read_registered
from ..dataloaders import ModalitySplitter
from ..model import MODIS
from ._fold import Fold
from ._rivals import COMBINED, Classifiers, Diagvi, Rival, StandardizedLogistic
from ._runs import Row


@dataclass(frozen=True)
class Method(Rival):
    """A way to make and train MODIS.

    Parameters
    ----------
    title
        What tables and figures call it.
    model, train
        Arguments of :class:`modis.MODIS` and of its training.
    links
        Whether the model is told which features of different modalities are linked.
    takes_counts
        Whether counts reach the model as they are; otherwise as logarithms of equal sums.
    uses
        Arguments of :func:`benchmark` that change this method.

    Examples
    --------
    >>> from modis.studies import METHODS
    >>> METHODS["paper"].model, METHODS["links"].links
    ({'architecture': 'paper'}, True)
    """

    title: str = "MODIS"
    model: Row = field(default_factory=dict)
    train: Row = field(default_factory=dict)
    links: bool = False
    takes_counts: bool = True
    uses: tuple[str, ...] = ("max_epochs",)

    transfers = True

    def fit(
        self, mdata: MuData, seed: int, setup: Row, model: Row, train: Row, epochs_factor: int = 1
    ) -> tuple[MODIS, float]:
        """Train with arguments on top of the method's own; the model, and the seconds it took."""
        scvi.settings.seed = seed
        MODIS.setup_mudata(mdata, **setup)
        made = MODIS(mdata, **(self.model | model))
        how = self.train | train
        if epochs_factor != 1:
            how["max_epochs"] = epochs_factor * _epochs(made, mdata, how)
        started = time.perf_counter()
        made.train(**how)
        return made, time.perf_counter() - started

    def predict(self, fold: Fold) -> dict[str, pd.Series]:
        """Classes of the test observations by modality; of those that have several `COMBINED`."""
        cohort, design = fold.cohort, fold.design
        adatas, likelihood = dict(cohort.modalities), {}
        for name in fold.train:
            likelihood[name] = cohort.likelihood[name]
            if cohort.is_counts(name) and not self.takes_counts:
                likelihood[name], adata = "gaussian", adatas[name]
                x = fold.features(name, adata.obs_names)
                adatas[name] = ad.AnnData(x, obs=adata.obs, var=adata.var)
        keys = ("labels_key", "unlabeled_category", "batch_key")
        setup = {key: getattr(cohort, key) for key in keys} | {"likelihood": likelihood}
        given = {key: getattr(design, key) for key in self.uses}
        how: Row = {"enable_progress_bar": False}
        how |= {} if design.max_epochs is None else {"max_epochs": design.max_epochs}
        made = self._links(fold) | given.get("model_kwargs", {})
        trained = how | given.get("train_kwargs", {})
        names = {name: column.index for name, column in fold.train.items()}
        train = cohort.mudata(names, fold.train, adatas)
        model, _ = self.fit(train, fold.seed, setup, made, trained)
        test = cohort.mudata(fold.test, adatas=adatas)
        predicted = {name: model.predict(test, modality=name).astype(str) for name in fold.test}
        count = pd.Series(np.concatenate(list(fold.test.values()))).value_counts()
        if (count > 1).any():
            together = model.predict(test).astype(str)
            predicted[COMBINED] = together[together.index.map(count) > 1]
        return predicted

    def _links(self, fold: Fold) -> Row:
        table = fold.cohort.links
        if not self.links or table is None:
            return {}
        # the model refuses links of modalities that it does not get
        ends = [table[f"{end}_modality"].isin(fold.train) for end in ("source", "target")]
        used = table[ends[0] & ends[1]]
        return {"feature_links": used} if len(used) else {}


def _epochs(model: MODIS, train: MuData, how: Row) -> int:
    """Epochs that training with these arguments would take at most."""
    if how.get("max_epochs") is not None:
        return int(how["max_epochs"])
    data = read_registered(train, DataSpec.from_registry(model.registry_))
    preset, n_obs = model.preset, max(item.n_obs for item in data.values())
    splitter = ModalitySplitter(
        data,
        train_size=how.get("train_size") or preset.train_size,
        batch_size=how.get("batch_size") or preset.batch_size(n_obs),
    )
    return preset.n_epochs(splitter.steps_per_epoch)


_PAPER = Method("the paper's method", {"architecture": "paper"}, takes_counts=False)

#: The ways to train MODIS that :func:`reproduce` compares, by name.
METHODS: dict[str, Method] = {
    "default": Method("MODIS without links"),
    "links": Method("MODIS with links", links=True),
    "paper": _PAPER,
}

#: What :func:`benchmark` compares, by name.
RIVALS: dict[str, Rival] = {
    "modis": Method(links=True, uses=("max_epochs", "model_kwargs", "train_kwargs")),
    "lr": Classifiers("logistic regression", lambda seed: StandardizedLogistic()),
    "rf": Classifiers(
        "random forest",
        lambda seed: RandomForestClassifier(300, class_weight="balanced", random_state=seed),
    ),
    "paper": _PAPER,
    "diagvi": Diagvi(),
}

#: What MODIS is measured against: the best of the first group of which any was run.
REFERENCES = (("lr", "rf"), ("diagvi",))
