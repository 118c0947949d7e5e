import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist

from modis.metrics import foscttm
from modis.studies._rivals import Logistic, Rival
from modis.studies._scores import calibration_error, judge, match_scores, within_class_correlation

from ._simulated import SHARES, simulate


@pytest.mark.parametrize("n_dims", [1, 4])
def test_single_matches_average_to_foscttm(n_dims):
    rng = np.random.default_rng(0)
    # rounded, so that there are ties
    a, b = (np.round(rng.normal(size=(60, n_dims)), 1) for _ in range(2))
    assert match_scores(cdist(a, b))[0].mean() == pytest.approx(foscttm(a, b))


def test_classes_alone_give_half_the_sum_of_squared_shares():
    n = 2000
    codes = np.repeat(range(3), [round(n * share) for share in SHARES.values()])
    points = np.eye(3)[codes]
    shares, nearest = match_scores(cdist(points, points))
    assert shares.mean() == pytest.approx(sum(s**2 for s in SHARES.values()) / 2, abs=1e-3)
    # the ten nearest are ten of the class, drawn by chance
    np.testing.assert_allclose(nearest, 10 / np.bincount(codes)[codes])


def test_the_nearest_ten():
    line = np.arange(40.0)[:, None]
    assert (match_scores(cdist(line, line))[1] == 1).all()
    shares, nearest = match_scores(cdist(line, line[::-1]))
    # 39 apart at the ends, 1 in the middle
    assert nearest[0] == 0
    assert nearest[19] == 1
    assert shares[0] == 1


def test_correlation_within_classes():
    rng = np.random.default_rng(0)
    label = pd.Series(np.repeat(["a", "b"], 50))
    code = (label == "b").to_numpy()[:, None]
    truth = rng.normal(size=(100, 2))
    other = np.stack([truth[:, 0], rng.normal(size=100)], axis=1)
    found = within_class_correlation(truth + 9 * code, other - 7 * code, label)
    seconds = [pd.Series(x[:, 1]) for x in (truth, other)]
    centred = [x - x.groupby(label).transform("mean") for x in seconds]
    assert found == pytest.approx((1 + np.corrcoef(*centred)[0, 1]) / 2)
    # the class mean says nothing within the class
    assert within_class_correlation(truth, np.hstack([code, code]) * 2.0, label) == 0


def test_calibration():
    confidence = np.repeat([0.85, 0.55], 100)
    right = np.concatenate([np.arange(100) < 85, np.arange(100) < 55]).astype(float)
    assert calibration_error(confidence, right) == pytest.approx(0, abs=1e-9)
    assert calibration_error(np.ones(200), right) == pytest.approx(0.3)


class Half(Rival):
    """Right for the first of two classes, and wrong for every second sample of the others."""

    title, tasks = "half", ("classes",)

    def probabilities(self):
        names = self.fold.test["one"]
        label = self.fold.cohort.label.reindex(names)
        said = np.where((label == "a") | (np.arange(len(label)) % 2 == 0), label, "a")
        return {"one": pd.get_dummies(pd.Series(said, index=names)).astype(float) * 0.8 + 0.1}


def test_means_and_their_resamples():
    fold = simulate("classes", "matching")
    rows, drawn = judge(Half(fold), fold)
    value = pd.DataFrame(rows).query("metric != 'recall'").set_index("metric")["value"]
    n = {name: (fold.cohort.label.reindex(fold.test["one"]) == name).sum() for name in SHARES}
    assert value["n_test"] == sum(n.values()) == 180
    assert value["accuracy"] == pytest.approx(0.75, abs=0.02)
    recall = pd.DataFrame(rows).query("metric == 'recall'").set_index("class")["value"]
    assert recall["a"] == 1
    assert value["balanced_accuracy"] == pytest.approx(recall.mean())
    assert set(drawn["task"]) == {"classes"}
    draws = drawn.set_index("metric").filter(like="draw_")
    expected = np.sqrt(value["accuracy"] * (1 - value["accuracy"]) / 180)
    assert draws.loc["accuracy"].std() == pytest.approx(expected, rel=0.15)
    assert draws.loc["accuracy"].mean() == pytest.approx(value["accuracy"], abs=0.01)


def test_resamples_are_paired():
    fold = simulate("classes", n=200, distance=1.0)
    one, two = (judge(Logistic(fold), fold)[1] for _ in range(2))
    pd.testing.assert_frame_equal(one, two)
