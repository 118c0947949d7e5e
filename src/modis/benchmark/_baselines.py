"""What a user would pick instead: one classifier per modality."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.preprocessing import StandardScaler

from ._features import library_size, read_features, read_values
from ._names import COMBINED

if TYPE_CHECKING:
    from collections.abc import Callable

    from sklearn.base import ClassifierMixin as Classifier

    from ._cohort import Cohort
    from ._design import Design
    from ._fold import Fold

__all__ = ["StandardizedLogistic", "logistic_regression", "random_forest"]

_CS = np.logspace(-4, 2, 7)
_N_FOLDS = 3


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
            grid = {"C": _CS}
            self.model_ = GridSearchCV(self.model_, grid, cv=folds, error_score=0.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model_.fit(z, y)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Probabilities of shape ``(n_samples, n_classes)``."""
        z = self.scaler_.transform(x)
        return self.model_.predict_proba(z if self.axes_ is None else z @ self.axes_.T)


def logistic_regression(
    cohort: Cohort, fold: Fold, design: Design, seed: int
) -> dict[str, pd.Series]:
    """Standardised, class-balanced logistic regression of each modality."""
    return _predict_each(cohort, fold, StandardizedLogistic)


def random_forest(cohort: Cohort, fold: Fold, design: Design, seed: int) -> dict[str, pd.Series]:
    """Class-balanced random forest of each modality."""
    return _predict_each(
        cohort,
        fold,
        lambda: RandomForestClassifier(300, class_weight="balanced", random_state=seed),
    )


def _predict_each(
    cohort: Cohort, fold: Fold, make: Callable[[], Classifier]
) -> dict[str, pd.Series]:
    """Predict from each modality, and, of several, from the mean of their probabilities."""
    soft = {}
    for name, names in fold.test.items():
        labeled = fold.labeled(name)
        if labeled.empty:
            continue
        size = None
        if cohort.is_counts(name):
            size = library_size(read_values(cohort, name, fold.train[name].index))
        classes = sorted(set(labeled))
        if len(classes) < 2:
            soft[name] = pd.DataFrame(1.0, index=names, columns=classes)
            continue
        x = read_features(cohort, name, labeled.index, size)
        model = make().fit(x, labeled.to_numpy(dtype=str))
        probability = model.predict_proba(read_features(cohort, name, names, size))
        soft[name] = pd.DataFrame(probability, index=names, columns=model.classes_)
    predicted = {name: table.idxmax(axis=1) for name, table in soft.items()}
    if len(soft) > 1:
        # a class that a modality never saw has probability 0 there
        together = pd.concat(soft.values()).fillna(0.0)
        count = together.index.value_counts()
        mean = together.groupby(level=0).mean()
        predicted[COMBINED] = mean[mean.index.map(count) > 1].idxmax(axis=1)
    return predicted
