from __future__ import annotations

from dataclasses import replace

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scvi
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modis.studies import RIVALS
from modis.studies._cohort import Cohort
from modis.studies._fold import Design, make_fold
from modis.studies._rivals import _CS, Diagvi, StandardizedLogistic


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
    # classes smaller than the folds
    for chosen in ([0, 1], [*np.flatnonzero(y == "a")[:9], np.flatnonzero(y == "b")[0]]):
        few = StandardizedLogistic().fit(x[chosen], np.where(np.arange(len(chosen)), "a", "b"))
        np.testing.assert_allclose(few.predict_proba(new).sum(axis=1), 1)


@pytest.mark.parametrize("name", ["lr", "rf"])
def test_each_modality_and_all_of_them(cohort, name):
    fold = make_fold(cohort, Design((name,), unpaired=True), 0)
    predicted = RIVALS[name].predict(fold)
    assert list(predicted) == [*cohort.modalities, "combined"]
    for source, series in predicted.items():
        # of five classes
        least = 0.8 if source == "combined" else 0.5
        assert (series == cohort.label.reindex(series.index)).mean() > least, source
    assert set(predicted["combined"].index) == set(fold.test["protein"])


def test_a_modality_without_labels_or_with_one_class(cohort):
    fold = make_fold(cohort, Design(("lr",)), 0)
    hidden = fold.train["protein"].where(lambda c: c.isna(), None)
    one = fold.train["expression"].where(lambda c: c == "class_2", None)
    fold = replace(fold, train=fold.train | {"protein": hidden, "expression": one})
    predicted = RIVALS["lr"].predict(fold)
    assert "protein" not in predicted
    assert set(predicted["expression"]) == {"class_2"}
    assert predicted["methylation"].nunique() == 5


def cohort_of(features, links=None):
    adatas = {name: ad.AnnData(var=pd.DataFrame(index=own)) for name, own in features.items()}
    return Cohort(adatas, dict.fromkeys(features, "gaussian"), {}, {}, links=links)


TWO = {"rna": ["CD4", "CD8A"], "adt": ["CD4", "CD8"]}
COLUMNS = ["source_modality", "source_feature", "target_modality", "target_feature"]


def test_diagvi_takes_links_in_either_direction():
    rows = [
        ("adt", "CD8", "rna", "CD8A"),
        ("rna", "CD4", "adt", "CD4"),
        ("rna", "CD8A", "adt", "CD8"),
        ("adt", "gone", "rna", "CD4"),
        ("adt", "CD4", "atac", "CD4"),
    ]
    links = pd.DataFrame(rows, columns=COLUMNS)
    found = Diagvi().mapping(cohort_of(TWO, links), ["rna", "adt"])
    assert sorted(found.itertuples(index=False, name=None)) == [("CD4", "CD4"), ("CD8A", "CD8")]
    # without links: the same names
    assert Diagvi().mapping(cohort_of(TWO), ["rna", "adt"]).to_numpy().tolist() == [["CD4", "CD4"]]


def test_why_diagvi_is_left_out(monkeypatch):
    def obstacle(features, **fields):
        return Diagvi().obstacle(cohort_of(features), Design(("diagvi",), **fields))

    monkeypatch.delattr(scvi.external, "DIAGVI", raising=False)
    assert "does not have it" in obstacle(TWO)
    monkeypatch.setattr(scvi.external, "DIAGVI", object, raising=False)
    monkeypatch.setattr("modis.studies._rivals.import_module", lambda name: None)
    assert obstacle(TWO) == ""
    three = {**TWO, "atac": ["CD4"]}
    assert "two modalities, and there are 3" in obstacle(three)
    assert obstacle(three, transfer=("rna", "atac")) == ""
    apart = {"rna": ["CD4"], "adt": ["Cd4"]}
    assert "no features of rna and adt are linked" in obstacle(apart)

    def fail(name):
        raise ImportError(f"No module named '{name}'")

    monkeypatch.setattr("modis.studies._rivals.import_module", fail)
    assert "needs the package torch-geometric" in obstacle(TWO)


@pytest.mark.filterwarnings("ignore")
def test_diagvi_predicts_every_test_observation(cohort):
    names = ("expression", "protein")
    pairs = zip(*(cohort.modalities[name].var_names[:5] for name in names), strict=True)
    links = pd.DataFrame([("expression", a, "protein", b) for a, b in pairs], columns=COLUMNS)
    two = {
        key: {name: getattr(cohort, key)[name] for name in names}
        for key in ("modalities", "likelihood", "labels")
    }
    cohort = replace(cohort, **two, links=links)
    design = Design(("diagvi",), max_epochs=1, transfer=names)
    if reason := Diagvi().obstacle(cohort, design):
        pytest.skip(reason)
    fold = make_fold(cohort, design, 0)
    predicted = Diagvi().predict(fold)
    assert list(predicted) == ["protein"]
    assert list(predicted["protein"].index) == list(fold.test["protein"])
    assert set(predicted["protein"]) <= set(cohort.label)
