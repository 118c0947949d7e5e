import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modis import datasets

SIZES = {"methylation": 3, "expression": 2, "protein": 2}


def _count(mdata, label="class_2"):
    return {name: (adata.obs["label"] == label).sum() for name, adata in mdata.mod.items()}


@given(seed=st.integers(0, 2**31), n=st.integers(10, 60))
def test_every_observation_keeps_one_modality_in_balance(seed, n):
    paired = datasets.intersim(n, (0.5, 0.3, 0.2), n_features=SIZES)
    result = datasets.unpair(paired, seed=seed)
    names = [name for adata in result.mod.values() for name in adata.obs_names]
    assert sorted(names) == sorted(paired.obs_names)
    for label in paired.obs["label"].cat.categories:
        counts = _count(result, label).values()
        assert max(counts) - min(counts) <= 1
    for name, adata in result.mod.items():
        assert (adata.obs["observed_modality"] == name).all()


def test_observations_of_a_mosaic_keep_a_modality_that_they_have(mosaic, check_consistent):
    mosaic.obs.loc[mosaic.obs["label"] == "z", "label"] = np.nan
    result = datasets.unpair(mosaic)
    check_consistent(result, mosaic)
    assert sum(adata.n_obs for adata in result.mod.values()) == mosaic.n_obs == 60
    # Within a class 20 observations: 6-7 only in a, 3-4 only in b; equal shares are possible.
    unlabelled = {name: adata.obs["label"].isna().sum() for name, adata in result.mod.items()}
    for counts in (_count(result, "x"), _count(result, "y"), unlabelled):
        assert sum(counts.values()) == 20
        assert max(counts.values()) - min(counts.values()) <= 1


@given(
    n=st.integers(12, 80),
    test_size=st.floats(0.15, 0.85),
    seed=st.integers(0, 1000),
    is_unpaired=st.booleans(),
)
def test_both_parts_have_every_class_in_proportion(n, test_size, seed, is_unpaired):
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


def test_both_parts_have_every_set_of_modalities_in_proportion(mosaic, check_consistent):
    mosaic.obs.loc[mosaic.obs["label"] == "x", "label"] = np.nan
    train, test = datasets.split(mosaic, 0.5)
    check_consistent(train, mosaic)
    check_consistent(test, mosaic)
    assert test.obs["label"].isna().sum() == 10
    # 20 observations only in a, 10 in a and b, 10 in all, 10 in b and c, 10 only in b.
    for first, last in ((0, 20), (20, 30), (30, 40), (40, 50), (50, 60)):
        names = [f"s{i}" for i in range(first, last)]
        for label in ("nan", "y", "z"):
            members = [name for name in names if str(mosaic.obs["label"][name]) == label]
            assert abs(test.obs_names.isin(members).sum() - len(members) / 2) <= 1


@pytest.mark.parametrize(
    ("test_size", "message"),
    [(0, "must lie between 0 and 1"), (1, "must lie between"), (0.001, "part would be empty")],
)
def test_bad_test_size(unpaired, test_size, message):
    with pytest.raises(ValueError, match=message):
        datasets.split(unpaired, test_size)


@pytest.mark.parametrize(
    ("n", "left"),
    [
        (3, {"methylation": 3, "expression": 3, "protein": 3}),
        ({"protein": 0, "expression": 2}, {"protein": 0, "expression": 2}),
    ],
)
def test_few_of_a_class_are_left(unpaired, check_consistent, n, left):
    result = datasets.shrink_class(unpaired, "class_2", n)
    check_consistent(result, unpaired)
    assert _count(result) == _count(unpaired) | left
    for label in ("class_1", "class_3"):
        assert _count(result, label) == _count(unpaired, label)


def test_paired_samples_stay_together(paired):
    result = datasets.shrink_class(paired, "class_2", 4)
    kept = [set(adata.obs_names) for adata in result.mod.values()]
    assert kept[0] == kept[1] == kept[2]
    assert set(_count(result).values()) == {4}


@pytest.mark.parametrize("n", [-1, 1000])
def test_more_than_there_are(unpaired, n):
    with pytest.raises(ValueError, match=f"'methylation' has 6 samples of.*so {n} cannot"):
        datasets.shrink_class(unpaired, "class_2", n)


def test_a_class_goes_from_the_named_modalities_only(mosaic, check_consistent):
    mosaic.obs.loc["s0", "label"] = None
    result = datasets.shrink_class(mosaic, "x", {"a": 0, "c": 0})
    check_consistent(result, mosaic)
    labels = mosaic.obs["label"]
    gone = {"a": ["x"], "b": [], "c": ["x"]}
    for name, adata in result.mod.items():
        own = labels.reindex(mosaic[name].obs_names)
        assert list(adata.obs_names) == list(own.index[~own.isin(gone[name])])


def test_empty_classes_and_modalities_are_left_out(mosaic):
    result = datasets.shrink_class(mosaic, "x", 0)
    assert list(result.obs["label"].cat.categories) == ["y", "z"]
    result = datasets.shrink_class(result, "y", 0)
    assert list(datasets.shrink_class(result, "z", {"c": 0}).mod) == ["a", "b"]
    with pytest.raises(ValueError, match="No sample would be left"):
        datasets.shrink_class(result, "z", 0)


def test_assigned_in_turn_in_the_order_drawn(paired):
    # The procedure written out for paired data.
    rng = np.random.default_rng(5)
    expected = {}
    for label in sorted(paired.obs["label"].unique()):
        members = paired.obs_names[paired.obs["label"] == label]
        for turn, name in enumerate(members[rng.permutation(len(members))]):
            expected[name] = list(paired.mod)[turn % 3]
    result = datasets.unpair(paired, seed=5)
    assert result.obs["observed_modality"].astype(str).to_dict() == expected
