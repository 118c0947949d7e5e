from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modis.benchmark import Design
from modis.benchmark._baselines import (
    _CS,
    StandardizedLogistic,
    logistic_regression,
    random_forest,
)
from modis.benchmark._cohort import make_cohort
from modis.benchmark._features import read_features, read_values
from modis.benchmark._fold import Fold, make_fold


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("n_features", [8, 90])
def test_rotated_or_not_it_is_the_same_regression(n_features):
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b", "c"], [30, 20, 10])
    x = rng.normal(size=(60, n_features)) + (y == "b")[:, None] * 0.4 + (y == "c")[:, None] * 0.2
    order = rng.permutation(60)
    x, y = x[order].astype(np.float32), y[order]
    new = rng.normal(size=(40, n_features))
    mine = StandardizedLogistic().fit(x, y)
    plain = LogisticRegression(class_weight="balanced", max_iter=1000, tol=1e-6)
    theirs = make_pipeline(StandardScaler(), GridSearchCV(plain, {"C": _CS}, cv=3)).fit(x, y)
    np.testing.assert_allclose(mine.predict_proba(new), theirs.predict_proba(new), atol=0.01)
    assert list(mine.classes_) == ["a", "b", "c"]


@pytest.mark.parametrize("counts", [[9, 2, 1], [3, 1], [1, 1], [2, 2, 2, 1]])
def test_classes_smaller_than_the_folds(counts):
    y = np.repeat(list("abcd")[: len(counts)], counts)
    x = np.random.default_rng(0).normal(size=(len(y), 5))
    found = StandardizedLogistic().fit(x, y).predict_proba(x)
    assert found.shape == (len(y), len(counts))
    np.testing.assert_allclose(found.sum(axis=1), 1)


@pytest.mark.parametrize("method", [logistic_regression, random_forest])
def test_each_modality_and_all_of_them(cohort, method):
    fold = make_fold(cohort, Design(("lr",), unpaired=True), 0)
    predicted = method(cohort, fold, Design(("lr",)), 0)
    assert list(predicted) == [*cohort.modalities, "combined"]
    for name, series in predicted.items():
        # of five classes
        least = 0.8 if name == "combined" else 0.5
        assert (series == cohort.label.reindex(series.index)).mean() > least, name
    assert set(predicted["combined"].index) == set(fold.test["protein"])


def test_a_modality_without_labels_or_with_one_class(cohort):
    fold = make_fold(cohort, Design(("lr",)), 0)
    hidden = fold.train["protein"].where(lambda c: c.isna(), None)
    one = fold.train["expression"].where(lambda c: c == "class_2", None)
    fold = Fold(fold.train | {"protein": hidden, "expression": one}, fold.test)
    predicted = logistic_regression(cohort, fold, Design(("lr",)), 0)
    assert "protein" not in predicted
    assert set(predicted["expression"]) == {"class_2"}
    assert predicted["methylation"].nunique() == 5


def test_counts_become_logarithms_of_equal_sums(mosaic):
    cohort = make_cohort(mosaic, "label", layer="protein=counts", likelihood="protein=nb")
    names = cohort.modalities["protein"].obs_names[[5, 2]]
    found = read_features(cohort, "protein", names, 100.0)
    np.testing.assert_allclose(np.expm1(found).sum(axis=1), 100, rtol=1e-4)
    counts = mosaic.mod["protein"][names].layers["counts"]
    np.testing.assert_array_equal(read_values(cohort, "protein", names), counts)
    names = cohort.modalities["methylation"].obs_names[:3]
    np.testing.assert_array_equal(
        read_features(cohort, "methylation", names), mosaic.mod["methylation"][names].X
    )
