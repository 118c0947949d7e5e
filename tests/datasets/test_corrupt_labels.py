from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from modis import datasets

SIZES = {"methylation": 2, "expression": 2, "protein": 2}
UNPAIRED = datasets.unpair(datasets.intersim(90, (0.6, 0.3, 0.1), n_features=SIZES))


@settings(max_examples=25)
@given(fraction=st.floats(0, 1), seed=st.integers(0, 1000))
def test_as_many_as_asked_get_another_class(fraction, seed):
    result = datasets.corrupt_labels(UNPAIRED, fraction, seed=seed)
    changed = result.obs["label"].astype(str) != UNPAIRED.obs["label"].astype(str)
    assert changed.sum() == round(fraction * 90)
    assert set(result.obs["label"]) <= {"class_1", "class_2", "class_3"}
    for adata in result.mod.values():
        own = result.obs["label"].loc[adata.obs_names]
        assert (adata.obs["label"].astype(str) == own.astype(str)).all()


def test_the_other_classes_are_equally_likely():
    mdata = datasets.intersim(3000, n_features=SIZES)
    result = datasets.corrupt_labels(mdata, 1.0, seed=1)
    pairs = pd.crosstab(mdata.obs["label"].astype(str), result.obs["label"].astype(str))
    for name, row in pairs.iterrows():
        assert row[name] == 0
        assert chisquare(row.drop(name)).pvalue > 1e-4


def test_unlabelled_samples_stay_so(mosaic):
    hidden = datasets.hide_labels(mosaic, n_per_class=5, modalities=["a", "b"])
    result = datasets.corrupt_labels(hidden, 1.0)
    unknown = hidden.obs["label"] == "unknown"
    assert (result.obs["label"] == "unknown").equals(unknown)
    assert not (result.obs["label"] == hidden.obs["label"])[~unknown].any()
    assert "unknown" in result.obs["label"].cat.categories


def test_seed_decides():
    first, again, other = (
        datasets.corrupt_labels(UNPAIRED, 0.3, seed=seed).obs["label"] for seed in (0, 0, 1)
    )
    assert first.equals(again)
    assert not first.equals(other)


def test_bad_arguments(mosaic):
    with pytest.raises(ValueError, match="between 0 and 1, found -0.1"):
        datasets.corrupt_labels(mosaic, -0.1)
    mosaic.obs["label"] = "x"
    with pytest.raises(ValueError, match="has the class 'x' only"):
        datasets.corrupt_labels(mosaic, 0.5)
    assert (datasets.corrupt_labels(mosaic, 0.0).obs["label"] == "x").all()
