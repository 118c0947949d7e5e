"""Classifiers that MODIS is compared with: a class, and a row of the table of methods, each."""

from __future__ import annotations

import warnings
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler

from ._cohort import Cohort
from ._design import (
    CLASSES,
    FEW,
    MATCHING,
    TRANSFER,
    TRANSLATION,
    UNSEEN,
    Design,
    Fold,
    linked_features,
)

#: Stands among the modalities: predicted from all that an observation has.
COMBINED = "combined"

_CS = np.logspace(-4, 1, 6)
_N_FOLDS = 3
_N_COMPONENTS = 50
# a modality alone rules no class out
_LEAST = 1e-3

Points = tuple[np.ndarray, np.ndarray]


class Rival:
    """A method that learns from the training part of a fold when it is made.

    What it cannot answer it answers with nothing.
    """

    #: What tables and figures call it.
    title: str
    #: By which tasks it can be judged.
    tasks: tuple[str, ...]
    #: Whether linked features, and which options beyond the common ones, change its answers.
    links = False
    uses: tuple[str, ...] = ()

    def __init__(self, fold: Fold) -> None:
        self.fold = fold

    @classmethod
    def obstacle(cls, cohort: Cohort, design: Design) -> str:
        """Why it cannot be run on these data and this installation; empty if it can."""
        return ""

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


def combine(soft: dict[str, pd.DataFrame], *, log: bool = True) -> pd.DataFrame:
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

    Translated is by the class means of the target, weighted by these probabilities; samples are
    matched by the Hellinger distance between them.
    """

    tasks: tuple[str, ...] = (CLASSES, FEW, UNSEEN, TRANSLATION, MATCHING)

    def make(self, modality: str) -> Any:
        """An untrained classifier, with `fit` and `predict_proba`."""
        raise NotImplementedError

    def __init__(self, fold: Fold) -> None:
        super().__init__(fold)
        self._soft = {}
        for name, names in fold.test.items():
            labeled = fold.labeled(name)
            classes = sorted(set(labeled))
            if len(classes) == 1:
                self._soft[name] = pd.DataFrame(1.0, index=names, columns=classes)
            elif classes:
                model = self.make(name)
                model.fit(fold.features(name, labeled.index), labeled.to_numpy(dtype=str))
                probability = model.predict_proba(fold.features(name, names))
                self._soft[name] = pd.DataFrame(probability, index=names, columns=model.classes_)

    def probabilities(self) -> dict[str, pd.DataFrame]:
        """See :class:`Rival`."""
        if len(self._soft) < 2:
            return self._soft
        return {**self._soft, COMBINED: combine(self._soft)}

    def translate(self, source: str, target: str, names: pd.Index) -> np.ndarray | None:
        """See :class:`Rival`."""
        if source not in self._soft:
            return None
        labeled = self.fold.labeled(target)
        profiles = self.fold.profiles(target, labeled.index)
        means = pd.DataFrame(profiles).groupby(labeled.to_numpy(dtype=str)).mean()
        weights = self._soft[source].loc[names].reindex(columns=means.index).fillna(0.0)
        weights = weights.clip(1e-9)
        return weights.div(weights.sum(axis=1), axis=0).to_numpy() @ means.to_numpy()

    def match(self, first: str, second: str, names: pd.Index) -> Points | None:
        """See :class:`Rival`."""
        if first not in self._soft or second not in self._soft:
            return None
        classes = self._soft[first].columns.union(self._soft[second].columns)
        one, other = (
            np.sqrt(self._soft[name].loc[names].reindex(columns=classes).fillna(0.0).to_numpy())
            for name in (first, second)
        )
        return one, other


class TunedLogistic(ClassifierMixin, BaseEstimator):
    """Class-balanced logistic regression, its penalty chosen by cross-validated log loss.

    Penalties are tried from the strongest on, until the loss rises. The samples are rotated onto
    their principal axes first, all of them: that changes nothing in an L2-penalised fit, and with
    fewer samples than features it is many times faster.
    """

    def __init__(self, seed: int = 0, standardize: bool = True) -> None:
        self.seed = seed
        self.standardize = standardize

    def fit(self, x: np.ndarray, y: np.ndarray) -> TunedLogistic:
        """Learn from features of shape ``(n_samples, n_features)`` and class names."""
        self.scaler_ = StandardScaler(with_std=self.standardize).fit(x)
        z = np.asarray(self.scaler_.transform(x), dtype=np.float64)
        self.axes_: np.ndarray | None = None
        if z.shape[1] > z.shape[0]:
            u, s, self.axes_ = np.linalg.svd(z, full_matrices=False)
            z = u * s
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.c_ = self._choose(z, y)
            self.model_ = self._made(self.c_).fit(z, y)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Probabilities of shape ``(n_samples, n_classes)``."""
        z = self.scaler_.transform(x)
        return self.model_.predict_proba(z if self.axes_ is None else z @ self.axes_.T)

    def _choose(self, z: np.ndarray, y: np.ndarray) -> float:
        # a class with fewer members than folds is unknown in some of them
        sizes = pd.Series(y).map(pd.Series(y).value_counts()).to_numpy()
        z, y = z[sizes >= _N_FOLDS], y[sizes >= _N_FOLDS]
        if len(set(y)) < 2:
            return 0.1
        folds = list(StratifiedKFold(_N_FOLDS, shuffle=True, random_state=self.seed).split(z, y))
        best, least = float(_CS[0]), np.inf
        for c in _CS:
            losses = []
            for train, test in folds:
                model = self._made(c).fit(z[train], y[train])
                losses.append(log_loss(y[test], model.predict_proba(z[test])))
            if np.mean(losses) > least:
                break
            best, least = float(c), np.mean(losses)
        return best

    @staticmethod
    def _made(c: float) -> LogisticRegression:
        return LogisticRegression(C=c, class_weight="balanced", max_iter=300)


class ComponentsLogistic(TunedLogistic):
    """The same on principal components of all training samples, those without a label included."""

    def __init__(self, everything: np.ndarray, seed: int = 0) -> None:
        super().__init__(seed, standardize=False)
        self.everything = everything

    def fit(self, x: np.ndarray, y: np.ndarray) -> ComponentsLogistic:
        """Learn from features of shape ``(n_samples, n_features)`` and class names."""
        self.features_ = StandardScaler().fit(self.everything)
        n = min(_N_COMPONENTS, *self.everything.shape)
        self.pca_ = PCA(n, random_state=0).fit(self.features_.transform(self.everything))
        super().fit(self._project(x), y)
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Probabilities of shape ``(n_samples, n_classes)``."""
        return super().predict_proba(self._project(x))

    def _project(self, x: np.ndarray) -> np.ndarray:
        return self.pca_.transform(self.features_.transform(x))


class Logistic(Classifiers):
    """Logistic regression."""

    title = "logistic regression"

    def make(self, modality: str) -> TunedLogistic:
        """See :class:`Classifiers`."""
        return TunedLogistic(self.fold.seed)


class MeanLogistic(Logistic):
    """The same classifiers, combined by the mean of the probabilities themselves."""

    title = "logistic regression, mean of probabilities"
    tasks = (CLASSES, FEW)

    def probabilities(self) -> dict[str, pd.DataFrame]:
        """See :class:`Rival`."""
        return {COMBINED: combine(self._soft, log=False)} if len(self._soft) > 1 else {}


class PcaLogistic(Classifiers):
    """Logistic regression on principal components."""

    title = "logistic regression on components"

    def make(self, modality: str) -> ComponentsLogistic:
        """See :class:`Classifiers`."""
        everything = self.fold.features(modality, self.fold.train[modality].index)
        return ComponentsLogistic(everything, self.fold.seed)


class Forest(Classifiers):
    """Random forest."""

    title = "random forest"

    def make(self, modality: str) -> RandomForestClassifier:
        """See :class:`Classifiers`."""
        seed = self.fold.seed
        return RandomForestClassifier(300, class_weight="balanced", random_state=seed)


class Installed(Classifiers):
    """A classifier of another package, where it is installed."""

    tasks = (CLASSES, FEW)
    package: str
    name: str
    arguments: dict[str, Any] = {}

    @classmethod
    def obstacle(cls, cohort: Cohort, design: Design) -> str:
        """See :class:`Rival`."""
        return "" if find_spec(cls.package) else f"it needs the package {cls.package}"

    def make(self, modality: str) -> Any:
        """See :class:`Classifiers`."""
        made = getattr(import_module(self.package), self.name)
        return made(random_state=self.fold.seed, **self.arguments)


class LightGBM(Installed):
    """Gradient-boosted trees."""

    title, package, name = "LightGBM", "lightgbm", "LGBMClassifier"
    arguments = {"class_weight": "balanced", "n_jobs": 1, "verbose": -1}


class TabICL(Installed):
    """A pretrained network for tables."""

    title, package, name = "TabICL", "tabicl", "TabICLClassifier"


class LinkedLogistic(Rival):
    """Logistic regression on linked features alone, each side standardised by itself."""

    title = "logistic regression on linked features"
    tasks = (TRANSFER, UNSEEN)
    links = True

    @classmethod
    def obstacle(cls, cohort: Cohort, design: Design) -> str:
        """See :class:`Rival`."""
        return "no features are linked (--links)" if cohort.links is None else ""

    def probabilities(self) -> dict[str, pd.DataFrame]:
        """See :class:`Rival`; from several labelled modalities, the mean of log-probabilities."""
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
                model = TunedLogistic(fold.seed)
                model.fit(x * linked["sign"].to_numpy(float), labeled.to_numpy(str))
                soft = model.predict_proba(y)
                parts[source] = pd.DataFrame(soft, index=names, columns=model.classes_)
            if parts:
                found[target] = combine(parts) if len(parts) > 1 else next(iter(parts.values()))
        return found


def linked_profiles(fold: Fold, modality: str, features: pd.Series, names: pd.Index) -> np.ndarray:
    """Linked features of observations, standardised over the training samples of the modality."""
    columns = fold.cohort.modalities[modality].var_names.get_indexer(features)
    scaler = StandardScaler().fit(fold.features(modality, fold.train[modality].index)[:, columns])
    return scaler.transform(fold.features(modality, names)[:, columns])
