"""Classifiers, translations and matchings that MODIS is compared with, a class each."""

import warnings
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.cross_decomposition import PLSSVD
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler, normalize

from ._cohort import Cohort
from ._design import CLASSES, FEW, MATCHING, TRANSFER, TRANSLATION, UNSEEN, Fold, linked_features

#: In place of a modality: predicted from all that an observation has.
COMBINED = "combined"

_CS = np.logspace(-4, 1, 6)
_N_FOLDS = 3
_N_COMPONENTS = 50
_N_TREES = 300
# fewer training pairs teach nothing
_FEWEST_PAIRS = 10
_N_NEIGHBORS = 10
_N_LATENT = 20

# a modality alone rules no class out
_LEAST = 1e-3

Points = tuple[np.ndarray, np.ndarray]


class Rival:
    """A method that learns from the training part of a fold when it is made."""

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
        """Class probabilities of the test observations, by modality and :data:`COMBINED`."""
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
    """Class-balanced logistic regression, its penalty chosen by cross-validated log loss."""

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
        return make_pipeline(StandardScaler(), PCA(), TunedLogistic(random_state=self.fold.seed))


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
        tuned = TunedLogistic(random_state=self.fold.seed)
        return make_pipeline(FunctionTransformer(known.fit(x).transform), tuned)


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


class PairRegression(Rival):
    """A regression of the target's profile on the source's, learned from pairs."""

    tasks = (TRANSLATION,)

    def make(self, n_pairs: int) -> Any:
        """An untrained regression, with `fit` and `predict`."""
        raise NotImplementedError

    def translate(self, source: str, target: str, names: pd.Index) -> np.ndarray | None:
        pairs = self.fold.pairs(source, target)
        if len(pairs) < _FEWEST_PAIRS:
            return None
        model: Pipeline = make_pipeline(StandardScaler(), self.make(len(pairs)))
        model.fit(self.fold.features(source, pairs), self.fold.profiles(target, pairs))
        return model.predict(self.fold.features(source, names)).reshape(len(names), -1)


class Ridge(PairRegression):
    """Ridge regression on the training pairs, its penalty chosen by leave-one-out errors."""

    title = "ridge on pairs"

    def make(self, n_pairs: int) -> RidgeCV:
        return RidgeCV(np.logspace(0, 5, 11))


class Neighbors(PairRegression):
    """Mean profile of the nearest training pairs."""

    title = "nearest paired neighbours"

    def make(self, n_pairs: int) -> KNeighborsRegressor:
        return KNeighborsRegressor(min(_N_NEIGHBORS, n_pairs))


class Pls(Rival):
    """Partial least squares on the training pairs; scores are compared by their angle."""

    title = "PLS on pairs"
    tasks = (MATCHING,)

    def match(self, first: str, second: str, names: pd.Index) -> Points | None:
        pairs = self.fold.pairs(first, second)
        if len(pairs) < _FEWEST_PAIRS:
            return None
        x, y = (self.fold.profiles(name, pairs) for name in (first, second))
        n_components = min(_N_LATENT, *x.shape, *y.shape)
        model = PLSSVD(n_components).fit(x, y)
        scale = [scores.std(axis=0) + 1e-12 for scores in model.transform(x, y)]
        tested = (self.fold.profiles(name, names) for name in (first, second))
        one, other = model.transform(*tested)
        return normalize(one / scale[0]), normalize(other / scale[1])


class LinkedCorrelation(Rival):
    """Canonical correlation of the samples of two modalities by their linked features.

    No pairs are needed: as in Seurat's integration, the canonical vectors are the singular vectors
    of the product of both tables of linked features, samples by samples.
    """

    title = "CCA of linked features"
    tasks = (MATCHING,)
    links = needs_links = True

    def match(self, first: str, second: str, names: pd.Index) -> Points | None:
        fold, linked = self.fold, linked_features(self.fold.cohort, first, second)
        if len(linked) < 2:
            return None
        sides = ((first, linked["first"]), (second, linked["second"]))
        sign = linked["sign"].to_numpy(dtype=float)
        x, y = (linked_profiles(fold, name, own, fold.train[name].index) for name, own in sides)
        # singular vectors of x @ y.T from small factors: x = q_x r_x
        (q_x, r_x), (q_y, r_y) = np.linalg.qr(x * sign), np.linalg.qr(y)
        u, s, v = np.linalg.svd(r_x @ r_y.T, full_matrices=False)
        n = min(_N_LATENT, int((s > 1e-6 * s[0]).sum()))
        loadings = (y.T @ (q_y @ v[:n].T) / s[:n], (x * sign).T @ (q_x @ u[:, :n]) / s[:n])
        one, other = (linked_profiles(fold, name, own, names) for name, own in sides)
        return normalize(one * sign @ loadings[0]), normalize(other @ loadings[1])
