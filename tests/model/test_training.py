import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scvi
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from scvi.train import SaveCheckpoint, TrainRunner

from modis import MODIS
from modis.train import _training_plan

from .._make import CPG, RNA, make_mdata, make_mudata
from ._made import BRIEFLY, cohort, equal, shuffled, weights

pytestmark = pytest.mark.usefixtures("quick")


@pytest.mark.parametrize(
    ("sizes", "setup", "train_size", "held_out"),
    [
        # stratified by class, or without any
        ({}, {}, None, [6, 8]),
        ({}, {"labels_key": None}, None, [6, 8]),
        ({"architecture": "paper"}, {}, None, [0, 0]),
        ({}, {}, 0.5, [30, 40]),
        ({}, {}, 1.0, [0, 0]),
    ],
)
def test_rows_are_held_out_as_preset_or_user_say(fit, sizes, setup, train_size, held_out):
    model = fit(make_mdata(), model=sizes, train={"train_size": train_size}, **setup)
    assert [len(rows) for rows in model.validation_indices.values()] == held_out
    trained = [sum(counts) for (counts,) in model.condition_counts_.values()]
    assert np.add(trained, held_out).tolist() == [60, 80]
    assert any(name.endswith("_validation") for name in model.history) is (held_out != [0, 0])
    assert (model.best_epoch_ is None) is (held_out == [0, 0])


def test_training_without_a_validation(fit):
    """On request, or because it ends before the first epoch does."""
    on_request = {"limit_val_batches": 0, "early_stopping_patience": 1.0}
    for train in (on_request, {"max_steps": 2, "batch_size": 8}):
        model = fit(make_mdata(), train=train)
        assert not any(name.endswith("_validation") for name in model.history)
        assert model.best_epoch_ is None and model.is_trained


@pytest.mark.filterwarnings("ignore:Most of the 24 classes:UserWarning")
@pytest.mark.parametrize("train_size", [0.8, None])
def test_a_hold_out_without_an_observation_is_told(build, train_size):
    """Whether the user asked for it or the preset; not if all were to train."""
    data = make_mudata({name: adata[:12].copy() for name, adata in make_mdata().mod.items()})
    for adata in data.mod.values():
        adata.obs["label"] = list(adata.obs_names)
    model = build(data)
    said = f"train_size={train_size or 0.9} holds out no observation.*train_size=1"
    with pytest.warns(UserWarning, match=said) as warned:
        model.train(train_size=train_size, **BRIEFLY)
    assert warned[0].filename == __file__
    model.train(train_size=1, **BRIEFLY)


class Watch(Callback):
    """Keep the weights of every validation pass, and press Ctrl-C in an epoch."""

    def __init__(self, stop_in=None):
        self.kept, self.stop_in = [], stop_in

    def on_train_batch_end(self, trainer, plan, outputs, batch, batch_idx):
        assert torch.isfinite(outputs["loss"])
        if trainer.current_epoch == self.stop_in and batch_idx == 1:
            raise KeyboardInterrupt

    def on_validation_end(self, trainer, plan):
        self.kept.append(weights(plan, linear=False))


def scored(monkeypatch, scores):
    """Validation passes that give these scores."""
    given = ({"selection": score} for score in scores)
    monkeypatch.setattr(_training_plan, "validation_scores", lambda seen: next(given))


def test_early_stopping_keeps_the_best_weights(build, monkeypatch):
    scored(monkeypatch, [3.0, 1.0, 1.0, 2.0, 2.0, 0.0])
    model, watch = build(make_mdata()), Watch()
    options = {"early_stopping_patience": 3, "check_val_every_n_epoch": 1, "callbacks": [watch]}
    model.train(train_size=0.9, **BRIEFLY | {"max_epochs": 40} | options)
    assert len(model.history["loss_train"]) == len(watch.kept) == 5
    assert model.best_epoch_ == 1
    assert equal(weights(model, linear=False), watch.kept[1])


@pytest.mark.parametrize(("batch_size", "every"), [(4, 1), (16, 2), (64, 5)])
def test_early_stopping_waits_for_half_of_the_epochs(fit, monkeypatch, batch_size, every):
    """Ten steps or more lie between two validations."""
    given = {}

    class Runner(TrainRunner):
        def __init__(self, *args, **kwargs):
            given.update(kwargs)
            super().__init__(*args, **kwargs | {"max_epochs": 1})

    monkeypatch.setattr(MODIS, "_train_runner_cls", Runner)
    fit(make_mdata(), train={"max_epochs": 100, "batch_size": batch_size, "train_size": 0.9})
    assert given["early_stopping"] and given["check_val_every_n_epoch"] == every
    assert given["early_stopping_patience"] * every == pytest.approx(50, abs=every)


def interrupted(model, stop_in, **options):
    watch = Watch(stop_in)
    with pytest.raises(KeyboardInterrupt):
        model.train(**BRIEFLY | {"max_epochs": 9, "callbacks": [watch]} | options)
    # ready to predict and to train on
    assert not model.module.training
    assert all(parameter.requires_grad for parameter in model.module.parameters())
    return watch


def test_an_interrupt_leaves_the_best_weights_so_far(build, monkeypatch, tmp_path):
    scored(monkeypatch, [3.0, 1.0, 2.0, *range(9)])
    model = build(make_mdata())
    watch = interrupted(model, 3, train_size=0.8, check_val_every_n_epoch=1)
    assert model.is_trained
    assert model.best_epoch_ == 1
    assert equal(weights(model, linear=False), watch.kept[1])
    assert len(model.history["loss_train"]) == 3
    assert [len(rows) for rows in model.validation_indices.values()] == [12, 16]
    model.save(tmp_path / "model")
    assert equal(weights(MODIS.load(tmp_path / "model", False)), weights(model))
    model.train(train_size=0.8, **BRIEFLY)
    assert len(model.history["loss_train"]) == 5


def test_an_interrupt_in_the_first_epoch_leaves_the_model_as_it_was(build):
    model = build(make_mdata())
    before = weights(model)
    interrupted(model, 0)
    assert not model.is_trained
    assert equal(weights(model), before)
    model.train(train_size=0.8, **BRIEFLY)
    before, best_epoch = weights(model), model.best_epoch_
    interrupted(model, 0)
    assert model.is_trained
    assert model.best_epoch_ == best_epoch is not None
    assert equal(weights(model), before)
    # with nothing held out the last weights are the best that there are
    interrupted(model, 2, train_size=1)
    assert model.best_epoch_ is None
    assert not equal(weights(model), before)
    assert np.isfinite(model.get_latent_representation()).all()


CHECKPOINTS = {
    "on": lambda: {},
    "nothing held out": lambda: {"train_size": 1.0},
    "scvi-tools": lambda: {
        "callbacks": [SaveCheckpoint(monitor="selection_validation", load_best_on_end=True)]
    },
    "Lightning": lambda: {"callbacks": [ModelCheckpoint(dirpath="here")]},
}


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_checkpoints(fit, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(scvi.settings, "logging_dir", str(tmp_path / "logs"))
    options = {"enable_checkpointing": True, "train_size": 0.8} | CHECKPOINTS[kind]()
    model = fit(make_mdata(), train=options)
    assert np.isfinite(model.predict(soft=True)).all(axis=None)
    if kind == "Lightning":
        assert list(tmp_path.glob("here/*.ckpt"))
    else:
        (file,) = tmp_path.rglob("model.json")
        assert ("loss_train" in str(file)) is (kind == "nothing held out")
        assert MODIS.load(file.parent, False).preset == model.preset


def test_clipping_and_steps_are_those_of_the_two_steps(fit):
    clipping = {"gradient_clip_val": 0.5, "gradient_clip_algorithm": "value"}
    options = clipping | {"max_steps": 7, "callbacks": [], "plan_kwargs": {"lr": 1e-3}}
    given = copy.deepcopy(options)
    model = fit(make_mdata(), train=given)
    # the user's arguments stay as they are
    assert given == options
    assert model.trainer.lightning_module.clipping == clipping
    assert model.trainer.global_step == 7
    assert len(model.history["loss_train"]) == 2


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true", "16-true"])
def test_half_precision_is_for_training_only(fit, precision):
    model = fit(make_mdata(), train={"precision": precision, "train_size": 0.8})
    assert {value.dtype for value in model.module.parameters()} == {torch.float32}
    for found in (model.get_latent_representation(), model.translate(RNA, CPG).X):
        assert found.dtype == np.float32
        assert np.isfinite(found).all()
    assert np.isfinite(model.predict(soft=True)).all(axis=None)


@pytest.mark.filterwarnings("ignore:.* the same value in every observation:UserWarning")
@pytest.mark.parametrize("sizes", [{}, {"n_layers": 0}])
@pytest.mark.parametrize("n_obs", [1, 17])
def test_a_last_batch_of_one_and_tiny_modalities(fit, n_obs, sizes):
    data = make_mdata()
    small = make_mudata({RNA: data.mod[RNA], CPG: data.mod[CPG][:n_obs].copy()})
    model = fit(small, model=sizes)
    assert np.isfinite(model.get_latent_representation()).all()
    # and of samples that it has not seen
    assert np.isfinite(model.get_latent_representation(data)).all()


def test_after_a_failure_training_goes_on(fit, monkeypatch, tmp_path):
    """Divergence, or whatever else happens in the step that freezes the discriminator."""
    monkeypatch.setattr(scvi.settings, "logging_dir", str(tmp_path))
    model = fit(make_mdata())
    before, generative, calls = weights(model), model.module.generative, []

    def broken(*args):
        calls.append(args)
        # in the second epoch, when a checkpoint was written
        if len(calls) == 8:
            raise ZeroDivisionError
        return generative(*args)

    with pytest.raises(RuntimeError, match="diverged"):
        model.train(plan_kwargs={"lr": 1e30}, **BRIEFLY)
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(model.module, "generative", broken)
        model.train(precision="bf16-true", enable_checkpointing=True, train_size=1, **BRIEFLY)
    assert list(tmp_path.rglob("model.json"))
    assert model.is_trained
    assert all(parameter.requires_grad for parameter in model.module.parameters())
    # what was learnt before is not lost
    assert equal(weights(model), before)
    model.train(**BRIEFLY)
    for part in ("encoders", "decoders", "discriminator"):
        old = {name: value for name, value in before.items() if name.startswith(part)}
        assert not equal(old, {name: weights(model)[name] for name in old})


@pytest.mark.parametrize("wrong", [["methylation"], ["methylation", "protein"]])
def test_links_that_disagree_with_the_data_are_warned_about_once(build, wrong):
    data, links = cohort()
    model = build(data, {"feature_links": shuffled(links, *wrong)})
    with pytest.warns(UserWarning, match="disagree with the data") as warned:
        model.train(**BRIEFLY)
    # it shows where the user called train
    assert [each.filename for each in warned] == [__file__] * len(wrong)
    said = " ".join(str(each.message) for each in warned)
    pairs = {"methylation": ("methylation", "expression"), "protein": ("expression", "protein")}
    for name, (first, second) in pairs.items():
        score = model.link_agreement_[first, second]
        assert score < 3 if name in wrong else score > 4
        assert (f"between '{first}' and '{second}'" in said) is (name in wrong)
        assert (f"z = {score:.1f}" in said) is (name in wrong)
    model.train(**BRIEFLY)


def test_so_few_links_that_nobody_can_tell_are_not_called_wrong(fit):
    data, links = cohort(300)
    few = links[links["source_modality"] == "protein"].drop_duplicates("target_feature")
    for n_links in (1, 3, 4):
        fit(data, model={"feature_links": few[:n_links]}, train={"max_epochs": 1})


TOGETHER = """
import json, os, sys
import scvi, torch
from lightning.pytorch.callbacks import Callback
from modis import MODIS
from modis.datasets import intersim
torch.set_num_threads(1)
scvi.settings.seed = 0
sizes = {"methylation": 40, "expression": 30, "protein": 24}
mdata = intersim(n_samples=200, n_features=sizes, seed=0)
MODIS.setup_mudata(mdata, labels_key="label")
model = MODIS(mdata)
def total(weights):
    return sum(float(each.detach().double().abs().sum()) for each in weights)
class Totals(Callback, list):
    def on_train_epoch_end(self, trainer, plan):
        self.append(total(plan.parameters()))
totals = Totals()
how = {"accelerator": "cpu", "enable_progress_bar": False, "batch_size": 32}
model.train(max_epochs=4, devices=2, checkpoint_dir=sys.argv[1], callbacks=[totals], **how)
labels = {name: own.obs["label"].astype(str) for name, own in mdata.mod.items()}
accuracy = {n: float((model.predict(modality=n) == own).mean()) for n, own in labels.items()}
weights = model.module.state_dict().values()
found = {"accuracy": accuracy, "totals": [*totals, total(weights)], "best": model.best_epoch_}
with open(f"{sys.argv[1]}.{os.environ.get('LOCAL_RANK', '0')}", "w") as file:
    json.dump(found, file)
"""


def test_two_processes_train_one_model(tmp_path):
    """Both have the same weights all along, which predict as well as those of one process."""
    script, out = tmp_path / "script.py", tmp_path / "out"
    script.write_text(TOGETHER)
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, script, out], check=True, env=env, timeout=200)
    first, second = (json.loads(Path(f"{out}.{rank}").read_text()) for rank in (0, 1))
    assert done.returncode == 0 and first == second
    assert min(first["accuracy"].values()) > 0.9
