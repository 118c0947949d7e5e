from __future__ import annotations

import inspect

import numpy as np
import pytest

from modis.datasets import intersim, unpair
from modis.experiments import METHODS, SETTINGS, Setting
from modis.model import MODIS
from modis.train import MODISTrainingPlan


@pytest.fixture(scope="module")
def train():
    sizes = {"methylation": 10, "expression": 6, "protein": 8}
    return unpair(intersim(n_samples=300, n_features=sizes, seed=1), seed=1)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_leaves_what_it_names(train, name):
    setting = SETTINGS[name]
    made = setting.apply(train, "label", "class_5", seed=3)
    for modality, adata in made.mod.items():
        labels = adata.obs["label"].astype(str)
        if setting.rare_samples is not None:
            assert (labels == "class_5").sum() == setting.rare_samples
        known = (labels != "unknown").sum()
        whole = train.mod[modality].n_obs if setting.rare_samples is None else adata.n_obs
        assert known == round(setting.labeled_fraction * whole)


def test_the_same_seed_draws_the_same_and_another_one_does_not(train):
    setting = Setting(rare_samples=5)
    names = [
        setting.apply(train, "label", "class_5", seed).mod["protein"].obs_names
        for seed in (1, 1, 2)
    ]
    assert names[0].equals(names[1])
    assert not names[0].equals(names[2])


@pytest.mark.parametrize("name", METHODS)
def test_methods_name_arguments_that_exist(name):
    method = METHODS[name]
    assert set(method.train) <= set(inspect.signature(MODIS.train).parameters)
    plan = method.train.get("plan_kwargs", {})
    assert set(plan) <= set(inspect.signature(MODISTrainingPlan).parameters)


def test_the_papers_hyperparameters():
    paper = METHODS["paper"]
    assert paper.model == {"architecture": "paper"}
    assert paper.train["batch_size"] == 32
    plan = paper.train["plan_kwargs"]
    assert plan["lr"] == plan["lr_discriminator"] == 1e-4
    assert plan["loss_weights"]["clustering"] == 1.0
    # 5e-4 on a sum over a batch of 32
    signature = inspect.signature(MODISTrainingPlan)
    assert signature.parameters["betas"].default == (0.5, 0.999)
    from modis.train import LOSS_WEIGHTS

    assert np.isclose(LOSS_WEIGHTS["kl"], 5e-4 * 32)
