from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from modis.studies import RIVALS, make_cohort, read_mudata
from modis.studies._design import Design, Scenario, linked_features, make_fold, scenarios
from modis.train import quiet_libraries

LR = ("lr",)
STANDARD = Scenario("standard", 0, ("classes",))
FEW, TRANSFER, UNSEEN = (Scenario(name, 0, (name,)) for name in ("few", "transfer", "unseen"))


def make(cohort, scenario=STANDARD, seed=0, **fields):
    return make_fold(cohort, Design(LR, **fields), scenario, seed)


def n_labeled(fold):
    return {name: len(fold.labeled(name)) for name in fold.train}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"methods": ()}, "--methods names none"),
        ({"methods": ("svm",)}, r"no 'svm' \(--methods\); there are modis, lr"),
        ({"methods": ("lr", "lr")}, "twice"),
        ({"tasks": ("walks",)}, r"no 'walks' \(--tasks\); there are classes, few"),
        ({"splits": 0}, "--splits must be at least 1"),
        ({"labels_per_class": 0}, "--labels-per-class must be at least 1"),
        ({"test_size": 1.0}, "--test-size must lie between 0 and 1"),
        ({"validation": True}, "--validation splits the training part of --split-key"),
    ],
)
def test_what_cannot_be_compared_is_refused(fields, said):
    with pytest.raises(ValueError, match=said):
        Design(**{"methods": LR, **fields}).check(RIVALS)


def test_splits_are_stratified_and_differ(mosaic):
    obs = mosaic.mod["protein"].obs
    # in protein only
    obs.loc[obs.index[-10:], "label"] = "unknown"
    cohort = make_cohort(mosaic, "label")
    folds = [make(cohort, seed=seed) for seed in range(3)]
    for fold in folds:
        tested = set().union(*fold.test.values())
        assert len(tested) == round(0.3 * len(cohort.label))
        counts = cohort.label.reindex(sorted(tested)).value_counts()
        assert counts.max() - counts.min() <= 3
        for name in cohort.modalities:
            assert not set(fold.test[name]) & set(fold.train[name].index)
        assert set(obs.index[-10:]) <= set(fold.train["protein"].index)
    assert set(folds[0].test["protein"]) != set(folds[1].test["protein"])


@pytest.mark.parametrize("labeled", [True, False])
def test_groups_stay_on_one_side(mosaic, labeled):
    for adata in mosaic.mod.values():
        adata.obs["patient"] = [f"p{int(name.split('_')[-1]) % 40}" for name in adata.obs_names]
        if not labeled:
            adata.obs.loc[adata.obs_names[::4], "label"] = "unknown"
    cohort = make_cohort(mosaic, "label", group_key="patient")
    for seed in range(3):
        fold = make(cohort, seed=seed)
        tested = set(cohort.groups.reindex(list(set().union(*fold.test.values()))))
        for column in fold.train.values():
            assert not tested & set(cohort.groups.reindex(column.index))
        assert 0.2 < len(tested) / 40 < 0.5
    for adata in mosaic.mod.values():
        numbers = [int(name.split("_")[-1]) for name in adata.obs_names]
        adata.obs["part"] = ["test" if number % 3 else "train" for number in numbers]
    with pytest.raises(ValueError, match="are in both parts of --split-key"):
        make_cohort(mosaic, "label", group_key="patient", split_key="part")


def test_unpaired_assigns_training_observations_within_classes(cohort):
    fold = make(cohort, seed=3, unpaired=True)
    names = np.concatenate([column.index for column in fold.train.values()])
    assert len(set(names)) == len(names) == 90
    counts = pd.DataFrame({name: c.value_counts() for name, c in fold.train.items()})
    assert (counts == 6).all(axis=None)
    assert all(len(names) == 30 for names in fold.test.values())
    again = make(cohort, seed=4, unpaired=True)
    assert set(again.train["protein"].index) != set(fold.train["protein"].index)


def test_the_protocol_of_a_small_cohort(shared_data):
    with quiet_libraries(silent=True):
        mdata = read_mudata(shared_data / "brca_tcga.h5mu")
    cohort = make_cohort(mdata, "label", split_key="split70_seed0")
    fold = make(cohort, unpaired=True)
    assert n_labeled(fold) == {"mrna": 62, "meth": 61, "mirna": 59, "rppa": 58}
    fold = make(cohort, FEW, unpaired=True)
    assert n_labeled(fold) == {"mrna": 22, "meth": 22, "mirna": 21, "rppa": 21}


def test_labels_are_drawn_in_each_modality(cohort):
    fold = make(cohort, FEW, labels_per_class=2)
    assert n_labeled(fold) == dict.fromkeys(cohort.modalities, 10)
    assert all(len(column) == 90 for column in fold.train.values())
    shown = [fold.labeled(name) for name in fold.train]
    for known in shown:
        assert (known.value_counts() == 2).all()
        assert (known == cohort.label.reindex(known.index)).all()
    assert set(shown[0].index) != set(shown[1].index)
    assert n_labeled(make(cohort, labels_per_class=2)) == dict.fromkeys(cohort.modalities, 90)


@pytest.mark.parametrize("scenario", [STANDARD, FEW, UNSEEN])
@pytest.mark.parametrize("unpaired", [False, True])
def test_validation_leaves_the_test_part_alone(cohort, unpaired, scenario):
    train = set(cohort.part.index[cohort.part == "train"])
    for seed in range(3):
        fold = make(cohort, scenario, seed, validation=True, unpaired=unpaired)
        tested = set().union(*fold.test.values())
        assert len(tested) == 27
        trained = set().union(*(column.index for column in fold.train.values()))
        assert tested | trained <= train
        assert not tested & trained


def test_transfer_hides_the_target_and_turns(paired):
    cohort = make_cohort(paired, "label", split_key="part", links=paired.uns["feature_links"])
    assert TRANSFER in scenarios(cohort, Design(LR))
    directions = set()
    for seed in range(4):
        fold = make(cohort, TRANSFER, seed)
        (target,) = fold.test
        (source,) = set(fold.train) - {target}
        directions.add((source, target))
        assert n_labeled(fold) == {source: 45, target: 0} | dict.fromkeys((source,), 45)
        assert not set(fold.train[source].index) & set(fold.train[target].index)
        assert not set(fold.test[target]) & set(fold.train[target].index)
    linked = {("methylation", "expression"), ("protein", "expression")}
    assert directions == linked | {pair[::-1] for pair in linked}
    without = make_cohort(paired, "label", split_key="part")
    assert TRANSFER not in scenarios(without, Design(LR))


def test_a_pair_of_class_and_modality_is_taken_away(cohort):
    pairs = []
    for seed in range(6):
        fold = make(cohort, UNSEEN, seed)
        name, modality = fold.unseen
        assert list(fold.test) == [modality]
        assert name not in set(fold.train[modality])
        assert all(name in set(own) for m, own in fold.train.items() if m != modality)
        pairs.append(fold.unseen)
    assert len(set(pairs)) == 6


def test_links_in_either_direction(cohort):
    columns = ["source_modality", "source_feature", "target_modality", "target_feature", "sign"]
    genes, proteins = (cohort.modalities[m].var_names for m in ("expression", "protein"))
    rows = [
        ("protein", proteins[1], "expression", genes[0], -1.0),
        ("expression", genes[2], "protein", proteins[2], 1.0),
        ("expression", genes[2], "protein", proteins[2], 1.0),
        ("protein", "gone", "expression", genes[1], 1.0),
    ]
    with_links = replace(cohort, links=pd.DataFrame(rows, columns=columns))
    linked = linked_features(with_links, "expression", "protein")
    found = sorted(linked.itertuples(index=False, name=None))
    assert found == sorted([(genes[0], proteins[1], -1.0), (genes[2], proteins[2], 1.0)])
    assert linked_features(cohort, "expression", "protein").empty


@pytest.mark.parametrize(("part", "said"), [("test", "test on"), ("train", "train on")])
def test_a_part_without_labels_is_refused(mosaic, part, said):
    for adata in mosaic.mod.values():
        adata.obs.loc[adata.obs["part"] == part, "label"] = "unknown"
    cohort = make_cohort(mosaic, "label", split_key="part")
    with pytest.raises(ValueError, match=f"is left to {said}"):
        make(cohort)


def test_counts_become_logarithms_of_equal_sums(mosaic):
    how = {"layer": "protein=counts", "likelihood": "protein=nb", "split_key": "part"}
    cohort = make_cohort(mosaic, "label", **how)
    fold = make(cohort)
    names = cohort.modalities["protein"].obs_names[[5, 2]]
    counts = mosaic.mod["protein"].to_df("counts")
    size = counts.loc[fold.train["protein"].index].sum(axis=1).median()
    found = np.expm1(fold.features("protein", names))
    np.testing.assert_allclose(found.sum(axis=1), size, rtol=1e-4)
    own = counts.loc[names[0]]
    np.testing.assert_allclose(found[0] / found[0].sum(), own / own.sum(), rtol=1e-4)
    names = cohort.modalities["methylation"].obs_names[:3]
    expected = mosaic.mod["methylation"][names].X
    np.testing.assert_array_equal(fold.features("methylation", names), expected)


def test_units_of_translations(mosaic):
    how = {"layer": "protein=counts", "likelihood": "protein=nb", "split_key": "part"}
    fold = make(make_cohort(mosaic, "label", **how))
    names = fold.train["protein"].index
    logs = np.log1p(mosaic.mod["protein"].to_df("counts"))
    train = logs.loc[names]
    expected = (logs - train.mean()) / train.std(ddof=0)
    tested = fold.test["protein"]
    np.testing.assert_allclose(fold.profiles("protein", tested), expected.loc[tested], atol=1e-4)
    given = mosaic.mod["protein"][tested].layers["counts"]
    found = fold.profiles("protein", tested, given.astype(float))
    np.testing.assert_allclose(found, expected.loc[tested], atol=1e-4)


def test_methods_get_missing_values_filled_with_the_training_mean(mosaic):
    mosaic.mod["protein"].X[::3, 1] = np.nan
    cohort = make_cohort(mosaic, "label")
    fold = make(cohort)
    train = fold.train["protein"].index
    measured = cohort.values("protein", train)[:, 1]
    found = fold.features("protein", train)[:, 1]
    missing = np.isnan(measured)
    assert missing.any()
    np.testing.assert_array_equal(found[~missing], measured[~missing])
    np.testing.assert_allclose(found[missing], np.nanmean(measured), rtol=1e-5)
