import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score

from modis.studies import _rivals as rivals
from modis.studies._design import Design, Scenario, make_fold

from ._simulated import SHARES, measure, simulate

ALL = ("classes", "translation", "matching")


@pytest.mark.parametrize("rival", [rivals.Logistic, rivals.PcaLogistic, rivals.Forest])
def test_classifiers_reach_what_theory_says(rival):
    fold = simulate(*ALL)
    found = measure(rival, fold)
    for name in ("one", "two", rivals.COMBINED):
        assert found[name, "", "balanced_accuracy"] > 0.98
    # within the class the modalities are independent: no translation is better than the class mean
    for source, target in (("one", "two"), ("two", "one")):
        names = fold.test[target]
        truth = pd.DataFrame(fold.profiles(target, names))
        label = fold.cohort.label.reindex(names).to_numpy()
        limit = ((truth - truth.groupby(label).transform("mean")) ** 2).to_numpy().mean()
        # a forest is never sure of a class, and so pulls to the mean of all
        near = 0.08 if rival is rivals.Forest else 0.05
        assert found[source, target, "mse"] == pytest.approx(limit, rel=near)
        assert found[source, target, "mse"] < 0.7
    # samples are as near as their classes say, and within a class matches are made at random
    half = sum(share**2 for share in SHARES.values()) / 2
    assert found["one", "two", "foscttm"] == pytest.approx(half, abs=0.03)
    assert found["one", "two", "foscttm_within_class"] == pytest.approx(0.5, abs=0.08)


def test_the_penalty_is_chosen_by_log_loss():
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b", "c"], [60, 40, 20])
    x = rng.normal(size=(120, 30)) + 0.6 * (pd.factorize(y)[0][:, None] == np.arange(30) % 3)
    model = rivals.TunedLogistic(random_state=5).fit(x, y)
    folds = StratifiedKFold(3, shuffle=True, random_state=5)
    loss = {
        c: -cross_val_score(
            LogisticRegression(C=c, class_weight="balanced", max_iter=300),
            *(x, y),
            cv=folds,
            scoring="neg_log_loss",
        ).mean()
        for c in 10.0 ** np.arange(-4, 2)
    }
    assert pytest.approx(min(loss, key=loss.get)) == model.C
    assert model.class_weight == "balanced"
    # a class with a single sample does not stop it, nor do classes of one sample each
    for few in (np.array([*y[:-1], "rare"]), np.array([f"c{k % 60}" for k in range(120)])):
        assert set(rivals.TunedLogistic(random_state=0).fit(x, few).classes_) == set(few)


def test_combined_are_log_probabilities_or_their_means():
    one = pd.DataFrame({"a": [0.9, 0.5], "b": [0.1, 0.5]}, index=["s", "t"])
    two = pd.DataFrame({"a": [0.4, 1.0], "c": [0.6, 0.0]}, index=["s", "u"])
    found = rivals.combine({"one": one, "two": two})
    assert list(found.index) == ["s"]
    weights = np.sqrt([0.9 * 0.4, 0.1 * 1e-3, 1e-3 * 0.6])
    np.testing.assert_allclose(found.loc["s", ["a", "b", "c"]], weights / weights.sum())
    mean = rivals.combine({"one": one, "two": two}, log=False)
    np.testing.assert_allclose(mean.loc["s", ["a", "b", "c"]], [0.65, 0.05, 0.3])
    assert rivals.COMBINED in rivals.MeanLogistic(simulate("classes", n=100)).probabilities()


def test_linked_features_carry_labels_over():
    fold = simulate("transfer", scenario="transfer")
    assert measure(rivals.LinkedLogistic, fold)["one", "two", "balanced_accuracy"] > 0.95
    # the sign of the links counts
    fold.cohort.links["sign"] = 1.0
    assert measure(rivals.LinkedLogistic, fold)["one", "two", "balanced_accuracy"] < 0.9


def test_a_class_that_one_modality_never_saw():
    fold = simulate("unseen", scenario="unseen")
    name = fold.unseen[1]
    without = measure(rivals.Logistic, fold)
    assert without[name, "", "recall_unseen"] == 0
    assert without[name, "", "recall_others"] > 0.97
    assert without[name, "", "balanced_accuracy"] < 0.51
    assert measure(rivals.LinkedLogistic, fold)[name, "", "balanced_accuracy"] > 0.9


def test_what_hinders_a_rival_is_told(monkeypatch):
    cohort = simulate("classes", n=60, links=False).cohort
    assert rivals.LinkedLogistic.obstacle(cohort) == "no features are linked (--links)"
    assert rivals.Logistic.obstacle(cohort) == ""
    monkeypatch.setattr("modis.studies._rivals.find_spec", lambda name: None)
    assert rivals.LightGBM.obstacle(cohort) == "it needs the package lightgbm"


def test_a_classifier_of_another_package(monkeypatch):
    package = SimpleNamespace(LGBMClassifier=lambda random_state: LogisticRegression())
    monkeypatch.setitem(sys.modules, "lightgbm", package)
    assert measure(rivals.LightGBM, simulate("classes"))["one", "", "accuracy"] > 0.98


#: Of the variance in a feature, this is the share of the noise, which no method can explain.
SHARED = {"shared": 3.0, "distance": 2.0, "n": 1500}


def test_ridge_recovers_a_linear_map():
    fold = simulate("translation", **SHARED)
    found, by_class = measure(rivals.Ridge, fold), measure(rivals.Logistic, fold)
    train, test = fold.pairs("one", "two"), fold.pairs("one", "two", test=True)
    model = LinearRegression().fit(fold.features("one", train), fold.profiles("two", train))
    expected = (model.predict(fold.features("one", test)) - fold.profiles("two", test)) ** 2
    assert found["one", "two", "mse"] == pytest.approx(expected.mean(), rel=0.02)
    # three of the fifteen features are noise
    assert found["one", "two", "mse"] < 0.45
    assert found["one", "two", "correlation_within_class"] > 0.7
    assert found["one", "two", "mse"] < 0.6 * by_class["one", "two", "mse"]
    near = measure(rivals.Neighbors, fold)["one", "two", "mse"]
    assert found["one", "two", "mse"] < near < 0.8


def test_pairs_match_samples():
    fold = simulate("matching", **SHARED)
    assert measure(rivals.Pls, fold)["one", "two", "foscttm"] < 0.02
    assert measure(rivals.Pls, fold)["one", "two", "match_among_10"] > 0.9
    assert measure(rivals.LinkedCorrelation, fold)["one", "two", "foscttm"] < 0.03
    # the classes alone say less
    assert measure(rivals.Logistic, fold)["one", "two", "foscttm"] > 0.1


def test_linked_features_match_without_pairs():
    cohort = simulate("matching", **SHARED).cohort
    scenario = Scenario("standard", 0, ("translation", "matching"))
    fold = make_fold(cohort, Design(("lr",), unpaired=True), scenario, 0)
    assert measure(rivals.LinkedCorrelation, fold)["one", "two", "foscttm"] < 0.03
    assert rivals.Pls(fold).match("one", "two", fold.test["one"]) is None
    assert rivals.Ridge(fold).translate("one", "two", fold.test["one"]) is None
    wrong = cohort.links.assign(sign=-cohort.links["sign"])
    cohort.links["sign"] = wrong["sign"]
    assert measure(rivals.LinkedCorrelation, fold)["one", "two", "foscttm"] > 0.9


def test_neighbours_are_those_of_the_source():
    fold = simulate("translation", n=100, **{"shared": 0.0})
    names = fold.test["one"][:3]
    pairs = fold.pairs("one", "two")
    x = fold.features("one", pairs)
    scale = (x.mean(axis=0), x.std(axis=0))
    z, own = ((v - scale[0]) / scale[1] for v in (x, fold.features("one", names)))
    nearest = np.argsort(((own[:, None] - z[None]) ** 2).sum(axis=2), axis=1)[:, :10]
    expected = fold.profiles("two", pairs)[nearest].mean(axis=1)
    found = rivals.Neighbors(fold).translate("one", "two", names)
    np.testing.assert_allclose(found, expected, atol=1e-4)
