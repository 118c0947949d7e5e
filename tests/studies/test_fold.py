from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from modis.studies import RIVALS, make_cohort, read_mudata
from modis.studies._fold import Design, make_fold
from modis.train import quiet_libraries

LR = ("lr",)


def n_labeled(fold):
    return {name: len(fold.labeled(name)) for name in fold.train}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"methods": ()}, "names no method"),
        ({"methods": ("svm",)}, r"no method 'svm' \(--methods\); there are modis, lr"),
        ({"methods": ("lr", "lr")}, "twice"),
        ({"seeds": 0}, "--seeds must be at least 1"),
        ({"folds": 1}, "--folds must be at least 2"),
        ({"labels_per_class": 0}, "--labels-per-class must be at least 1"),
        ({"folds": 3, "split_key": "part"}, "either --split-key or --folds"),
        ({"transfer": ("rna", "rna")}, "both 'rna'"),
        ({"transfer": ("rna", "adt"), "unpaired": True}, "leave --folds and --unpaired out"),
        ({"transfer": ("rna", "adt"), "folds": 2}, "leave --folds and --unpaired out"),
    ],
)
def test_what_cannot_be_compared_is_refused(fields, said):
    with pytest.raises(ValueError, match=said):
        Design(**{"methods": LR, **fields}).check(RIVALS)


def test_stated_parts_as_they_are(cohort):
    fold = make_fold(cohort, Design(LR), 0)
    test = cohort.part.index[cohort.part == "test"]
    for name in cohort.modalities:
        assert set(fold.test[name]) == set(test)
        assert set(fold.train[name].index) == set(cohort.part.index) - set(test)
    assert n_labeled(fold) == dict.fromkeys(cohort.modalities, 90)


def test_folds_test_every_labelled_observation_once(mosaic):
    obs = mosaic.mod["protein"].obs
    obs["label"] = obs["label"].astype(str)
    # in protein only
    obs.loc[obs.index[-10:], "label"] = "unknown"
    cohort = make_cohort(mosaic, "label")
    folds = [make_fold(cohort, Design(LR, folds=3), 1, number) for number in range(3)]
    for name in cohort.modalities:
        tested = np.concatenate([fold.test[name] for fold in folds])
        known = cohort.label.index.intersection(cohort.modalities[name].obs_names)
        assert sorted(tested) == sorted(known)
        for fold in folds:
            assert not set(fold.test[name]) & set(fold.train[name].index)
    assert all(set(obs.index[-10:]) <= set(fold.train["protein"].index) for fold in folds)
    other = make_fold(cohort, Design(LR, folds=3), 2, 0)
    assert set(other.test["protein"]) != set(folds[0].test["protein"])
    with pytest.raises(ValueError, match="cannot be cut into 80 folds"):
        make_fold(cohort, Design(LR, folds=80), 0)


def test_unpaired_assigns_training_observations_within_classes(cohort):
    fold = make_fold(cohort, Design(LR, unpaired=True), 3)
    names = np.concatenate([column.index for column in fold.train.values()])
    assert len(set(names)) == len(names) == 90
    counts = pd.DataFrame({name: c.value_counts() for name, c in fold.train.items()})
    assert (counts == 6).all(axis=None)
    assert all(len(names) == 30 for names in fold.test.values())
    again = make_fold(cohort, Design(LR, unpaired=True), 4)
    assert set(again.train["protein"].index) != set(fold.train["protein"].index)


def test_the_protocol_of_a_small_cohort(shared_data):
    with quiet_libraries(silent=True):
        mdata = read_mudata(shared_data / "brca_tcga.h5mu")
    cohort = make_cohort(mdata, "label", split_key="split70_seed0")
    fold = make_fold(cohort, Design(LR, unpaired=True), 0)
    assert n_labeled(fold) == {"mrna": 62, "meth": 61, "mirna": 59, "rppa": 58}
    fold = make_fold(cohort, Design(LR, unpaired=True, labels_per_class=5), 0)
    assert n_labeled(fold) == {"mrna": 22, "meth": 22, "mirna": 21, "rppa": 21}


def test_labels_are_drawn_in_each_modality(cohort):
    fold = make_fold(cohort, Design(LR, labels_per_class=2), 0)
    assert n_labeled(fold) == dict.fromkeys(cohort.modalities, 10)
    assert all(len(column) == 90 for column in fold.train.values())
    shown = [fold.labeled(name) for name in fold.train]
    for known in shown:
        assert (known.value_counts() == 2).all()
        assert (known == cohort.label.reindex(known.index)).all()
    assert set(shown[0].index) != set(shown[1].index)
    # more than there are
    more = make_fold(cohort, Design(LR, labels_per_class=100), 0)
    assert n_labeled(more) == dict.fromkeys(cohort.modalities, 90)


@pytest.mark.parametrize("unpaired", [False, True])
def test_validation_leaves_the_test_part_alone(cohort, unpaired):
    fold = make_fold(cohort, Design(LR, validation=True, unpaired=unpaired), 0)
    train = set(cohort.part.index[cohort.part == "train"])
    seen = set(fold.test["protein"]).union(*(column.index for column in fold.train.values()))
    assert seen == train
    assert not set(fold.test["protein"]) & set(fold.train["protein"].index)
    counts = cohort.label.reindex(fold.test["protein"]).value_counts()
    assert counts.sum() == 27
    assert counts.min() >= 5


def test_transfer_uses_all_and_hides_the_target(cohort):
    transfer = ("expression", "protein")
    fold = make_fold(cohort, Design(LR, transfer=transfer), 0)
    assert list(fold.train) == ["expression", "protein"]
    assert n_labeled(fold) == {"expression": 60, "protein": 0}
    assert list(fold.test) == ["protein"]
    tested = set(fold.test["protein"])
    assert tested == set(fold.train["protein"].index)
    assert set(fold.train["expression"].index) | tested == set(cohort.label.index)
    assert (cohort.label.reindex(fold.test["protein"]).value_counts() == 12).all()
    few = make_fold(cohort, Design(LR, transfer=transfer, labels_per_class=3), 0)
    assert n_labeled(few) == {"expression": 15, "protein": 0}
    with pytest.raises(KeyError, match=r"no modality 'rna' \(--transfer-to\)"):
        make_fold(cohort, Design(LR, transfer=("protein", "rna")), 0)


@pytest.mark.parametrize(("part", "said"), [("test", "test on"), ("train", "train on")])
def test_a_part_without_labels_is_refused(mosaic, part, said):
    for adata in mosaic.mod.values():
        adata.obs["label"] = adata.obs["label"].astype(str)
        adata.obs.loc[adata.obs["part"] == part, "label"] = "unknown"
    cohort = make_cohort(mosaic, "label", split_key="part")
    with pytest.raises(ValueError, match=f"is left to {said}"):
        make_fold(cohort, Design(LR), 0)


def test_counts_become_logarithms_of_equal_sums(mosaic):
    cohort = make_cohort(
        mosaic, "label", layer="protein=counts", likelihood="protein=nb", split_key="part"
    )
    fold = make_fold(cohort, Design(LR), 0)
    names = cohort.modalities["protein"].obs_names[[5, 2]]
    counts = mosaic.mod["protein"].to_df("counts")
    size = counts.loc[fold.train["protein"].index].sum(axis=1).median()
    found = np.expm1(fold.features("protein", names))
    np.testing.assert_allclose(found.sum(axis=1), size, rtol=1e-4)
    np.testing.assert_allclose(
        found[0] / found[0].sum(), counts.loc[names[0]] / counts.loc[names[0]].sum(), rtol=1e-4
    )
    names = cohort.modalities["methylation"].obs_names[:3]
    expected = mosaic.mod["methylation"][names].X
    np.testing.assert_array_equal(fold.features("methylation", names), expected)
