import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modis import datasets

SIZES = {"methylation": 3, "expression": 2, "protein": 2}
PAIRED = datasets.intersim(90, (0.6, 0.3, 0.1), n_features=SIZES)
UNPAIRED = datasets.unpair(PAIRED)
EITHER = pytest.mark.parametrize("source", [PAIRED, UNPAIRED], ids=["paired", "unpaired"])


def _labelled(adata, unlabeled="unknown"):
    return adata.obs["label"][adata.obs["label"] != unlabeled]


@EITHER
@given(fraction=st.floats(0, 1), seed=st.integers(0, 1000))
def test_fraction_is_kept(source, fraction, seed):
    result = datasets.hide_labels(source, fraction, seed=seed)
    for name, adata in result.mod.items():
        kept, true = _labelled(adata), source[name].obs["label"].astype(str)
        assert len(kept) == round(fraction * adata.n_obs)
        assert true[kept.index].equals(kept.astype(str))
        for label, n in true.value_counts().items():
            assert abs((kept == label).sum() - fraction * n) < 1
        assert adata.obs_names.equals(source[name].obs_names)


@EITHER
@given(n=st.integers(0, 40), seed=st.integers(0, 1000))
def test_n_per_class_are_kept(source, n, seed):
    result = datasets.hide_labels(source, n_per_class=n, seed=seed)
    for name, adata in result.mod.items():
        for label, available in source[name].obs["label"].value_counts().items():
            assert (_labelled(adata) == label).sum() == min(n, available)


@given(n=st.integers(0, 12), seed=st.integers(0, 1000))
def test_partly_overlapping_modalities_never_get_fewer(n, seed):
    mdata = datasets.intersim(80, (0.5, 0.5), n_features=SIZES)
    # Observations of all three modalities, of two, and of one.
    rng = np.random.default_rng(seed)
    for name in list(mdata.mod):
        mdata.mod[name] = mdata.mod[name][rng.random(mdata.mod[name].n_obs) < 0.6].copy()
    result = datasets.hide_labels(mdata, n_per_class=n, seed=seed)
    for name, adata in result.mod.items():
        own = result.obs["label"].reindex(adata.obs_names)
        assert (own.astype(str) == adata.obs["label"].astype(str)).all()
        for label, available in mdata[name].obs["label"].value_counts().items():
            assert (_labelled(adata) == label).sum() >= min(n, available)


def test_unlabelled_category_and_missing_labels(mosaic):
    mosaic.obs["label"] = mosaic.obs["label"].cat.add_categories(["?"])
    mosaic.obs.loc[["s0", "s1"], "label"] = "?"
    mosaic.obs.loc[["s2", "s3"], "label"] = np.nan
    result = datasets.hide_labels(mosaic, 1.0, unlabeled_category="?")
    for adata in (result, *result.mod.values()):
        assert adata.obs["label"].notna().all()
        assert list(adata.obs["label"].cat.categories) == ["x", "y", "z", "?"]
    assert set(result.obs_names[result.obs["label"] == "?"]) == {"s0", "s1", "s2", "s3"}


def test_a_label_missing_in_one_modality_is_taken_from_another(mosaic):
    own = mosaic.obs["label"].reindex(mosaic["a"].obs_names).cat.add_categories(["unknown"])
    own["s35"] = "unknown"
    mosaic["a"].obs["label"] = own
    mosaic["b"].obs["label"] = mosaic.obs["label"].reindex(mosaic["b"].obs_names)
    del mosaic.obs["label"]
    result = datasets.hide_labels(mosaic, 1.0)
    assert result["a"].obs["label"]["s35"] == "z"


@EITHER
@pytest.mark.parametrize("how", [{"labeled_fraction": 0.4}, {"n_per_class": 3}])
def test_only_some_classes(source, how):
    result = datasets.hide_labels(source, classes=["class_1", "class_2"], seed=4, **how)
    for name, adata in result.mod.items():
        is_third = source[name].obs["label"].astype(str) == "class_3"
        kept = _labelled(adata)
        assert (kept == "class_3").sum() == is_third.sum()
        expected = round(0.4 * (~is_third).sum()) if "labeled_fraction" in how else 6
        assert (kept != "class_3").sum() == expected


@pytest.mark.parametrize(
    ("numbers", "words"), [([1, 2, 3], ["1", "2", "3"]), ([1.5, 2.0, 3.0], ["1.5", "2.0", "3.0"])]
)
def test_numbers_become_words(mosaic, numbers, words, write_and_read):
    mosaic.obs["label"] = [numbers[i % 3] for i in range(60)]
    result = write_and_read(datasets.hide_labels(mosaic, 0.5))
    assert list(result.obs["label"].cat.categories) == [*words, "unknown"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "either labeled_fraction or n_per_class"),
        ({"labeled_fraction": 0.1, "n_per_class": 1}, "either labeled_fraction or n_per_class"),
        ({"labeled_fraction": 1.1}, "labeled_fraction must lie between 0 and 1, found 1.1"),
        ({"n_per_class": -1}, "must not be negative, found -1"),
    ],
)
def test_bad_arguments(unpaired, arguments, message):
    with pytest.raises(ValueError, match=message):
        datasets.hide_labels(unpaired, **arguments)


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
