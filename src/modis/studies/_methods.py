"""MODIS as a method of a study, and the tables of all methods."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import anndata as ad
import numpy as np
import pandas as pd
import scvi
from mudata import MuData
from sklearn.ensemble import RandomForestClassifier

from ..model import MODIS
from ._fold import Fold
from ._rivals import COMBINED, Classifiers, Diagvi, Rival, StandardizedLogistic
from ._runs import Row


@dataclass(frozen=True)
class Method(Rival):
    """A way to make and train MODIS: arguments of the model and of its training."""

    title: str = "MODIS"
    model: Row = field(default_factory=dict)
    train: Row = field(default_factory=dict)
    links: bool = False
    #: Whether counts reach the model as they are; otherwise as logarithms of equal sums.
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
        if how.get("max_epochs") is not None:
            how["max_epochs"] *= epochs_factor
        least, most = made.preset.epoch_bounds
        made.preset = replace(
            made.preset,
            n_steps=epochs_factor * made.preset.n_steps,
            epoch_bounds=(epochs_factor * least, epochs_factor * most),
        )
        started = time.perf_counter()
        made.train(**how)
        return made, time.perf_counter() - started

    def predict(self, fold: Fold) -> dict[str, pd.Series]:
        """Classes of the test observations by modality; of those that have several `COMBINED`."""
        cohort, design = fold.cohort, fold.design
        adatas, likelihood = dict(cohort.modalities), dict(cohort.likelihood)
        for name in fold.train:
            if cohort.is_counts(name) and not self.takes_counts:
                likelihood[name], adata = "gaussian", adatas[name]
                x = fold.features(name, adata.obs_names)
                adatas[name] = ad.AnnData(x, obs=adata.obs, var=adata.var)
        setup = {
            "labels_key": cohort.labels_key,
            "unlabeled_category": cohort.unlabeled_category,
            "batch_key": cohort.batch_key,
            "likelihood": {name: likelihood[name] for name in fold.train},
        }
        # the paper's method takes no arguments
        given = {name: getattr(design, name) for name in self.uses}
        how: Row = {"enable_progress_bar": False, "max_epochs": design.max_epochs}
        names = {name: column.index for name, column in fold.train.items()}
        model, _ = self.fit(
            cohort.mudata(names, fold.train, adatas),
            fold.seed,
            setup,
            self._links(fold) | given.get("model_kwargs", {}),
            how | given.get("train_kwargs", {}),
        )
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
        used = table[table[["source_modality", "target_modality"]].isin([*fold.train]).all(axis=1)]
        return {"feature_links": used} if len(used) else {}


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
