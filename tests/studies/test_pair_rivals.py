import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from modis.studies._design import Design, Scenario, make_fold
from modis.studies._pair_rivals import LinkedCorrelation, Neighbors, Pls, Ridge
from modis.studies._rivals import Logistic

from ._simulated import measure, simulate

#: Of the variance in a feature, this is the share of the noise, which no method can explain.
SHARED = {"shared": 3.0, "distance": 2.0, "n": 1500}


def test_ridge_recovers_a_linear_map():
    fold = simulate("translation", **SHARED)
    found, by_class = measure(Ridge, fold), measure(Logistic, fold)
    train, test = fold.pairs("one", "two"), fold.pairs("one", "two", test=True)
    model = LinearRegression().fit(fold.features("one", train), fold.profiles("two", train))
    expected = (model.predict(fold.features("one", test)) - fold.profiles("two", test)) ** 2
    assert found["one", "two", "mse"] == pytest.approx(expected.mean(), rel=0.02)
    # three of the fifteen features are noise
    assert found["one", "two", "mse"] < 0.45
    assert found["one", "two", "correlation_within_class"] > 0.7
    assert found["one", "two", "mse"] < 0.6 * by_class["one", "two", "mse"]
    near = measure(Neighbors, fold)["one", "two", "mse"]
    assert found["one", "two", "mse"] < near < 0.8


def test_pairs_match_samples():
    fold = simulate("matching", **SHARED)
    assert measure(Pls, fold)["one", "two", "foscttm"] < 0.02
    assert measure(Pls, fold)["one", "two", "match_among_10"] > 0.9
    assert measure(LinkedCorrelation, fold)["one", "two", "foscttm"] < 0.03
    # the classes alone say less
    assert measure(Logistic, fold)["one", "two", "foscttm"] > 0.1


def test_linked_features_match_without_pairs():
    cohort = simulate("matching", **SHARED).cohort
    scenario = Scenario("standard", 0, ("translation", "matching"))
    fold = make_fold(cohort, Design(("lr",), unpaired=True), scenario, 0)
    assert measure(LinkedCorrelation, fold)["one", "two", "foscttm"] < 0.03
    assert Pls(fold).match("one", "two", fold.test["one"]) is None
    assert Ridge(fold).translate("one", "two", fold.test["one"]) is None
    wrong = cohort.links.assign(sign=-cohort.links["sign"])
    cohort.links["sign"] = wrong["sign"]
    assert measure(LinkedCorrelation, fold)["one", "two", "foscttm"] > 0.9


def test_neighbours_are_those_of_the_source():
    fold = simulate("translation", n=100, **{"shared": 0.0})
    names = fold.test["one"][:3]
    pairs = fold.pairs("one", "two")
    x = fold.features("one", pairs)
    scale = (x.mean(axis=0), x.std(axis=0))
    z, own = ((v - scale[0]) / scale[1] for v in (x, fold.features("one", names)))
    nearest = np.argsort(((own[:, None] - z[None]) ** 2).sum(axis=2), axis=1)[:, :10]
    expected = fold.profiles("two", pairs)[nearest].mean(axis=1)
    found = Neighbors(fold).translate("one", "two", names)
    np.testing.assert_allclose(found, expected, atol=1e-4)
