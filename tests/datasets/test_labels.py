import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modis import datasets

SIZES = {"methylation": 2, "expression": 2, "protein": 2}
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
