from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest

from modis.datasets import intersim, unpair
from modis.experiments import FIGURES, METHODS, SETTINGS, Setting, settings_of
from modis.model import MODIS
from modis.train import LOSS_WEIGHTS, MODISTrainingPlan

CLASSES = [f"class_{k}" for k in range(1, 6)]
MODALITIES = ["methylation", "expression", "protein"]
#: Samples of each class in each modality.
N = 120


@pytest.fixture(scope="module")
def train():
    sizes = {"methylation": 4, "expression": 3, "protein": 3}
    return unpair(intersim(n_samples=5 * 3 * N, n_features=sizes, seed=1), seed=1)


def counts(mdata):
    """Labels by class and modality, as a model sees them."""
    return pd.DataFrame(
        {name: adata.obs["label"].astype(str).value_counts() for name, adata in mdata.mod.items()}
    ).fillna(0)


def n_samples(mdata, train):
    """Samples by true class and modality."""
    return pd.DataFrame(
        {
            name: train[name].obs["label"].astype(str).loc[adata.obs_names].value_counts()
            for name, adata in mdata.mod.items()
        }
    ).fillna(0)


@pytest.mark.parametrize("seed", [0, 3])
@pytest.mark.parametrize("percent", [100, 5, 0.5, 0.2, 0])
def test_labels(train, percent, seed):
    made = SETTINGS[f"labels-{percent}"].apply(train, "label", seed)
    assert (n_samples(made, train) == N).all(axis=None)
    shown = counts(made)
    known = shown.reindex(CLASSES).fillna(0)
    assert (known.sum() == round(percent / 100 * 5 * N)).all()
    assert ((known - percent / 100 * N).abs() < 1).all(axis=None)


@pytest.mark.parametrize("seed", [0, 6])
@pytest.mark.parametrize("n", [100, 50, 20, 10, 5, 1])
def test_rare(train, n, seed):
    setting = SETTINGS[f"rare-{n}"]
    made = setting.apply(train, "label", seed)
    expected = pd.Series(N, index=CLASSES)
    rare = CLASSES[seed % 5]
    expected[rare] = n
    assert setting.rare_class(CLASSES, seed) == rare
    for name in MODALITIES:
        assert counts(made)[name].loc[CLASSES].to_dict() == expected.to_dict()


@pytest.mark.parametrize("percent", [100, 50, 20, 10, 5, 2, 1, 0.5])
def test_reference(train, percent):
    made = SETTINGS[f"reference-{percent}"].apply(train, "label", seed=2)
    assert (n_samples(made, train).loc["class_3"] == 20).all()
    shown = counts(made)
    assert (shown.loc["class_3"] == 20).all()
    others = shown.reindex(CLASSES).fillna(0).drop("class_3")
    assert (others.sum() == round(percent / 100 * 4 * N)).all()


@pytest.mark.parametrize("seed", [0, 4, 7])
@pytest.mark.parametrize("n_pairs", [1, 2])
@pytest.mark.parametrize("back", [0, 1, 2, 5])
def test_missing(train, n_pairs, back, seed):
    setting = SETTINGS[f"missing-{n_pairs}" + (f"-back-{back}" if back else "")]
    made = setting.apply(train, "label", seed)
    expected = pd.DataFrame(N, index=CLASSES, columns=MODALITIES)
    for shift in range(n_pairs):
        expected.loc[CLASSES[(seed + shift) % 5], MODALITIES[(seed + shift) % 3]] = back
    pd.testing.assert_frame_equal(
        counts(made).reindex(CLASSES), expected, check_dtype=False, check_names=False
    )
    pairs = setting.missing(CLASSES, MODALITIES, seed)
    assert {
        (name, m) for name in CLASSES for m in MODALITIES if expected.loc[name, m] != N
    } == set(pairs)


@pytest.mark.parametrize("percent", [5, 10, 20])
def test_corrupted(train, percent):
    made = SETTINGS[f"corrupted-{percent}"].apply(train, "label", seed=1)
    wrong = made.obs["label"].astype(str) != train.obs["label"].astype(str).loc[made.obs_names]
    assert wrong.sum() == percent / 100 * 15 * N
    assert (n_samples(made, train) == N).all(axis=None)


@pytest.mark.parametrize("delta", [0.25, 0.5, 1])
def test_delta_leaves_the_data_as_they_are(train, delta):
    setting = SETTINGS[f"delta-{delta}"]
    assert setting.delta == delta
    assert counts(setting.apply(train, "label", seed=1)).equals(counts(train))


def test_every_setting_was_tested_above_and_stands_in_one_figure():
    by_figure = [settings_of(figure) for figure in FIGURES]
    assert [len(names) for names in by_figure] == [5, 14, 8, 3, 3]
    assert sorted(sum(by_figure, [])) == sorted(SETTINGS) == sorted(settings_of("all"))
    with pytest.raises(ValueError, match="no figure 'fig5'"):
        settings_of("fig5")


@pytest.mark.parametrize("name", SETTINGS)
def test_training_data_are_not_changed(train, name):
    before = counts(train)
    SETTINGS[name].apply(train, "label", seed=1)
    assert counts(train).equals(before)


def test_the_same_seed_draws_the_same_and_another_one_does_not(train):
    setting = Setting("fig2", labeled_fraction=0.1)
    labels = [setting.apply(train, "label", seed).obs["label"] for seed in (1, 1, 2)]
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
