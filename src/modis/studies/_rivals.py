"""What MODIS is compared with: one class, and one row of the table of methods, each."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from io import StringIO

import numpy as np
import pandas as pd
import scvi
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from ._cohort import Cohort
from ._fold import Design, Fold

#: Stands among the modalities: predicted from all that an observation has.
COMBINED = "combined"

_CS = np.logspace(-4, 2, 7)
_N_FOLDS, _N_NEIGHBORS = 3, 15
_TRAIN_SIZE = 0.9


class Rival:
    """A method that learns from the training part of a fold and predicts its test part."""

    #: What tables and figures call it.
    title: str
    #: Whether it can carry labels into a modality without any.
    transfers = False
    #: Whether linked features, and which options beyond the common ones, change its predictions.
    links = False
    uses: tuple[str, ...] = ()

    def obstacle(self, cohort: Cohort, design: Design) -> str:
        """Why it cannot be run on these data and this installation; empty if it can."""
        return ""

    def predict(self, fold: Fold) -> dict[str, pd.Series]:
        """Classes of the test observations by modality; of those that have several `COMBINED`."""
        raise NotImplementedError


@dataclass(frozen=True)
class Classifiers(Rival):
    """One classifier per modality, and the mean of their probabilities.

    `make` gives a classifier to be trained, from the seed.
    """

    title: str
    make: Callable[[int], ClassifierMixin]

    def predict(self, fold: Fold) -> dict[str, pd.Series]:
        soft = {}
        for name, names in fold.test.items():
            labeled = fold.labeled(name)
            classes = sorted(set(labeled))
            if len(classes) == 1:
                soft[name] = pd.DataFrame(1.0, index=names, columns=classes)
            elif classes:
                model = self.make(fold.seed)
                model.fit(fold.features(name, labeled.index), labeled.to_numpy(dtype=str))
                probability = model.predict_proba(fold.features(name, names))
                soft[name] = pd.DataFrame(probability, index=names, columns=model.classes_)
        predicted = {name: table.idxmax(axis=1) for name, table in soft.items()}
        if len(soft) > 1:
            # a class that a modality never saw has probability 0 there
            together = pd.concat(soft.values()).fillna(0.0)
            count = together.index.value_counts()
            mean = together.groupby(level=0).mean()
            predicted[COMBINED] = mean[mean.index.map(count) > 1].idxmax(axis=1)
        return predicted


class StandardizedLogistic(ClassifierMixin, BaseEstimator):
    """Class-balanced logistic regression on standardised features, its penalty cross-validated.

    The samples are rotated onto their principal axes first, all of them. That changes nothing in
    an L2-penalised fit, and with fewer samples than features it is many times faster.
    """

    def fit(self, x: np.ndarray, y: np.ndarray) -> StandardizedLogistic:
        """Learn from features of shape ``(n_samples, n_features)`` and class names."""
        self.axes_: np.ndarray | None = None
        self.scaler_ = StandardScaler().fit(x)
        z = np.asarray(self.scaler_.transform(x), dtype=np.float64)
        if z.shape[1] > z.shape[0]:
            u, s, self.axes_ = np.linalg.svd(z, full_matrices=False)
            z = u * s
        self.model_ = LogisticRegression(class_weight="balanced", max_iter=1000)
        largest = int(pd.Series(y).value_counts().max())
        if largest > 1:
            # a class with fewer members than folds is missing in some of them
            folds = StratifiedKFold(min(_N_FOLDS, largest))
            self.model_ = GridSearchCV(self.model_, {"C": _CS}, cv=folds, error_score=0.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model_.fit(z, y)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Probabilities of shape ``(n_samples, n_classes)``."""
        z = self.scaler_.transform(x)
        return self.model_.predict_proba(z if self.axes_ is None else z @ self.axes_.T)


class Diagvi(Rival):
    """DIAGVI of scvi-tools, the nearest relative: two modalities, guided by linked features.

    It is trained with its defaults and sees no labels; every test observation takes the class of
    its nearest labelled training samples in the latent space, of both modalities.
    """

    title = "DIAGVI and neighbours"
    transfers = links = True
    uses = ("max_epochs",)

    def obstacle(self, cohort: Cohort, design: Design) -> str:
        if not hasattr(scvi.external, "DIAGVI"):
            return f"scvi-tools {scvi.__version__} does not have it (1.5 on Python 3.12 does)"
        for package in ("torch_geometric", "geomloss"):
            try:
                import_module(package)
            except ImportError as error:
                return f"it needs the package {package.replace('_', '-')} ({error})"
        names = list(design.transfer or cohort.modalities)
        if len(names) != 2:
            return f"it takes two modalities, and there are {len(names)}"
        if self.mapping(cohort, names).empty:
            linked = f"no features of {names[0]} and {names[1]} are linked"
            return f"{linked}; name a table with --links"
        return ""

    def mapping(self, cohort: Cohort, names: list[str]) -> pd.DataFrame:
        """Linked features, or else those of the same name, in a column per modality."""
        features = {name: cohort.modalities[name].var_names for name in names}
        if cohort.links is None:
            shared = features[names[0]].intersection(features[names[1]])
            return pd.DataFrame(dict.fromkeys(names, shared))
        linked = cohort.links.groupby(["source_modality", "target_modality"])
        parts = [pd.DataFrame(columns=names)]
        for (source, target), table in linked[["source_feature", "target_feature"]]:
            if {source, target} == set(names):
                parts.append(table.set_axis([source, target], axis=1))
        mapping = pd.concat(parts)[names].drop_duplicates()
        return mapping[mapping.isin(features).all(axis=1)]

    def predict(self, fold: Fold) -> dict[str, pd.Series]:
        from scvi.external import DIAGVI

        cohort, adatas, index = fold.cohort, {}, {}
        scvi.settings.seed = fold.seed
        rng = np.random.default_rng(fold.seed)
        for name, column in fold.train.items():
            # what is tested may train without its label, where labels are carried over
            others = fold.test.get(name, pd.Index([])).difference(column.index, sort=False)
            adatas[name] = cohort.mudata({name: column.index.append(others)}).mod[name]
            counts = cohort.is_counts(name)
            likelihood = "nb" if counts else "normal"
            DIAGVI.setup_anndata(
                adatas[name], cohort.batch_key, likelihood=likelihood, normalize_lib=counts
            )
            order = rng.permutation(len(column))
            n_train = max(1, round(_TRAIN_SIZE * len(column)))
            rest = len(column) + np.arange(len(others))
            index[name] = {"external_indexing": [order[:n_train], order[n_train:], rest]}
        mapping = self.mapping(cohort, list(adatas))
        graph = DIAGVI.construct_custom_guidance_graph(adatas, mapping)
        model = DIAGVI(adatas, guidance_graph=graph)
        # its progress bar cannot be switched off
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            model.train(
                max_epochs=fold.design.max_epochs,
                train_size=_TRAIN_SIZE,
                datasplitter_kwargs=index,
            )
        latent = {
            name: pd.DataFrame(z, index=adatas[name].obs_names)
            for name, z in model.get_latent_representation().items()
        }
        known = {name: fold.labeled(name) for name in fold.train}
        z = np.concatenate([latent[name].loc[own.index] for name, own in known.items()])
        y = np.concatenate(list(known.values()))
        return {
            name: pd.Series(vote(z, y, latent[name].loc[names].to_numpy()), index=names)
            for name, names in fold.test.items()
        }


def vote(z_source: np.ndarray, y_source: np.ndarray, z_target: np.ndarray) -> np.ndarray:
    """Class of each target point by its 15 nearest source points; all of them if fewer."""
    voters = KNeighborsClassifier(min(_N_NEIGHBORS, len(z_source)))
    with warnings.catch_warnings():
        # scikit-learn takes many classes for numbers
        warnings.simplefilter("ignore")
        voters.fit(np.asarray(z_source, dtype=np.float64), y_source.astype(str))
    return voters.predict(np.asarray(z_target, dtype=np.float64)).astype(object)
