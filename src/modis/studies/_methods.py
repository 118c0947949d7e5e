"""MODIS as a method of a study, and the tables of all methods."""

import hashlib
import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scvi
from mudata import MuData

from .. import model as model_room
from ..model import MODIS
from ._design import TASKS, Fold
from ._rivals import (
    COMBINED,
    Forest,
    LightGBM,
    LinkedCorrelation,
    LinkedLogistic,
    Logistic,
    MeanLogistic,
    Neighbors,
    PcaLogistic,
    Pls,
    Points,
    Ridge,
    Rival,
    TabICL,
)
from ._runs import Row

# whose code decides what MODIS answers
_ROOMS = ("data", "nn", "metrics", "dataloaders", "module", "linear", "train", "model")


@dataclass(frozen=True)
class Method:
    """A way to make and train MODIS: arguments of the model and of its training."""

    title: str = "MODIS"
    model: Row = field(default_factory=dict)
    train: Row = field(default_factory=dict)
    links: bool = False

    def fit(
        self, mdata: MuData, seed: int, setup: Row, model: Row, train: Row
    ) -> tuple[MODIS, float]:
        """Train with arguments on top of the method's own; the model, and the seconds it took."""
        scvi.settings.seed = seed
        MODIS.setup_mudata(mdata, **setup)
        made = MODIS(mdata, **(self.model | model))
        started = time.perf_counter()
        made.train(**(self.train | train))
        return made, time.perf_counter() - started


class Modis(Rival):
    """MODIS with its defaults."""

    title, tasks, links = "MODIS", tuple(TASKS), True
    uses: tuple[str, ...] = ("max_epochs", "model_kwargs", "train_kwargs")
    method = Method()
    #: Whether counts reach the model as they are; otherwise as logarithms of equal sums.
    takes_counts = True

    def __init__(self, fold: Fold) -> None:
        super().__init__(fold)
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
        names = {name: own.index for name, own in fold.train.items()}
        self._model, _ = self.method.fit(
            cohort.mudata(names, fold.train, adatas),
            fold.seed,
            setup,
            self._links() | dict(given.get("model_kwargs", {})),
            how | dict(given.get("train_kwargs", {})),
        )
        self._test = cohort.mudata(fold.test, adatas=adatas)

    def _links(self) -> Row:
        table = self.fold.cohort.links
        if not self.links or table is None:
            return {}
        # the model refuses links of modalities that it does not get
        known = table[["source_modality", "target_modality"]].isin([*self.fold.train])
        used = table[known.all(axis=1)]
        return {"feature_links": used} if len(used) else {}

    def probabilities(self) -> dict[str, pd.DataFrame]:
        model, test = self._model, self._test
        soft = {name: model.predict(test, modality=name, soft=True) for name in self.fold.test}
        count = pd.Series(np.concatenate(list(self.fold.test.values()))).value_counts()
        if (count > 1).any():
            together = model.predict(test, soft=True)
            soft[COMBINED] = together[together.index.map(count) > 1]
        return soft

    def translate(self, source: str, target: str, names: pd.Index) -> np.ndarray | None:
        rows = self._test.mod[source].obs_names.get_indexer(names).tolist()
        translated = self._model.translate(source, target, self._test, indices=rows)
        return self.fold.profiles(target, names, np.asarray(translated.X))

    def match(self, first: str, second: str, names: pd.Index) -> Points | None:
        def points(name: str) -> np.ndarray:
            rows = self._test.mod[name].obs_names.get_indexer(names).tolist()
            return self._model.get_latent_representation(self._test, modality=name, indices=rows)

        return points(first), points(second)


class Paper(Modis):
    """The networks and the training of the paper."""

    title, links, uses = "the paper's method", False, ("max_epochs",)
    method = Method(title, {"architecture": "paper"})
    takes_counts = False


#: The ways to train MODIS that ``modis reproduce`` compares, by name.
METHODS: dict[str, Method] = {
    "default": Method("MODIS without links"),
    "links": Method("MODIS with links", links=True),
    "paper": Paper.method,
}

#: Methods that :func:`benchmark` compares, by name.
RIVALS: dict[str, type[Rival]] = {
    "modis": Modis,
    "lr": Logistic,
    "lr-mean": MeanLogistic,
    "pca-lr": PcaLogistic,
    "rf": Forest,
    "linked-lr": LinkedLogistic,
    "ridge": Ridge,
    "neighbours": Neighbors,
    "pls": Pls,
    "cca": LinkedCorrelation,
    "lightgbm": LightGBM,
    "tabicl": TabICL,
    "paper": Paper,
}

#: What is run unless named, where nothing hinders it.
DEFAULT_METHODS = tuple(name for name in RIVALS if name != "paper")


@lru_cache
def model_code() -> str:
    """Digest of the code that determines the results of MODIS."""
    state = hashlib.sha256()
    root = Path(str(model_room.__file__)).parents[1]
    for path in sorted(path for room in _ROOMS for path in (root / room).rglob("*.py")):
        state.update(path.read_bytes())
    return state.hexdigest()
