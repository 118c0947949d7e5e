"""Errors of translations and their random baseline, against brute force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.metrics import mean_squared_error

from modis.metrics import all_pairs_baseline, mse, translation_errors


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_mse_agrees_with_sklearn(rng):
    x_true, x_pred = rng.normal(size=(20, 7)), rng.normal(size=(20, 7))
    expected = mean_squared_error(x_true, x_pred)
    assert mse(x_true, x_pred) == pytest.approx(expected)
    assert mse(sparse.csr_matrix(x_true), pd.DataFrame(x_pred)) == pytest.approx(expected)


def test_baseline_agrees_with_all_pairs(rng):
    # A large mean beside a small spread would expose cancellation.
    x_true, x_pred = 1e4 + rng.normal(size=(30, 5)), 1e4 + rng.normal(1, 2, size=(40, 5))
    expected = cdist(x_true, x_pred, "sqeuclidean").mean() / 5
    assert all_pairs_baseline(x_true, x_pred) == pytest.approx(expected, rel=1e-9)


def test_errors_table(rng):
    truth = {name: rng.normal(size=(6, width)) for name, width in [("rna", 4), ("adt", 2)]}
    predicted = {
        ("adt", "rna"): truth["rna"] + 2.0,
        ("rna", "rna"): truth["rna"],
        ("rna", "adt"): truth["adt"] - 1.0,
    }
    expected = pd.DataFrame(
        [[0.0, 1.0], [4.0, np.nan]],
        index=pd.Index(["rna", "adt"], name="source"),
        columns=pd.Index(["rna", "adt"], name="target"),
    )
    pd.testing.assert_frame_equal(
        translation_errors(truth, predicted), expected, check_index_type=False
    )


def test_errors_name_the_pair():
    truth = {"rna": np.zeros((3, 2)), "adt": np.zeros((3, 1))}
    with pytest.raises(ValueError, match="'rna'.*'adt'.*x_true has 1, x_pred has 2"):
        translation_errors(truth, {("rna", "adt"): np.zeros((3, 2))})
    with pytest.raises(KeyError, match=r"\['atac'\].*rna"):
        translation_errors(truth, {("atac", "rna"): np.zeros((3, 2))})
    with pytest.raises(ValueError, match="empty"):
        translation_errors(truth, {})


@pytest.mark.parametrize("score", [mse, all_pairs_baseline])
@pytest.mark.parametrize(
    ("x_pred", "error", "message"),
    [
        (np.zeros((3, 1)), ValueError, "x_true has 2, x_pred has 1"),
        (np.zeros(3), ValueError, r"found shape \(3,\)"),
        ([[0, 0], [0, np.nan], [np.inf, 0]], ValueError, "2 NaN or infinite.*row 1, column 1"),
        ([["a", "b"]], TypeError, "x_pred must be a numeric matrix"),
    ],
)
def test_refuses(score, x_pred, error, message):
    with pytest.raises(error, match=message):
        score(np.zeros((3, 2)), x_pred)


def test_mse_refuses_other_samples():
    with pytest.raises(ValueError, match="x_true has 3, x_pred has 2"):
        mse(np.zeros((3, 2)), np.zeros((2, 2)))


def test_anndata_gets_a_hint():
    anndata = pytest.importorskip("anndata")
    with pytest.raises(
        TypeError, match=r"x_pred is of type AnnData; give an array, such as its \.X"
    ):
        mse(np.zeros((3, 2)), anndata.AnnData(np.zeros((3, 2), dtype="float32")))
