"""Two steps per minibatch, and what the history tells of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scvi
import torch
from anndata import AnnData
from scvi.train import Trainer

from modis.data import FeatureMatrix, LinkPair, Modality
from modis.dataloaders import ModalitySplitter
from modis.module import ADVERSARIAL, MODISModule
from modis.module import _losses as losses
from modis.train import LOSS_WEIGHTS, MODISTrainingPlan, quiet_libraries

FEATURES = {"rna": 12, "protein": 6}
N, N_CLASSES = 60, 3
LINKS = {("rna", "protein"): LinkPair(np.arange(6), np.arange(6), np.float32([1, -1] * 3))}


def toy(features=None, labelled=True) -> dict[str, Modality]:
    """Classes that are far apart in every modality; a fifth of the samples is not labelled."""
    rng = np.random.default_rng(0)
    data = {}
    for name, n_features in (FEATURES if features is None else features).items():
        codes = np.arange(N) % N_CLASSES
        centres = 3 * rng.normal(size=(N_CLASSES, n_features))
        x = (centres[codes] + rng.normal(size=(N, n_features))).astype(np.float32)
        adata = AnnData(x)
        adata.obs_names = [f"{name}{i}" for i in range(N)]
        labels = np.where((np.arange(N) % 5 > 0) & labelled, codes, -1)
        batch = np.zeros(N, dtype=np.int64)
        data[name] = Modality(name, FeatureMatrix(adata), adata.obs_names, labels, batch)
    return data


class Run:
    """A module, a plan and a trainer on toy data."""

    def __init__(
        self,
        data=None,
        *,
        n_classes=N_CLASSES,
        adversarial="cross_entropy",
        train_size=0.8,
        batch_size=16,
        links=None,
        n_layers=1,
        **plan_kwargs,
    ) -> None:
        self.data = toy() if data is None else data
        sizes = {name: item.matrix.shape[1] for name, item in self.data.items()}
        self.module = MODISModule(
            sizes,
            n_classes,
            dict.fromkeys(sizes, "gaussian"),
            adversarial=adversarial,
            links=links,
            n_latent=4,
            n_hidden=16,
            n_layers=n_layers,
            discriminator_hidden=(16,),
        )
        self.splitter = ModalitySplitter(
            self.data, train_size=train_size, batch_size=batch_size, seed=0
        )
        for name, item in self.data.items():
            self.module.fit_scaler(name, item.matrix.chunks(self.splitter.train_idx[name]))
        self.plan = MODISTrainingPlan(self.module, **plan_kwargs)
        self.plan.validated_modalities = self.splitter.validated_modalities

    def fit(self, max_epochs=1, **trainer_kwargs) -> Run:
        with quiet_libraries():
            trainer = Trainer(
                accelerator="cpu",
                devices=1,
                max_epochs=max_epochs,
                check_val_every_n_epoch=1 if self.splitter.n_val else None,
                enable_progress_bar=False,
                log_every_n_steps=1,
                **trainer_kwargs,
            )
            trainer.fit(self.plan, self.splitter)
        self.history = trainer.logger.history
        return self

    def curve(self, name: str) -> np.ndarray:
        return self.history[name].to_numpy(dtype=float).ravel()


def state(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in module.named_parameters()}


def changed(before: dict, module: torch.nn.Module) -> set[str]:
    return {
        name.split(".")[0]
        for name, value in module.named_parameters()
        if not torch.equal(before[name], value)
    }


# the two steps


def watch(run: Run, begin) -> None:
    """Show every optimizer to `begin` before training."""
    configure = run.plan.configure_optimizers

    def watched():
        configured = configure()
        # alone, or with the schedules of their learning rates
        for optimizer in configured[0] if isinstance(configured, tuple) else configured:
            begin(optimizer)
        return configured

    run.plan.configure_optimizers = watched


def run_and_watch(run: Run) -> list[tuple[str, set[str], set[str]]]:
    """Each optimizer step as (whose, networks that changed, networks that held a gradient)."""
    steps: list[tuple] = []
    owner = {id(value): name.split(".")[0] for name, value in run.module.named_parameters()}

    def begin(optimizer):
        seen: dict = {}
        owned = {owner[id(p)] for group in optimizer.param_groups for p in group["params"]}

        def before(optimizer, args, kwargs):
            seen["state"] = state(run.module)
            seen["gradient"] = {
                name.split(".")[0]
                for name, value in run.module.named_parameters()
                if value.grad is not None and value.grad.abs().sum() > 0
            }

        def after(optimizer, args, kwargs):
            whose = "discriminator" if owned == {"discriminator"} else "autoencoders"
            steps.append((whose, changed(seen["state"], run.module), seen["gradient"]))

        optimizer.register_step_pre_hook(before)
        optimizer.register_step_post_hook(after)

    watch(run, begin)
    run.fit()
    return steps


@pytest.mark.parametrize("adversarial", ADVERSARIAL)
def test_first_the_discriminator_then_the_autoencoders(adversarial):
    run = Run(adversarial=adversarial, loss_weights={"clustering": 0.1})
    steps = run_and_watch(run)
    n = run.splitter.steps_per_epoch

    assert [whose for whose, _, _ in steps] == ["discriminator", "autoencoders"] * n
    for whose, moved, _ in steps:
        expected = {"discriminator"} if whose == "discriminator" else {"encoders", "decoders"}
        assert moved == expected
    # the first step of all: nothing but the discriminator has a gradient
    assert steps[0][2] == {"discriminator"}
    assert all(parameter.requires_grad for parameter in run.module.parameters())


@pytest.mark.parametrize("adversarial", ADVERSARIAL)
def test_the_second_step_leaves_no_gradient_in_the_discriminator(adversarial):
    run = Run(adversarial=adversarial)
    gradients = []

    def begin(optimizer):
        optimizer.register_step_post_hook(
            lambda *_: gradients.append(
                torch.cat([p.grad.flatten() for p in run.module.discriminator.parameters()])
            )
        )

    watch(run, begin)
    run.fit()
    for first, second in zip(gradients[::2], gradients[1::2], strict=True):
        assert torch.equal(first, second)


def test_learning_rates_of_the_two_sides():
    for frozen, kwargs in (
        ({"discriminator"}, {"lr_discriminator": 0.0}),
        ({"encoders", "decoders"}, {"lr": 0.0, "lr_discriminator": 1e-3}),
        ({"discriminator", "encoders", "decoders"}, {"lr": 0.0, "lr_discriminator": 0.0}),
    ):
        run = Run(**kwargs)
        before = state(run.module)
        run.fit()
        assert changed(before, run.module) == {"discriminator", "encoders", "decoders"} - frozen


@pytest.mark.parametrize("max_epochs", [1, 3])
def test_learning_rates_have_fallen_to_zero_in_the_end(max_epochs):
    run, rates = Run(lr=1e-3, lr_discriminator=2e-3), {}

    def begin(optimizer):
        rates[len(rates)] = used = []
        optimizer.register_step_pre_hook(
            lambda optimizer, *_: used.append(optimizer.param_groups[0]["lr"])
        )

    watch(run, begin)
    run.fit(max_epochs)
    for used, rate in zip(rates.values(), (1e-3, 2e-3), strict=True):
        assert len(used) == max_epochs * run.splitter.steps_per_epoch
        assert used[0] == rate
        assert used == sorted(used, reverse=True)
        assert 0 < used[-1] < 0.6 * rate
    assert [each.param_groups[0]["lr"] for each in run.plan.trainer.optimizers] == [0, 0]


def test_learning_rates_stay_if_asked_to():
    run = Run(lr=1e-3, lr_discriminator=2e-3, decay_lr=False)
    run.fit(2)
    assert [each.param_groups[0]["lr"] for each in run.plan.trainer.optimizers] == [1e-3, 2e-3]


def test_optimizers_know_their_parameters():
    run = Run(lr=1e-3, lr_discriminator=2e-4, betas=(0.4, 0.9), weight_decay=0.03)
    autoencoders, discriminator = run.fit().plan.trainer.optimizers
    assert autoencoders.defaults["lr"] == 1e-3
    assert autoencoders.defaults["weight_decay"] == 0.03
    assert discriminator.defaults["lr"] == 2e-4
    assert discriminator.defaults["weight_decay"] == 0
    for optimizer in (autoencoders, discriminator):
        assert optimizer.defaults["betas"] == (0.4, 0.9)
    sides = (autoencoders, discriminator)
    held = [id(p) for side in sides for p in side.param_groups[0]["params"]]
    assert len(held) == len(set(held))
    assert set(held) == {id(p) for p in run.module.parameters()}


def test_a_temperature_learns_at_a_rate_of_its_own():
    """Linear encoders have one, which must get to its place in few steps."""
    run = Run(n_layers=0, lr_discriminator=2e-4, decay_lr=False).fit()
    optimizer = run.plan.trainer.optimizers[1]
    temperature = run.module.discriminator.log_temperature
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert rates.keys() == {id(p) for p in run.module.discriminator.parameters()}
    assert rates.pop(id(temperature)) == 0.05
    assert set(rates.values()) == {2e-4}
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(rates) + 1
    assert temperature.item() != 0


# history


VALIDATION = {"reconstruction", "kl", "classification", "accuracy", "mixing", "selection"}
CLASS_TERMS = {"classification", "discriminator_classification"}
GAME = {"adversarial", "discriminator_modality", "discriminator_gradient_penalty"}
CLUSTERING = {"clustering", "discriminator_clustering"}


@pytest.mark.parametrize(
    ("features", "n_classes", "weights", "training", "validation"),
    [
        pytest.param(
            FEATURES,
            N_CLASSES,
            {},
            GAME | CLASS_TERMS | {"translation", "cycle"},
            VALIDATION,
            id="default",
        ),
        pytest.param(
            FEATURES,
            N_CLASSES,
            {"clustering": 0.1, "gradient_penalty": 0.0, "translation": 0.0, "cycle": 0.0},
            GAME - {"discriminator_gradient_penalty"} | CLASS_TERMS | CLUSTERING,
            VALIDATION,
            id="the paper's terms",
        ),
        pytest.param(
            {"rna": 12}, N_CLASSES, {}, CLASS_TERMS, VALIDATION - {"mixing"}, id="one modality"
        ),
        pytest.param(
            FEATURES, 0, {}, GAME, VALIDATION - {"classification", "accuracy"}, id="no classes"
        ),
        pytest.param(
            {"rna": 12},
            0,
            {},
            set(),
            {"reconstruction", "kl", "selection"},
            id="one modality without classes",
        ),
    ],
)
@pytest.mark.parametrize("adversarial", ADVERSARIAL)
def test_history_has_every_term_by_name(
    features, n_classes, weights, training, validation, adversarial
):
    run = Run(
        toy(features, labelled=n_classes > 0),
        n_classes=n_classes,
        adversarial=adversarial,
        loss_weights=weights,
    ).fit(2)
    names = {f"{name}_train" for name in training | {"reconstruction", "kl", "loss"}}
    assert set(run.history) == names | {f"{name}_validation" for name in validation}
    for name in run.history:
        assert len(run.curve(name)) == 2
        assert np.isfinite(run.curve(name)).all()


@pytest.mark.parametrize("weight", [0.0, 0.03])
def test_history_with_pairs(weight):
    """A validation pass scores what it always did."""
    data = toy()
    for name, item in data.items():
        names = pd.Index([f"s{k}" for k in range(N)])
        data[name] = replace(item, obs_names=names)
    run = Run(data, loss_weights={"pairing": weight}).fit(2)
    terms = GAME | CLASS_TERMS | {"translation", "cycle", "reconstruction", "kl", "loss"}
    terms |= {"pairing"} if weight else set()
    assert set(run.history) == {f"{name}_train" for name in terms} | {
        f"{name}_validation" for name in VALIDATION
    }
    if weight:
        assert (run.curve("pairing_train") > 0).all()


@pytest.mark.parametrize(
    ("n_classes", "weights", "training"),
    [
        (N_CLASSES, {}, GAME | CLASS_TERMS | {"translation", "cycle", "link"}),
        (N_CLASSES, {"link": 0.0}, GAME | CLASS_TERMS | {"translation", "cycle"}),
        (0, {}, GAME | {"link"}),
    ],
)
def test_history_with_links(n_classes, weights, training):
    """Links need no classes, and without any label they are still in the score."""
    run = Run(
        toy(labelled=n_classes > 0), n_classes=n_classes, links=LINKS, loss_weights=weights
    ).fit(2)
    logged = {name.removesuffix("_train") for name in run.history if name.endswith("_train")}
    assert logged == training | {"reconstruction", "kl", "loss"}
    if weights:
        return
    link = run.curve("link_validation")
    assert ((link > 0) & (link < 2)).all()
    parts = run.curve("reconstruction_validation") / 2 + link
    parts += 1 - run.curve("mixing_validation")
    parts += run.curve("classification_validation") if n_classes else 0
    assert run.curve("selection_validation") == pytest.approx(parts, rel=1e-4)


@pytest.mark.parametrize("loss_weights", [{}, {"kl": 0.2, "adversarial": 0.7, "clustering": 0.1}])
def test_history_is_the_mean_over_the_steps(monkeypatch, loss_weights):
    run, steps = Run(loss_weights=loss_weights, links=LINKS), []
    loss = run.module.loss

    def recorded(*args):
        output = loss(*args)
        steps.append({name: term.item() for name, term in output.extra_metrics.items()})
        return output

    monkeypatch.setattr(run.module, "loss", recorded)
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


def test_validation_scores_are_means_over_samples():
    run = Run(train_size=0.5).fit()
    module = run.module.eval()
    reconstruction, kl = 0.0, 0.0
    for name, item in run.data.items():
        rows = torch.from_numpy(item.matrix.rows(run.splitter.val_idx[name]))
        encoded = module.encode(name, rows)
        x_hat = module.decoders[name](encoded.qz.mean).mean
        reconstruction += (x_hat - encoded.x_scaled).square().mean().item()
        kl += losses.kl_to_standard_normal(encoded.qz).item()
    assert run.curve("reconstruction_validation")[0] == pytest.approx(reconstruction, rel=1e-4)
    assert run.curve("kl_validation")[0] == pytest.approx(kl, rel=1e-4)


def test_validation_score_of_links_is_the_mean_over_the_directions():
    run = Run(train_size=0.5, links=LINKS).fit()
    module, directions = run.module.eval(), []
    for source, target in (("rna", "protein"), ("protein", "rna")):
        rows = torch.from_numpy(run.data[source].matrix.rows(run.splitter.val_idx[source]))
        encoded = module.encode(source, rows)
        translated = module.decoders[target](encoded.qz.mean).mean
        loss = module.link_loss(source, target, encoded, translated)
        directions.append(loss.mean().item())
    assert run.curve("link_validation")[0] == pytest.approx(np.mean(directions), rel=1e-4)


def test_a_validation_pass_changes_nothing():
    """Neither weights nor what batch normalisation remembers."""
    kept = []
    for validated in (True, False):
        scvi.settings.seed = 0
        run = Run(links=LINKS).fit(limit_val_batches=1.0 if validated else 0)
        assert ("selection_validation" in run.history) is validated
        kept.append(run.module.state_dict())
    assert any("running_mean" in name for name in kept[0])
    assert all(torch.equal(kept[0][name], kept[1][name]) for name in kept[0])


# weights


def test_unknown_loss_weight_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"loss_weights names \['kld'\].*'kl'"):
        Run(loss_weights={"kld": 1.0, "kl": 0.5})


@pytest.mark.parametrize("adversarial", ADVERSARIAL)
@pytest.mark.parametrize(
    ("given", "penalty"), [({}, 1), ({"kl": 0.1}, 1), ({"gradient_penalty": 0}, 0)]
)
def test_gradient_penalty_unless_it_is_switched_off(adversarial, given, penalty):
    run = Run(adversarial=adversarial, loss_weights=given)
    assert run.plan.loss_weights == LOSS_WEIGHTS | given | {"gradient_penalty": penalty}
    run.fit()
    assert ("discriminator_gradient_penalty_train" in run.history) is bool(penalty)


def probe(monkeypatch, value: float = 3.0) -> torch.Tensor:
    """In the place of the gradient penalty: its own gradient adds up the weights it was given."""
    penalty = torch.tensor(value, requires_grad=True)
    monkeypatch.setattr(losses, "gradient_penalty", lambda critic, z: penalty)
    return penalty


@pytest.mark.parametrize(
    ("steps_per_epoch", "weight"), [(1, 1), (2, 0.25), (3, 1), (4, 2), (5, 1)]
)
def test_gradient_penalty_has_its_weight_on_average_over_the_steps(
    monkeypatch, steps_per_epoch, weight
):
    """Also in a small cohort, whose epoch is shorter than the steps between two penalties."""
    penalty = probe(monkeypatch)
    run = Run(batch_size=-(-49 // steps_per_epoch), loss_weights={"gradient_penalty": weight}).fit(
        8
    )
    assert run.splitter.steps_per_epoch == steps_per_epoch
    assert penalty.grad.item() == pytest.approx(weight * 8 * steps_per_epoch, rel=0.05)


def test_gradient_penalty_is_logged_as_the_mean_over_the_steps_that_computed_it(monkeypatch):
    probe(monkeypatch, 3.0)
    run = Run(batch_size=8).fit(2)
    assert run.splitter.steps_per_epoch > 5
    assert run.curve("discriminator_gradient_penalty_train") == pytest.approx([3, 3])


def test_labels_do_not_weigh_the_terms():
    run = Run(toy(labelled=False)).fit()
    assert run.plan.loss_weights == LOSS_WEIGHTS
    assert "cycle_train" not in run.history
    assert np.isfinite(run.curve("translation_train")).all()


COSTLY = {"clustering": "clustering", "gradient_penalty": "gradient_penalty"}
COSTLY |= {"translation": "class_mates"}


@pytest.mark.parametrize(("term", "function"), COSTLY.items())
def test_terms_of_weight_zero_cost_nothing(monkeypatch, term, function):
    def fail(*args, **kwargs):
        raise AssertionError("computed although its weight is zero")

    monkeypatch.setattr(losses, function, fail)
    Run(loss_weights={term: 0.0}).fit()
    with pytest.raises(AssertionError, match="weight is zero"):
        Run(loss_weights={term: 0.1}).fit()


def test_kl_weight_is_the_papers_per_sample():
    # 5e-4 on a KL summed over a batch of 32
    assert LOSS_WEIGHTS["kl"] == pytest.approx(5e-4 * 32)


# learning


@pytest.mark.parametrize("adversarial", ADVERSARIAL)
def test_toy_data_are_learned(adversarial):
    # three steps per epoch
    run = Run(adversarial=adversarial, lr=5e-3).fit(14)
    for name in ("reconstruction_train", "classification_train", "reconstruction_validation"):
        assert run.curve(name)[-1] < 0.7 * run.curve(name)[0]
    assert run.curve("selection_validation").min() < run.curve("selection_validation")[0]
    assert run.curve("accuracy_validation").max() > 0.9


def test_links_are_learned_without_a_label():
    run = Run(toy(labelled=False), n_classes=0, links=LINKS, lr=5e-3).fit(10)
    for name in ("link_train", "link_validation"):
        assert run.curve(name)[-1] < 0.7 * run.curve(name)[0]


def test_one_modality_without_classes_learns_to_reconstruct():
    run = Run(toy({"rna": 12}, labelled=False), n_classes=0, lr=5e-3)
    before = state(run.module)
    run.fit(20)
    assert run.curve("reconstruction_train")[-1] < 0.7 * run.curve("reconstruction_train")[0]
    assert changed(before, run.module) == {"encoders", "decoders"}


@pytest.mark.parametrize("links", [None, LINKS])
def test_same_seed_same_weights(links):
    weights = []
    for seed in (3, 3, 4):
        scvi.settings.seed = seed
        weights.append(state(Run(links=links).fit(2).module))
    same, other = weights[1], weights[2]
    assert all(torch.equal(weights[0][name], same[name]) for name in same)
    assert any(not torch.equal(weights[0][name], other[name]) for name in other)


def test_training_with_nothing_held_out():
    run = Run(train_size=1).fit(2)
    assert "loss_train" in run.history
    assert not any(name.endswith("_validation") for name in run.history)


# divergence, with and without a validation pass in the same epoch


@pytest.mark.parametrize("train_size", [0.8, 1])
def test_divergence_names_the_terms_and_a_way_out(train_size):
    data = toy()
    run = Run(data, train_size=train_size)
    # after the scaling was fitted
    data["protein"].matrix._x[:, 2] = np.nan
    with pytest.raises(RuntimeError, match=r"diverged: .*'reconstruction'.* epoch 1\. Lower the"):
        run.fit()


@pytest.mark.parametrize("train_size", [0.8, 1])
def test_absurd_learning_rate_is_reported(train_size):
    with pytest.raises(RuntimeError, match="Training diverged"):
        Run(lr=1e30, train_size=train_size).fit(3)
