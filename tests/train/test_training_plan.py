import itertools

import numpy as np
import pytest
import scvi
import torch
from anndata import AnnData
from lightning.pytorch.callbacks import Callback
from scvi.train import Trainer

from modis.data import FeatureMatrix, LinkPair, Modality
from modis.dataloaders import ModalitySplitter
from modis.module import ADVERSARIAL, LOSS_WEIGHTS, TERMS, MODISModule, compute_terms
from modis.module import _losses as losses
from modis.train import MODISTrainingPlan, _training_plan, quiet_libraries

FEATURES = {"rna": 12, "protein": 6}
N, N_CLASSES = 60, 3
PAIR = LinkPair(np.arange(6), np.arange(6), np.float32([1, -1] * 3))
LINKS = {"links": {("rna", "protein"): PAIR}}


def toy(features=FEATURES):
    """Classes that are far apart in every modality; a fifth of the samples is not labelled."""
    rng = np.random.default_rng(0)
    data = {}
    for name, n_features in features.items():
        codes = np.arange(N) % N_CLASSES
        centres = 3 * rng.normal(size=(N_CLASSES, n_features))
        adata = AnnData((centres[codes] + rng.normal(size=(N, n_features))).astype(np.float32))
        adata.obs_names = [f"{name}{i}" for i in range(N)]
        labels = np.where(np.arange(N) % 5 > 0, codes, -1)
        batch = np.zeros(N, dtype=np.int64)
        data[name] = Modality(name, FeatureMatrix(adata), adata.obs_names, labels, batch)
    return data


class Run:
    """A module, a plan and a trainer on toy data."""

    def __init__(self, data=None, *, module=None, train_size=0.8, batch_size=16, **plan_kwargs):
        self.data = toy() if data is None else data
        sizes = {name: item.matrix.shape[1] for name, item in self.data.items()}
        small = {"n_latent": 4, "n_hidden": 16, "discriminator_hidden": (16,)} | (module or {})
        self.module = MODISModule(sizes, N_CLASSES, dict.fromkeys(sizes, "gaussian"), **small)
        how = {"train_size": train_size, "batch_size": batch_size, "seed": 0}
        self.splitter = ModalitySplitter(self.data, **how)
        for name, item in self.data.items():
            self.module.fit_scaler(name, item.matrix.chunks(self.splitter.train_idx[name]))
        self.plan = MODISTrainingPlan(self.module, **plan_kwargs)
        self.plan.validated_modalities = self.splitter.validated_modalities

    def fit(self, max_epochs=1, **trainer_kwargs):
        how = {"accelerator": "cpu", "devices": 1, "enable_progress_bar": False}
        how |= {"check_val_every_n_epoch": 1 if self.splitter.n_val else None}
        with quiet_libraries():
            trainer = Trainer(max_epochs=max_epochs, log_every_n_steps=1, **how, **trainer_kwargs)
            trainer.fit(self.plan, self.splitter)
        self.history = trainer.logger.history
        return self

    def curve(self, name):
        return self.history[name].to_numpy(dtype=float).ravel()


def state(module):
    return {name: value.detach().clone() for name, value in module.named_parameters()}


def changed(before, after):
    """Networks of which some parameter is another."""
    return {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}


class Watch(Callback):
    """Of every optimizer step: its networks, their rate, and all weights and gradients before."""

    def __init__(self, module):
        self.module = module
        self.whose, self.rates, self.states, self.gradients = [], [], [], []

    def on_before_optimizer_step(self, trainer, plan, optimizer):
        owned = {id(p) for group in optimizer.param_groups for p in group["params"]}
        named = dict(self.module.named_parameters())
        self.whose.append({name.split(".")[0] for name, p in named.items() if id(p) in owned})
        self.rates.append(optimizer.param_groups[0]["lr"])
        self.states.append(state(self.module))
        have = {name: p.grad.clone() for name, p in named.items() if p.grad is not None}
        self.gradients.append(have)

    def norms(self, order):
        """Norm of the gradients that each step takes."""
        return [
            torch.cat([g.ravel() for name, g in each.items() if name.split(".")[0] in own])
            .norm(order)
            .item()
            for own, each in zip(self.whose, self.gradients, strict=True)
        ]


@pytest.mark.parametrize("adversarial", ADVERSARIAL)
def test_first_the_discriminator_then_the_autoencoders(adversarial):
    run = Run(module={"adversarial": adversarial}, loss_weights={"clustering": 0.1})
    watch = Watch(run.module)
    run.fit(callbacks=[watch])
    n = run.splitter.steps_per_epoch
    sides = [{"discriminator"}, {"encoders", "decoders"}]
    assert watch.whose == sides * n
    states = [*watch.states, state(run.module)]
    assert [changed(*pair) for pair in itertools.pairwise(states)] == sides * n
    # the first step of all: nothing but the discriminator has a gradient
    reached = {name.split(".")[0] for name, each in watch.gradients[0].items() if each.any()}
    assert reached == {"discriminator"}
    # the second step leaves none there
    for first, second in zip(watch.gradients[::2], watch.gradients[1::2], strict=True):
        own = [name for name in first if name.startswith("discriminator")]
        assert all(torch.equal(first[name], second[name]) for name in own)
    assert all(parameter.requires_grad for parameter in run.module.parameters())


@pytest.mark.parametrize("max_steps", [-1, 5])
def test_learning_rates_have_fallen_to_zero_in_the_end(max_steps):
    """A minibatch, of two steps, counts once."""
    run = Run(lr=1e-3, lr_discriminator=2e-3)
    watch = Watch(run.module)
    run.fit(3, max_steps=max_steps, callbacks=[watch])
    n_minibatches = 3 * run.splitter.steps_per_epoch if max_steps < 0 else max_steps
    assert run.plan.trainer.global_step == n_minibatches
    for used, rate in ((watch.rates[::2], 2e-3), (watch.rates[1::2], 1e-3)):
        assert len(used) == n_minibatches
        # those of the first third are the full ones
        assert used[0] == used[n_minibatches // 3] == rate > used[n_minibatches // 3 + 1]
        assert used == sorted(used, reverse=True)
        assert 0 < used[-1] < 0.6 * rate
    assert [each.param_groups[0]["lr"] for each in run.plan.trainer.optimizers] == [0, 0]


@pytest.mark.parametrize(("algorithm", "order"), [(None, 2), ("norm", 2), ("value", torch.inf)])
def test_gradients_of_both_sides_are_clipped(algorithm, order):
    norms = {}
    for clip in (None, 1e-3):
        run = Run(gradient_clip_val=clip, gradient_clip_algorithm=algorithm)
        watch = Watch(run.module)
        run.fit(callbacks=[watch])
        norms[clip] = watch.norms(order)
    assert min(norms[None]) > 1e-3
    assert norms[1e-3] == pytest.approx([1e-3] * len(norms[1e-3]), rel=1e-3)


def test_optimizers_know_their_parameters():
    how = {"lr": 1e-3, "lr_discriminator": 2e-4, "betas": (0.4, 0.9), "weight_decay": 0.03}
    run = Run(**how, decay_lr=False).fit()
    expected = {id(p): (1e-3, 0.03) for p in run.module.parameters()}
    expected |= {id(p): (2e-4, 0) for p in run.module.discriminator.parameters()}
    # and the rates stay if asked to
    groups = [group for each in run.plan.trainer.optimizers for group in each.param_groups]
    held = [(id(p), (g["lr"], g["weight_decay"])) for g in groups for p in g["params"]]
    assert len(held) == len(expected)
    assert dict(held) == expected
    assert {group["betas"] for group in groups} == {(0.4, 0.9)}


@pytest.mark.parametrize("loss_weights", [{}, {"kl": 0.2, "adversarial": 0.7, "clustering": 0.1}])
def test_history_is_the_mean_over_the_steps(monkeypatch, loss_weights):
    run, steps = Run(loss_weights=loss_weights, module=LINKS), []

    def recorded(step):
        terms = compute_terms(step)
        if step.generator:
            steps.append({name: term.item() for name, term in terms.items()})
        return terms

    monkeypatch.setattr(_training_plan, "compute_terms", recorded)
    run.fit(2)
    weights = LOSS_WEIGHTS | loss_weights
    n = run.splitter.steps_per_epoch
    assert len(steps) == 2 * n
    for epoch in range(2):
        of_epoch = steps[epoch * n : (epoch + 1) * n]
        means = {name: np.mean([step[name] for step in of_epoch]) for name in of_epoch[0]}
        logged = {name: run.curve(f"{name}_train")[epoch] for name in means}
        assert logged == pytest.approx(means, rel=1e-5)
        total = sum(weights[name] * mean for name, mean in means.items())
        assert run.curve("loss_train")[epoch] == pytest.approx(total, rel=1e-4)


def test_validation_scores_are_means_over_samples_and_directions():
    run = Run(train_size=0.5, module=LINKS).fit()
    module, other = run.module.eval(), {"rna": "protein", "protein": "rna"}
    reconstruction, kl, link = 0.0, 0.0, []
    for name, item in run.data.items():
        rows = item.matrix.rows(run.splitter.val_idx[name])
        encoded = module.encode(name, torch.from_numpy(rows))
        x_hat = module.decoders[name](encoded.qz.mean).mean
        reconstruction += (x_hat - encoded.x_scaled).square().mean().item()
        kl += losses.kl_to_standard_normal(encoded.qz).mean().item()
        translated = module.decoders[other[name]](encoded.qz.mean).mean
        link.append(module.link_loss(name, other[name], encoded, translated).mean().item())
    expected = {"reconstruction": reconstruction, "kl": kl, "link": np.mean(link)}
    found = {name: run.curve(f"{name}_validation")[0] for name in expected}
    assert found == pytest.approx(expected, rel=1e-4)


def test_a_validation_pass_changes_nothing():
    """Neither weights nor what batch normalisation remembers."""
    kept = []
    for validated in (True, False):
        scvi.settings.seed = 0
        run = Run(module=LINKS).fit(limit_val_batches=1.0 if validated else 0)
        assert ("selection_validation" in run.history) is validated
        kept.append(run.module.state_dict())
    assert any("running_mean" in name for name in kept[0])
    assert all(torch.equal(kept[0][name], kept[1][name]) for name in kept[0])


def test_training_without_a_term_is_refused():
    """Names are checked by the preset; a term of the discriminator alone trains no encoder."""
    with pytest.raises(ValueError, match=r"loss_weights names \['adversary'\]; the terms are"):
        Run(loss_weights={"adversary": 1.0})
    for left in ({}, {"modality": 1.0}):
        with pytest.raises(ValueError, match=r"nothing to learn: give one of \['reconstruction'"):
            Run(loss_weights=dict.fromkeys(TERMS, 0.0) | left)


def test_a_term_that_never_applies_leaves_the_weights_as_they_are():
    run = Run(toy({"rna": 12}), loss_weights=dict.fromkeys(TERMS, 0.0) | {"adversarial": 1.0})
    before = state(run.module)
    run.fit()
    assert changed(before, state(run.module)) == set()
    assert run.curve("loss_train") == [0]


@pytest.mark.parametrize(("steps_per_epoch", "weight"), [(1, 1), (2, 0.25), (4, 2), (5, 1)])
def test_gradient_penalty_has_its_weight_on_average(monkeypatch, steps_per_epoch, weight):
    """Also in a small cohort, whose epoch is shorter than the steps between two penalties."""
    # its own gradient adds up the weights that it was given
    penalty = torch.tensor(3.0, requires_grad=True)
    monkeypatch.setattr(losses, "gradient_penalty", lambda critic, z: penalty)
    size = -(-49 // steps_per_epoch)
    run = Run(batch_size=size, loss_weights={"gradient_penalty": weight}).fit(8)
    assert run.splitter.steps_per_epoch == steps_per_epoch
    assert penalty.grad.item() == pytest.approx(weight * 8 * steps_per_epoch, rel=0.05)
    # logged as the mean over the steps that computed it
    assert run.curve("discriminator_gradient_penalty_train") == pytest.approx([3] * 8)


@pytest.mark.parametrize("train_size", [0.8, 1])
def test_divergence_names_the_terms_and_a_way_out(train_size):
    data = toy()
    run = Run(data, train_size=train_size)
    # after the scaling was fitted
    data["protein"].matrix.source[:, 2] = np.nan
    with pytest.raises(RuntimeError, match=r"diverged: .*'reconstruction'.* epoch 1\. Lower the"):
        run.fit()
    with pytest.raises(RuntimeError, match="Training diverged"):
        Run(lr=1e30, train_size=train_size).fit(3)


def test_networks_of_the_modalities_are_compiled_when_asked_for(monkeypatch):
    compiled = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: compiled.append(self))
    sizes = {"rna": 5, "protein": 3}
    module = MODISModule(sizes, 2, dict.fromkeys(sizes, "gaussian"))
    MODISTrainingPlan(module)
    assert compiled == []
    MODISTrainingPlan(module, compile=True)
    assert compiled == [*module.encoders.values(), *module.decoders.values()]
