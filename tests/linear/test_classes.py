import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from modis.linear import fit_class_map, fit_pool


def classes(rng, n, n_features, distance):
    codes = np.arange(n) % 3
    centers = distance * rng.normal(size=(3, n_features))
    return centers[codes] + rng.normal(size=(n, n_features)), codes


def test_a_map_is_the_balanced_regression_at_the_penalty_of_the_least_loss(rng):
    """Of all components, and of the 50 leading ones; both tempered by their weights."""
    x, codes = classes(rng, 90, 60, 0.25)
    folds, views, maps = StratifiedKFold(5, shuffle=True, random_state=0), [], []
    for size in (60, 50):
        tried = {}
        for penalty in 10.0 ** np.arange(-4, 1.1, 0.5):
            model = LogisticRegression(C=penalty, class_weight="balanced", max_iter=1000)
            method = {"cv": folds, "method": "predict_log_proba"}
            said = cross_val_predict(model, x[:, :size], codes, **method)
            tried[log_loss(codes, np.exp(said))] = model, said
        model, said = tried[min(tried)]
        views.append(said)
        maps.append(model.fit(x[:, :size], codes))
    found = fit_class_map(x, codes, 3)
    pool = fit_pool(np.stack(views), codes)
    logits = sum(
        weight * model.decision_function(x[:, :size])
        for weight, model, size in zip(pool, maps, (60, 50), strict=True)
    )
    said = x @ found.weight.T + found.bias
    np.testing.assert_allclose(softmax(said, 1), softmax(logits, 1), atol=0.01)
    pooled = log_softmax(np.tensordot(pool, views, 1), axis=1)
    np.testing.assert_allclose(np.exp(found.out_of_fold), np.exp(pooled), atol=0.01)


@pytest.mark.parametrize(("n", "n_choice"), [(90, 90), (150, 60)])
def test_what_is_said_out_of_fold_has_not_seen_the_row(rng, monkeypatch, n, n_choice):
    """Labels at random are known by heart, but not foretold; also beyond the rows that choose."""
    monkeypatch.setattr("modis.linear._classes._CHOICE_ROWS", n_choice)
    x, codes = rng.normal(size=(n, 200)), rng.integers(0, 3, n)
    found = fit_class_map(x, codes, 3)
    assert ((x @ found.weight.T + found.bias).argmax(1) == codes).mean() > 0.75
    assert (found.out_of_fold.argmax(1) == codes).mean() < 0.5
    assert -found.out_of_fold[np.arange(n), codes].mean() > 0.95 * np.log(3)
    x, codes = classes(rng, n, 5, 3.0)
    assert (fit_class_map(x, codes, 3).out_of_fold.argmax(1) == codes).mean() > 0.8


def test_classes_without_rows_and_with_a_single_one(rng):
    x, codes = classes(rng, 40, 5, 3.0)
    codes = np.where(codes == 2, 3, codes)
    codes[7], x[7] = 4, 9
    found = fit_class_map(x, codes, 6)
    assert found.seen.tolist() == [True, True, False, True, True, False]
    assert not found.weight[[2, 5]].any()
    assert np.isnan(found.out_of_fold[:, [2, 5]]).all()
    assert np.isfinite(found.out_of_fold[:, found.seen]).all()
    rest = np.delete(np.arange(40), 7)
    assert (np.nan_to_num(found.out_of_fold, nan=-99).argmax(1) == codes)[rest].mean() > 0.8
    one = fit_class_map(x[:5], np.full(5, 1), 3)
    assert one.seen.tolist() == [False, True, False]
    assert not one.weight.any()
    assert (one.out_of_fold[:, 1] == 0).all()


@pytest.mark.parametrize("expected", [None, np.array([2 / 3, 1 / 3])])
def test_a_pool_has_the_least_loss_under_its_prior(rng, expected):
    codes = rng.integers(0, 3, 40)
    logits = np.stack([np.eye(3)[codes] * size + rng.normal(size=(40, 3)) for size in (2, 0.5)])
    prior = np.log([0.5, 0.5] if expected is None else expected)

    def loss(log_weights):
        said = softmax(np.tensordot(np.exp(log_weights), logits, 1), axis=1)
        # a normal distribution of standard deviation 0.4 on the logarithm of each weight
        return 40 * log_loss(codes, said) + 3 * np.square(log_weights - prior).sum()

    best = np.exp(minimize(loss, prior, method="Nelder-Mead").x)
    found = fit_pool(logits, codes, expected)
    np.testing.assert_allclose(found, best, rtol=1e-3)
    assert found[0] > found[1]
    # without rows the prior stays, and one row moves it little
    none = fit_pool(logits[:, :0], codes[:0], expected)
    np.testing.assert_allclose(none, np.exp(prior))
    np.testing.assert_allclose(fit_pool(logits[:, :1], codes[:1], expected), none, rtol=0.2)


def test_probabilities_out_of_fold_are_like_those_of_new_rows(rng):
    """Also where classes are far apart, and the loss is nearly 0 whatever the weights."""
    codes = np.tile(np.arange(3), 100)
    rows = 6 * np.eye(3, 40)[codes] + rng.normal(size=(300, 40))
    found = fit_class_map(rows[:150], codes[:150], 3)
    new = log_softmax(rows[150:] @ found.weight.T + found.bias, axis=1)
    doubt = [-own[np.arange(150), codes[:150]] for own in (found.out_of_fold, new)]
    assert 1 / 3 < np.median(doubt[0]) / np.median(doubt[1]) < 3


@pytest.mark.parametrize("differ_by", ["spread", "mean"])
def test_deviations_take_part_where_classes_differ_by_them(rng, differ_by):
    codes = np.arange(300) % 2
    x = rng.normal(size=(300, 10))
    x = x * (1 + codes[:, None]) if differ_by == "spread" else x + codes[:, None]
    train, test = np.arange(200), np.arange(200, 300)
    deviations = np.abs(x)
    found = fit_class_map(x[train], codes[train], 2, deviations[train])
    logits = x[test] @ found.weight.T + found.bias
    if differ_by == "spread":
        logits += deviations[test] @ found.by_deviation.T
        np.testing.assert_array_less(found.out_of_fold.max(axis=1), 0)
    else:
        assert found.by_deviation is None
        without = fit_class_map(x[train], codes[train], 2)
        np.testing.assert_array_equal(found.weight, without.weight)
        np.testing.assert_array_equal(found.out_of_fold, without.out_of_fold)
    assert (logits.argmax(axis=1) == codes[test]).mean() > 0.85
