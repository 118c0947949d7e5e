"""Scores of predicted classes, against scikit-learn."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_sample_weight

from modis.metrics import accuracy, balanced_accuracy, inverse_frequency_accuracy, jaccard

REFERENCES = {
    accuracy: reference.accuracy_score,
    balanced_accuracy: reference.balanced_accuracy_score,
    inverse_frequency_accuracy: lambda true, pred: reference.accuracy_score(
        true, pred, sample_weight=compute_sample_weight("balanced", true)
    ),
    jaccard: lambda true, pred: reference.jaccard_score(true, pred, average="macro"),
}
SCORES = pytest.mark.parametrize("score", REFERENCES, ids=lambda score: score.__name__)
CLASSES = st.sampled_from(["LumA", "LumB", "Her2", "Basal"])


@SCORES
@settings(max_examples=50, deadline=None)
@given(pairs=st.lists(st.tuples(CLASSES, CLASSES), min_size=1, max_size=40))
def test_agrees_with_sklearn(score, pairs):
    y_true, y_pred = map(list, zip(*pairs, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = REFERENCES[score](y_true, y_pred)
    assert score(y_true, y_pred) == pytest.approx(expected)


@SCORES
@pytest.mark.parametrize("convert", [list, np.array, pd.Series, pd.Categorical, tuple])
def test_takes_any_array_of_labels(score, convert):
    y_true, y_pred = [1, 1, 2, 3, 3, 3], [1, 2, 2, 3, 3, 1]
    assert score(convert(y_true), convert(y_pred)) == pytest.approx(
        REFERENCES[score](y_true, y_pred)
    )


def test_rare_class_never_found():
    y_true = ["common"] * 99 + ["rare"]
    y_pred = ["common"] * 100
    assert accuracy(y_true, y_pred) == 0.99
    assert balanced_accuracy(y_true, y_pred) == 0.5
    assert inverse_frequency_accuracy(y_true, y_pred) == pytest.approx(0.5)
    assert jaccard(y_true, y_pred) == pytest.approx(0.99 / 2)


def test_predicted_class_outside_truth_is_only_an_error():
    assert balanced_accuracy(["a", "a", "b", "b"], ["a", "c", "b", "b"]) == 0.75


@SCORES
@pytest.mark.parametrize(
    ("y_true", "y_pred", "message"),
    [
        (["a", "b"], ["a"], "y_true has 2, y_pred has 1"),
        ([], [], "y_true is empty"),
        (["a", None, np.nan], ["a", "a", "a"], r"y_true has 2 missing values of 3 .*position 1"),
        (["a", "b"], ["a", np.nan], "y_pred has 1 missing"),
        ([[1, 2]], np.ones((1, 2)), r"y_pred must be one-dimensional, found shape \(1, 2\)"),
        (["a", "b"], [0, 1], "'a'.*0.*class names in both"),
    ],
)
def test_refuses(score, y_true, y_pred, message):
    with pytest.raises(ValueError, match=message):
        score(y_true, y_pred)


@SCORES
def test_refuses_series_in_another_order(score):
    y_true = pd.Series(["a", "b"], index=["s1", "s2"])
    with pytest.raises(ValueError, match="different order"):
        score(y_true, y_true[::-1])
