from __future__ import annotations

import pytest

from modis import datasets


def test_only_the_named_pairs_go(mosaic, check_consistent):
    result = datasets.drop_pairs(mosaic, [("x", "a"), ("y", "a"), ("z", "c")])
    check_consistent(result, mosaic)
    labels = mosaic.obs["label"]
    gone = {"a": ["x", "y"], "b": [], "c": ["z"]}
    for name, adata in result.mod.items():
        own = labels.reindex(mosaic[name].obs_names)
        assert list(adata.obs_names) == list(own.index[~own.isin(gone[name])])


def test_other_modalities_keep_the_sample(paired):
    result = datasets.drop_pairs(paired, [("class_1", "protein")])
    assert result.n_obs == paired.n_obs
    assert result["protein"].n_obs == (paired.obs["label"] != "class_1").sum()
    assert (result["expression"].obs["label"] == "class_1").any()


def test_unlabelled_samples_stay(mosaic):
    mosaic.obs.loc["s0", "label"] = None
    result = datasets.drop_pairs(mosaic, [("x", "a")])
    assert "s0" in result["a"].obs_names
    assert "s3" not in result["a"].obs_names


def test_a_class_dropped_everywhere_leaves_no_category(mosaic):
    result = datasets.drop_pairs(mosaic, [("x", name) for name in mosaic.mod])
    assert list(result.obs["label"].cat.categories) == ["y", "z"]


def test_a_modality_left_without_samples_is_left_out(mosaic):
    result = datasets.drop_pairs(mosaic, [(label, "c") for label in "xyz"])
    assert list(result.mod) == ["a", "b"]
    with pytest.raises(ValueError, match="No sample would be left"):
        datasets.drop_pairs(mosaic, [(c, m) for c in "xyz" for m in "abc"])


def test_unknown_names(mosaic):
    with pytest.raises(ValueError, match=r"'label' = 'X'.*'x', 'y', 'z'"):
        datasets.drop_pairs(mosaic, [("X", "a")])
    with pytest.raises(KeyError, match="'A'.*'a', 'b', 'c'"):
        datasets.drop_pairs(mosaic, [("x", "A")])
