from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modis import datasets

SIZES = {"methylation": 2, "expression": 2, "protein": 2}


@settings(max_examples=25)
@given(
    n=st.integers(12, 80),
    test_size=st.floats(0.15, 0.85),
    seed=st.integers(0, 1000),
    is_unpaired=st.booleans(),
)
def test_observations_are_shared_out_by_class(n, test_size, seed, is_unpaired):
    mdata = datasets.intersim(n, (0.6, 0.3, 0.1), n_features=SIZES)
    if is_unpaired:
        mdata = datasets.unpair(mdata)
    train, test = datasets.split(mdata, test_size, seed=seed)
    assert not set(train.obs_names) & set(test.obs_names)
    assert set(train.obs_names) | set(test.obs_names) == set(mdata.obs_names)
    for label, size in mdata.obs["label"].value_counts().items():
        in_test = (test.obs["label"] == label).sum()
        assert abs(in_test - test_size * size) < 1 or in_test == size - 1
        assert (train.obs["label"] == label).any()


def test_sets_of_modalities_are_shared_out(mosaic, check_consistent):
    train, test = datasets.split(mosaic, 0.5)
    check_consistent(train, mosaic)
    check_consistent(test, mosaic)
    # 20 observations only in a, 10 in a and b, 10 in all, 10 in b and c, 10 only in b.
    for first, last in ((0, 20), (20, 30), (30, 40), (40, 50), (50, 60)):
        names = [f"s{i}" for i in range(first, last)]
        for label in "xyz":
            members = [name for name in names if mosaic.obs["label"][name] == label]
            assert abs(test.obs_names.isin(members).sum() - len(members) / 2) <= 1


def test_single_observations_of_a_class_are_for_training(mosaic):
    mosaic.obs["label"] = mosaic.obs["label"].cat.add_categories(["rare"])
    mosaic.obs.loc["s5", "label"] = "rare"
    for seed in range(5):
        train, test = datasets.split(mosaic, 0.9, seed=seed)
        assert "s5" in train.obs_names
        assert {"x", "y", "z"} <= set(train.obs["label"])


def test_unlabelled_observations_are_shared_out_too(mosaic):
    mosaic.obs.loc[mosaic.obs["label"] == "x", "label"] = np.nan
    _, test = datasets.split(mosaic, 0.5)
    assert test.obs["label"].isna().sum() == 10


def test_seed_decides(unpaired):
    first, again, other = (
        list(datasets.split(unpaired, seed=seed)[1].obs_names) for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize("test_size", [0, 1, -0.1, 1.5])
def test_bad_size(unpaired, test_size):
    with pytest.raises(ValueError, match="test_size must lie between 0 and 1"):
        datasets.split(unpaired, test_size)


def test_empty_part(unpaired):
    with pytest.raises(ValueError, match="one part would be empty"):
        datasets.split(unpaired, 0.001)
