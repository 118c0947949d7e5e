"""Classifiers that MODIS is compared with: a class, and a row of the table of methods, each."""

import warnings
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ._cohort import Cohort
from ._design import (
    CLASSES,
    FEW,
    MATCHING,
    TRANSFER,
    TRANSLATION,
    UNSEEN,
    Fold,
    linked_features,
)

#: In place of a modality: predicted from all that an observation has.
COMBINED = "combined"

_CS = np.logspace(-4, 1, 6)
_N_FOLDS = 3
_N_COMPONENTS = 50
_N_TREES = 300
# a modality alone rules no class out
_LEAST = 1e-3

Points = tuple[np.ndarray, np.ndarray]


class Rival:
    """A method that learns from the training part of a fold when it is made.

    Tasks that it cannot do return nothing.
    """

    #: What tables and figures call it.
    title: str
    #: By which tasks it can be judged.
    tasks: tuple[str, ...]
    #: Whether linked features, and which options beyond the common ones, change its answers.
    links = False
    uses: tuple[str, ...] = ()
    #: Whether it can do nothing without links, and the package that it needs.
    needs_links = False
    package = ""

    def __init__(self, fold: Fold) -> None:
        self.fold = fold

    @classmethod
    def obstacle(cls, cohort: Cohort) -> str:
        """Why it cannot run on these data or in this installation; empty if it can."""
        if cls.package and find_spec(cls.package) is None:
            return f"it needs the package {cls.package.replace('_', '-')}"
        lacks_links = cls.needs_links and cohort.links is None
        return "no features are linked (--links)" if lacks_links else ""

    def probabilities(self) -> dict[str, pd.DataFrame]:
        """Class probabilities of the test observations by modality, ``(n_obs, n_classes)``.

        Those of observations with several modalities are under :data:`COMBINED` too.
        """
        return {}

    def translate(self, source: str, target: str, names: pd.Index) -> np.ndarray | None:
        """Profiles in the units of :meth:`Fold.profiles`, ``(n_obs, n_features)``."""
        return None

    def match(self, first: str, second: str, names: pd.Index) -> Points | None:
        """Points of the same test observations in two modalities, in one Euclidean space."""
        return None


def combine(soft: dict[str, pd.DataFrame], log: bool = True) -> pd.DataFrame:
    """Mean of the (log-)probabilities, of observations that several tables have."""
    classes = sorted(set().union(*(table.columns for table in soft.values())))
    # a class that a modality never saw has no probability there
    together = pd.concat(t.reindex(columns=classes).fillna(0.0) for t in soft.values())
    together = np.log(together.clip(_LEAST)) if log else together
    mean = together.groupby(level=0, sort=False).mean()
    mean = np.exp(mean) if log else mean
    count = together.index.value_counts().reindex(mean.index)
    return mean.div(mean.sum(axis=1), axis=0)[count.to_numpy() > 1]


class Classifiers(Rival):
    """One classifier per modality, and the mean of their log-probabilities.

    Translation is by the class means of the target, weighted by these probabilities; samples are
    matched by the Hellinger distance between them.
    """

    tasks: tuple[str, ...] = (CLASSES, FEW, UNSEEN, TRANSLATION, MATCHING)
    #: Whether the logarithms of probabilities are averaged over modalities.
    log = True

    def make(self, modality: str) -> Any:
        """An untrained classifier, with `fit` and `predict_proba`."""
        raise NotImplementedError

    def __init__(self, fold: Fold) -> None:
        super().__init__(fold)
        self.soft = {}
        for name, names in fold.test.items():
            labeled = fold.labeled(name)
            classes = sorted(set(labeled))
            if len(classes) == 1:
                self.soft[name] = pd.DataFrame(1.0, index=names, columns=classes)
            elif classes:
                model = self.make(name)
                model.fit(fold.features(name, labeled.index), labeled.to_numpy(dtype=str))
                probability = model.predict_proba(fold.features(name, names))
                self.soft[name] = pd.DataFrame(probability, index=names, columns=model.classes_)

    def probabilities(self) -> dict[str, pd.DataFrame]:
        together = {COMBINED: combine(self.soft, self.log)} if len(self.soft) > 1 else {}
        return self.soft | together

    def tuned(self) -> "TunedLogistic":
        """An untrained logistic regression."""
        return TunedLogistic(random_state=self.fold.seed)

    def translate(self, source: str, target: str, names: pd.Index) -> np.ndarray | None:
        if source not in self.soft:
            return None
        labeled = self.fold.labeled(target)
        profiles = pd.DataFrame(self.fold.profiles(target, labeled.index))
        means = profiles.groupby(labeled.to_numpy(str)).mean()
        # a class that the source alone knows has no mean
        weights = self.soft[source].loc[names].reindex(columns=means.index).fillna(0.0) + 1e-9
        return weights.div(weights.sum(axis=1), axis=0).to_numpy() @ means.to_numpy()

    def match(self, first: str, second: str, names: pd.Index) -> Points | None:
        if first not in self.soft or second not in self.soft:
            return None
        # Hellinger distance: of square roots
        tables = [np.sqrt(self.soft[name].loc[names]) for name in (first, second)]
        classes = tables[0].columns.union(tables[1].columns)
        one, other = (t.reindex(columns=classes).fillna(0.0).to_numpy() for t in tables)
        return one, other


class TunedLogistic(LogisticRegression):
    """Class-balanced logistic regression, its penalty chosen by cross-validated log loss.

    Penalties are tried from the strongest on, until the loss rises.
    """

    def fit(self, x: np.ndarray, y: np.ndarray) -> Self:
        """Learn from features of shape ``(n_samples, n_features)`` and class names."""
        self.set_params(class_weight="balanced", max_iter=300)
        # a class with fewer members than folds is unknown in some of them
        common = pd.Series(y).map(pd.Series(y).value_counts()).to_numpy() >= _N_FOLDS
        folds = StratifiedKFold(_N_FOLDS, shuffle=True, random_state=self.random_state)
        best, least = 0.1, np.inf
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for c in _CS if len(set(y[common])) > 1 else ():
                model = LogisticRegression(C=c, class_weight="balanced", max_iter=300)
                how = {"cv": folds, "scoring": "neg_log_loss"}
                loss = -cross_val_score(model, x[common], y[common], **how).mean()
                if loss > least:
                    break
                best, least = float(c), loss
            self.C = best
            return super().fit(x, y)


class Logistic(Classifiers):
    """Logistic regression."""

    title = "logistic regression"

    def make(self, modality: str) -> Pipeline:
        # the rotation changes nothing but the time it takes
        return make_pipeline(StandardScaler(), PCA(), self.tuned())


class MeanLogistic(Logistic):
    """The same classifiers, combined by the mean of the probabilities themselves."""

    title = "logistic regression, mean of probabilities"
    tasks = (CLASSES, FEW)
    log = False


class PcaLogistic(Classifiers):
    """Logistic regression on components of all training samples, also those without a label."""

    title = "logistic regression on components"

    def make(self, modality: str) -> Pipeline:
        x = self.fold.features(modality, self.fold.train[modality].index)
        known = make_pipeline(StandardScaler(), PCA(min(_N_COMPONENTS, *x.shape), random_state=0))
        return make_pipeline(FunctionTransformer(known.fit(x).transform), self.tuned())


class Forest(Classifiers):
    """Random forest."""

    title = "random forest"

    def make(self, modality: str) -> RandomForestClassifier:
        seed = self.fold.seed
        return RandomForestClassifier(_N_TREES, class_weight="balanced", random_state=seed)


class LightGBM(Classifiers):
    """Gradient-boosted trees, where the package is installed."""

    title, tasks = "LightGBM", (CLASSES, FEW)
    package, name = "lightgbm", "LGBMClassifier"

    def make(self, modality: str) -> Any:
        return getattr(import_module(self.package), self.name)(random_state=self.fold.seed)


class TabICL(LightGBM):
    """A pretrained network for tables, where the package is installed."""

    title, package, name = "TabICL", "tabicl", "TabICLClassifier"


class LinkedLogistic(Rival):
    """Logistic regression on linked features alone, each side standardised by itself."""

    title = "logistic regression on linked features"
    tasks = (TRANSFER, UNSEEN)
    links = needs_links = True

    def probabilities(self) -> dict[str, pd.DataFrame]:
        fold, found = self.fold, {}
        for target, names in fold.test.items():
            parts = {}
            for source in (name for name in fold.train if name != target):
                linked = linked_features(fold.cohort, source, target)
                labeled = fold.labeled(source)
                if linked.empty or len(set(labeled)) < 2:
                    continue
                x = linked_profiles(fold, source, linked["first"], labeled.index)
                y = linked_profiles(fold, target, linked["second"], names)
                model = TunedLogistic(random_state=fold.seed)
                model.fit(x * linked["sign"].to_numpy(float), labeled.to_numpy(str))
                parts[source] = pd.DataFrame(model.predict_proba(y), names, model.classes_)
            if parts:
                found[target] = combine(parts) if len(parts) > 1 else next(iter(parts.values()))
        return found


def linked_profiles(fold: Fold, modality: str, features: pd.Series, names: pd.Index) -> np.ndarray:
    """Linked features of observations, standardised over the training samples of the modality."""
    columns = fold.cohort.modalities[modality].var_names.get_indexer(features)
    scaler = StandardScaler().fit(fold.features(modality, fold.train[modality].index)[:, columns])
    return scaler.transform(fold.features(modality, names)[:, columns])
