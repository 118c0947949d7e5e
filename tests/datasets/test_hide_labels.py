from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modis import datasets


def _labelled(adata, unlabeled="unknown"):
    return adata.obs["label"][adata.obs["label"] != unlabeled]


SIZES = {"methylation": 2, "expression": 2, "protein": 2}
PAIRED = datasets.intersim(90, (0.6, 0.3, 0.1), n_features=SIZES)
UNPAIRED = datasets.unpair(PAIRED)


@pytest.mark.parametrize("source", [PAIRED, UNPAIRED], ids=["paired", "unpaired"])
@settings(max_examples=25)
@given(fraction=st.floats(0, 1), seed=st.integers(0, 1000))
def test_fraction(source, fraction, seed):
    result = datasets.hide_labels(source, fraction, seed=seed)
    for name, adata in result.mod.items():
        kept = _labelled(adata)
        assert len(kept) == round(fraction * adata.n_obs)
        assert (
            source[name].obs["label"].reindex(kept.index).astype(str) == kept.astype(str)
        ).all()
        for label, n in source[name].obs["label"].value_counts().items():
            assert abs((kept == label).sum() - fraction * n) < 1
        assert adata.obs_names.equals(source[name].obs_names)


@pytest.mark.parametrize("source", [PAIRED, UNPAIRED], ids=["paired", "unpaired"])
@settings(max_examples=25)
@given(n=st.integers(0, 40), seed=st.integers(0, 1000))
def test_n_per_class(source, n, seed):
    result = datasets.hide_labels(source, n_per_class=n, seed=seed)
    for name, adata in result.mod.items():
        for label, available in source[name].obs["label"].value_counts().items():
            assert (_labelled(adata) == label).sum() == min(n, available)


@settings(max_examples=25)
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


def test_nested_modalities_get_exactly_what_was_asked(mosaic):
    # All of c lies within b.
    result = datasets.hide_labels(mosaic, n_per_class=4, modalities=["b", "c"])
    for name in ("b", "c"):
        assert _labelled(result[name]).value_counts()[["x", "y", "z"]].tolist() == [4, 4, 4]


def test_category_and_old_gaps(mosaic):
    mosaic.obs["label"] = mosaic.obs["label"].cat.add_categories(["?"])
    mosaic.obs.loc[["s0", "s1"], "label"] = "?"
    mosaic.obs.loc[["s2", "s3"], "label"] = np.nan
    result = datasets.hide_labels(mosaic, 1.0, unlabeled_category="?")
    assert list(result.obs["label"].cat.categories) == ["x", "y", "z", "?"]
    for adata in (result, *result.mod.values()):
        assert adata.obs["label"].notna().all()
        assert list(adata.obs["label"].cat.categories) == ["x", "y", "z", "?"]
    assert set(result.obs_names[result.obs["label"] == "?"]) == {"s0", "s1", "s2", "s3"}


def test_a_gap_in_one_modality_is_filled_from_another(labels_in_modalities):
    labels_in_modalities["a"].obs["label"] = (
        labels_in_modalities["a"].obs["label"].cat.add_categories(["unknown"])
    )
    labels_in_modalities["a"].obs.loc["s35", "label"] = "unknown"
    result = datasets.hide_labels(labels_in_modalities, 1.0)
    assert result["a"].obs["label"]["s35"] == "z"


def test_category_is_there_even_if_nothing_is_hidden(unpaired):
    result = datasets.hide_labels(unpaired, 1.0)
    assert "unknown" in result["protein"].obs["label"].cat.categories


def test_only_some_modalities(unpaired):
    result = datasets.hide_labels(unpaired, 0.0, modalities=["protein"])
    assert (result["protein"].obs["label"] == "unknown").all()
    assert (result["expression"].obs["label"] != "unknown").all()


@pytest.mark.parametrize("source", [PAIRED, UNPAIRED], ids=["paired", "unpaired"])
@pytest.mark.parametrize("how", [{"labeled_fraction": 0.4}, {"n_per_class": 3}])
def test_only_some_classes(source, how):
    result = datasets.hide_labels(source, classes=["class_1", "class_2"], seed=4, **how)
    for name, adata in result.mod.items():
        true = source[name].obs["label"].astype(str)
        kept = _labelled(adata)
        assert (kept == "class_3").sum() == (true == "class_3").sum()
        others = (true != "class_3").sum()
        expected = round(0.4 * others) if "labeled_fraction" in how else 6
        assert (kept != "class_3").sum() == expected


def test_all_classes_named_are_all_classes(mosaic):
    by_name = datasets.hide_labels(mosaic, 0.4, classes=["x", "y", "z"], seed=2)
    assert by_name.obs["label"].equals(datasets.hide_labels(mosaic, 0.4, seed=2).obs["label"])


def test_unknown_class(mosaic):
    with pytest.raises(ValueError, match="No observation has 'label' = 'w'"):
        datasets.hide_labels(mosaic, 0.5, classes=["x", "w"])


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
        ({"labeled_fraction": 1.1}, "between 0 and 1, found 1.1"),
        ({"n_per_class": -1}, "must not be negative, found -1"),
    ],
)
def test_bad_arguments(unpaired, arguments, message):
    with pytest.raises(ValueError, match=message):
        datasets.hide_labels(unpaired, **arguments)


def test_seed_decides(unpaired):
    first, again, other = (
        datasets.hide_labels(unpaired, 0.3, seed=seed).obs["label"] for seed in (0, 0, 1)
    )
    assert first.equals(again)
    assert not first.equals(other)
