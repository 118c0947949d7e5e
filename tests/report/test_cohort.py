from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from modis.report import Settings
from modis.report._cohort import UNLABELED, make_cohort

if TYPE_CHECKING:
    from mudata import MuData


def test_stated_parts(mosaic: MuData) -> None:
    cohort = make_cohort(mosaic, Settings(labels_key="label", split_key="split"))
    assert list(cohort.part) == ["train", "test"] * 6
    assert list(cohort.train.mod["rna"].obs_names) == ["s0", "s2", "s4", "s6"]
    assert list(cohort.train.mod["protein"].obs_names) == ["s4", "s6", "s8", "s10"]
    np.testing.assert_array_equal(cohort.train.mod["rna"].X, mosaic.mod["rna"].X[::2])
    # the label stood on the MuData only; the one that means "not known" is gone
    assert list(cohort.train.mod["protein"].obs["label"].astype(object))[:3] == ["a"] * 3
    assert cohort.train.mod["protein"].obs["label"].isna().tolist() == [False] * 3 + [True]


def test_only_labelled_observations_are_drawn(mosaic: MuData) -> None:
    for seed in range(5):
        cohort = make_cohort(mosaic, Settings(labels_key="label", test_size=0.4, seed=seed))
        test = cohort.part.index[cohort.part == "test"]
        assert len(test) == 4
        assert set(mosaic.obs.loc[test, "label"].value_counts()) == {2}


def test_draws_depend_on_the_seed_only(mosaic: MuData) -> None:
    first, again, other = (
        make_cohort(mosaic, Settings(labels_key="label", test_size=0.4, seed=seed)).part
        for seed in (0, 0, 1)
    )
    assert first.equals(again)
    assert not first.equals(other)


def test_without_labels_all_are_drawn_from(mosaic: MuData) -> None:
    cohort = make_cohort(mosaic, Settings(test_size=0.25))
    assert (cohort.part == "test").sum() == 3
    assert cohort.label.isna().all()
    assert make_cohort(mosaic, Settings(test_size=0)).part.eq("train").all()


def test_the_input_stays_as_it_was(mosaic: MuData) -> None:
    before = mosaic.copy()
    make_cohort(mosaic, Settings(labels_key="label", split_key="split"))
    pd.testing.assert_frame_equal(mosaic.obs, before.obs, check_dtype=False)
    for name in mosaic.mod:
        pd.testing.assert_frame_equal(mosaic.mod[name].obs, before.mod[name].obs)
        np.testing.assert_array_equal(mosaic.mod[name].X, before.mod[name].X)
    assert dict(mosaic.uns) == {}


def test_counts(mosaic: MuData) -> None:
    cohort = make_cohort(mosaic, Settings(labels_key="label", split_key="split"))
    train, test = cohort.counts("train"), cohort.counts("test")
    assert train.to_dict("index") == {
        "rna": {"a": 4, "b": 0, UNLABELED: 0},
        "protein": {"a": 3, "b": 0, UNLABELED: 1},
    }
    assert test.loc["protein"].to_dict() == {"a": 0, "b": 3, UNLABELED: 1}
    assert cohort.n_modalities.tolist() == [1] * 4 + [2] * 4 + [1] * 4


def test_modalities_that_are_left_out(mosaic: MuData) -> None:
    cohort = make_cohort(mosaic, Settings(labels_key="label", modalities=("rna",)))
    assert cohort.modalities == ["rna"]
    assert cohort.part.isna().tolist() == [False] * 8 + [True] * 4
    assert cohort.train.mod["protein"].n_vars == 0


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (["train"] * 11 + [None], "1 observations have no value .* such as 's11'"),
        (["train"] * 11 + ["val"], "it also has 'val'"),
        (["test"] * 8 + ["train"] * 4, "'rna' has no observation that trains"),
    ],
)
def test_refused_splits(column: list[str], said: str, mosaic: MuData) -> None:
    mosaic.obs["split"] = column
    with pytest.raises(ValueError, match=said):
        make_cohort(mosaic, Settings(split_key="split"))


def test_parts_that_contradict_each_other(mosaic: MuData) -> None:
    mosaic.mod["rna"].obs["split"] = "train"
    with pytest.raises(ValueError, match="4 observations into both parts"):
        make_cohort(mosaic, Settings(split_key="split"))


def test_a_batch_that_only_tests(mosaic: MuData) -> None:
    mosaic.obs["batch"] = ["x", "y"] * 6
    with pytest.raises(ValueError, match="Batch 'y' of modality 'rna' has only test"):
        make_cohort(mosaic, Settings(split_key="split", batch_key="batch"))
