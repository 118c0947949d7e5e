from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest

from modis.datasets import intersim, unpair
from modis.model import MODIS
from modis.studies import FIGURES, METHODS, SETTINGS
from modis.studies._settings import settings_of
from modis.train import LOSS_WEIGHTS, MODISTrainingPlan

CLASSES = [f"class_{k}" for k in range(1, 6)]
MODALITIES = ["methylation", "expression", "protein"]
#: Samples of each class in each modality.
N = 120


@pytest.fixture(scope="module")
def train():
    sizes = {"methylation": 4, "expression": 3, "protein": 3}
    return unpair(intersim(n_samples=5 * 3 * N, n_features=sizes, seed=1), seed=1)


def counts(mdata, truth=None):
    """Samples by class and modality, as a model sees them, or by their true class."""
    table = {}
    for name, adata in mdata.mod.items():
        labels = (truth or mdata)[name].obs["label"].astype(str)
        table[name] = labels.loc[adata.obs_names].value_counts()
    return pd.DataFrame(table).fillna(0)


def made(train, name, seed):
    """The setting; what it is made of stays as it was."""
    before = counts(train)
    found = SETTINGS[name].apply(train, "label", seed)
    assert counts(train).equals(before)
    return found


@pytest.mark.parametrize("percent", [100, 5, 0.5, 0.2, 0])
def test_labels(train, percent):
    found = made(train, f"labels-{percent}", 3)
    assert (counts(found, train) == N).all(axis=None)
    known = counts(found).reindex(CLASSES).fillna(0)
    assert (known.sum() == round(percent / 100 * 5 * N)).all()
    assert ((known - percent / 100 * N).abs() < 1).all(axis=None)


@pytest.mark.parametrize(("n", "seed"), [(100, 0), (50, 6), (20, 0), (10, 0), (5, 6), (1, 0)])
def test_rare(train, n, seed):
    expected = pd.Series(N, index=CLASSES)
    expected[CLASSES[seed % 5]] = n
    assert SETTINGS[f"rare-{n}"].rare_class(CLASSES, seed) == CLASSES[seed % 5]
    found = counts(made(train, f"rare-{n}", seed))
    for name in MODALITIES:
        assert found[name].loc[CLASSES].to_dict() == expected.to_dict()


@pytest.mark.parametrize("percent", [100, 50, 20, 10, 5, 2, 1, 0.5])
def test_reference(train, percent):
    found = made(train, f"reference-{percent}", seed=2)
    assert (counts(found, train).loc["class_3"] == 20).all()
    shown = counts(found)
    assert (shown.loc["class_3"] == 20).all()
    others = shown.reindex(CLASSES).fillna(0).drop("class_3")
    assert (others.sum() == round(percent / 100 * 4 * N)).all()


@pytest.mark.parametrize("n_pairs", [1, 2])
@pytest.mark.parametrize(("back", "seed"), [(0, 0), (1, 4), (2, 7), (5, 0)])
def test_missing(train, n_pairs, back, seed):
    name = f"missing-{n_pairs}" + (f"-back-{back}" if back else "")
    expected = pd.DataFrame(N, index=CLASSES, columns=MODALITIES)
    pairs = [(CLASSES[k % 5], MODALITIES[k % 3]) for k in range(seed, seed + n_pairs)]
    for pair in pairs:
        expected.loc[pair] = back
    found = counts(made(train, name, seed)).reindex(CLASSES)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_names=False)
    assert SETTINGS[name].missing(CLASSES, MODALITIES, seed) == pairs


@pytest.mark.parametrize("percent", [5, 10, 20])
def test_corrupted(train, percent):
    found = made(train, f"corrupted-{percent}", seed=1)
    wrong = found.obs["label"].astype(str) != train.obs["label"].astype(str).loc[found.obs_names]
    assert wrong.sum() == percent / 100 * 15 * N
    assert (counts(found, train) == N).all(axis=None)


@pytest.mark.parametrize("delta", [0.25, 0.5, 1])
def test_delta_leaves_the_data_as_they_are(train, delta):
    assert SETTINGS[f"delta-{delta}"].delta == delta
    assert counts(made(train, f"delta-{delta}", seed=1)).equals(counts(train))


def test_every_setting_was_tested_above_and_stands_in_one_figure():
    by_figure = [settings_of(figure) for figure in FIGURES]
    assert [len(names) for names in by_figure] == [5, 14, 8, 3, 3]
    assert sorted(sum(by_figure, [])) == sorted(SETTINGS) == sorted(settings_of("all"))
    assert settings_of("fig2", ["labels-5"]) == ["labels-5"]
    with pytest.raises(ValueError, match="no figure 'fig5'"):
        settings_of("fig5")
    with pytest.raises(ValueError, match="'fig2' has no setting 'rare-5'"):
        settings_of("fig2", ["rare-5"])


def test_the_same_seed_draws_the_same_and_another_one_does_not(train):
    labels = [SETTINGS["labels-5"].apply(train, "label", s).obs["label"] for s in (1, 1, 2)]
    assert labels[0].equals(labels[1])
    assert not labels[0].equals(labels[2])


@pytest.mark.parametrize("name", METHODS)
def test_methods_name_arguments_that_exist(name):
    method = METHODS[name]
    assert set(method.train) <= set(inspect.signature(MODIS.train).parameters)
    plan = method.train.get("plan_kwargs", {})
    assert set(plan) <= set(inspect.signature(MODISTrainingPlan).parameters)
    assert set(plan.get("loss_weights", {})) <= set(LOSS_WEIGHTS)


def test_the_papers_hyperparameters():
    paper = METHODS["paper"]
    assert paper.model == {"architecture": "paper"}
    assert paper.train["batch_size"] == 32
    plan = paper.train["plan_kwargs"]
    assert plan["lr"] == plan["lr_discriminator"] == 1e-4
    weights = plan["loss_weights"]
    # 5e-4 on a sum over a batch of 32
    assert np.isclose(weights["kl"], 5e-4 * 32)
    others = {"reconstruction", "adversarial", "modality", "classification", "clustering"}
    assert {name for name, weight in weights.items() if weight == 1} == others
    # terms that the paper does not have
    assert all(weights[name] == 0 for name in set(LOSS_WEIGHTS) - others - {"kl"})
    assert inspect.signature(MODISTrainingPlan).parameters["betas"].default == (0.5, 0.999)
