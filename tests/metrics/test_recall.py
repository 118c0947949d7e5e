"""Recall by class and modality, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import recall_score

from modis.metrics import balanced_accuracy, recall_per_class


def test_agrees_with_sklearn(rng):
    classes, modalities = np.array(["a", "b", "c", "d"]), np.array(["rna", "atac", "adt"])
    y_true, y_pred = rng.choice(classes, 300), rng.choice(classes, 300)
    modality = rng.choice(modalities, 300)
    table = recall_per_class(y_true, y_pred, modality)
    assert list(table.index) == list(classes)
    for name in modalities:
        rows = modality == name
        expected = recall_score(y_true[rows], y_pred[rows], labels=classes, average=None)
        np.testing.assert_allclose(table[name], expected)
    np.testing.assert_allclose(
        table["all"], recall_score(y_true, y_pred, labels=classes, average=None)
    )
    assert table["all"].mean() == pytest.approx(balanced_accuracy(y_true, y_pred))


def test_missing_class_is_nan_and_order_is_kept():
    table = recall_per_class(
        pd.Series(["b", "a", "b"]), ["b", "c", "a"], pd.Categorical(["rna", "atac", "rna"])
    )
    expected = pd.DataFrame(
        {"rna": [np.nan, 0.5], "atac": [0.0, np.nan], "all": [0.0, 0.5]},
        index=pd.Index(["a", "b"], name="class"),
    )
    pd.testing.assert_frame_equal(
        table, expected.rename_axis(columns="modality"), check_index_type=False
    )


@pytest.mark.parametrize(
    ("modality", "message"),
    [
        (["rna"], "y_true has 2, modality has 1"),
        (["rna", None], "modality has 1 missing"),
        (["rna", "all"], 'called "all".*Rename it'),
    ],
)
def test_refuses(modality, message):
    with pytest.raises(ValueError, match=message):
        recall_per_class(["a", "b"], ["a", "b"], modality)


@pytest.fixture
def rng():
    return np.random.default_rng(0)
