"""Terms of the class head: what they are, and who learns from them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss

from modis.module import MODISModule, weighted_sum

from ._make import N_CLASSES, SIZES, N, all_labels, make, minibatch

LINEAR = {"n_layers": 0, "n_components": 3}
N_TRAIN = {"rna": 40, "protein": 10, "methylation": 25}


def linear(**kwargs) -> MODISModule:
    module = make(**(LINEAR | kwargs))
    module.n_train = dict(N_TRAIN)
    module.label_counts = {name: torch.tensor([3, 2, 4]) for name in N_TRAIN}
    return module


def terms_of(module, side: str, batch=None, **weights: float) -> dict[str, torch.Tensor]:
    batch = minibatch() if batch is None else batch
    labels = all_labels(batch)
    encoded = module.inference(batch)
    if side == "discriminator":
        return module.discriminator_terms(encoded, labels, weights)
    return module.adversarial_terms(encoded, labels, weights)


def learning(module: torch.nn.Module) -> set[str]:
    return {
        name
        for name, parameter in module.named_parameters()
        if parameter.grad is not None and parameter.grad.abs().sum() > 0
    }


SIDES = pytest.mark.parametrize("side", ["discriminator", "encoders"])


# ridge


@SIDES
def test_ridge_is_the_size_of_the_map_to_the_classes(side):
    """Less the mean over classes, for each modality by its number of training samples."""
    module = linear()
    head = module.discriminator.class_head.weight.detach().double().numpy()
    expected = []
    for name, n in N_TRAIN.items():
        weights = head @ module.encoders[name].mean.weight.detach().double().numpy()
        assert weights.shape == (N_CLASSES, 3)
        expected.append(np.square(weights - weights.mean(axis=0)).sum() / n)
    term = terms_of(module, side, ridge=0.1)["ridge"]
    assert term.item() == pytest.approx(np.mean(expected), rel=1e-5)


@SIDES
def test_ridge_sees_only_what_probabilities_see(side):
    """A row that is added to the weights of every class changes no probability."""
    module = linear()
    before = terms_of(module, side, ridge=1.0)["ridge"].item()
    module.discriminator.class_head.weight.data += torch.randn(1, 3)
    assert terms_of(module, side, ridge=1.0)["ridge"].item() == pytest.approx(before, rel=1e-4)
    module.discriminator.class_head.weight.data *= 2
    after = terms_of(module, side, ridge=1.0)["ridge"].item()
    assert after == pytest.approx(4 * before, rel=1e-4)


def test_ridge_teaches_each_side_its_own_part_of_the_map():
    module = linear()
    terms_of(module, "discriminator", ridge=1.0)["ridge"].backward()
    assert learning(module) == {"discriminator.class_head.weight"}
    module.zero_grad()
    module.discriminator.requires_grad_(False)
    terms_of(module, "encoders", ridge=1.0)["ridge"].backward()
    assert learning(module) == {f"encoders.{name}.mean.weight" for name in SIZES}


def test_ridge_makes_the_map_smaller():
    module = linear()
    before = terms_of(module, "encoders", ridge=1.0)["ridge"]
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    before.backward()
    optimizer.step()
    assert terms_of(module, "encoders", ridge=1.0)["ridge"] < before


@SIDES
@pytest.mark.parametrize(
    "sizes",
    [
        {"n_layers": 1},
        {"linear_tail": True},
        {"linear_class_head": False},
        {"n_classes": 0},
    ],
    ids=lambda sizes: next(iter(sizes)),
)
def test_no_ridge_where_classes_are_no_linear_map_of_the_components(side, sizes):
    assert "ridge" not in terms_of(linear(**sizes), side, ridge=1.0)


@SIDES
@pytest.mark.parametrize("n_labeled", [499, 500])
def test_no_ridge_for_modalities_with_many_labels(side, n_labeled):
    """The others keep theirs: it is the mean over all modalities."""
    module = linear()
    parts = {}
    for name in N_TRAIN:
        module.n_train = {name: 3 * N_TRAIN[name]}
        parts[name] = terms_of(module, side, ridge=1.0)["ridge"].item()
    module.n_train = dict(N_TRAIN)
    module.label_counts["rna"] = torch.tensor([n_labeled - 200, 200, 0])
    expected = sum(parts.values()) - (parts["rna"] if n_labeled == 500 else 0)
    term = terms_of(module, side, ridge=1.0)["ridge"].item()
    assert term == pytest.approx(expected, rel=1e-5)
    for name in N_TRAIN:
        module.label_counts[name] = torch.tensor([500, 500, 500])
    assert "ridge" not in terms_of(module, side, ridge=1.0)


@SIDES
def test_no_ridge_before_the_numbers_of_samples_are_known(side):
    module = linear()
    module.n_train = {}
    assert "ridge" not in terms_of(module, side, ridge=1.0)


@SIDES
def test_ridge_and_temperature_are_computed_only_with_a_weight(side):
    assert not {"ridge", "temperature"} & terms_of(linear(), side).keys()


# temperature


def test_temperature_is_the_cross_entropy_of_tempered_logits():
    module, batch = linear().eval(), minibatch()
    module.discriminator.log_temperature.data.fill_(-1.2)
    term = terms_of(module, "discriminator", batch, temperature=1.0)["temperature"]
    labels = all_labels(batch).numpy()
    z = torch.cat([item.qz.mean for item in module.inference(batch).values()])
    odds = (module.discriminator(z).classes.detach().double() / np.exp(-1.2)).softmax(dim=1)
    known = labels >= 0
    assert 0 < known.sum() < len(known)
    expected = log_loss(labels[known], odds.numpy()[known], labels=range(N_CLASSES))
    assert term.item() == pytest.approx(expected, rel=1e-5)


def test_nothing_but_the_temperature_learns_from_it():
    module = linear()
    terms_of(module, "discriminator", temperature=1.0)["temperature"].backward()
    assert learning(module) == {"discriminator.log_temperature"}
    module.zero_grad()
    weighted_sum(terms_of(module, "discriminator"), {}).backward()
    assert "discriminator.log_temperature" not in learning(module)
    assert "discriminator.class_head.weight" in learning(module)


def test_encoders_have_no_temperature_term():
    assert "temperature" not in terms_of(linear(), "encoders", temperature=1.0)


@pytest.mark.parametrize("sizes", [{"n_layers": 1}, {"n_classes": 0}])
def test_temperature_belongs_to_linear_encoders_with_classes(sizes):
    module = linear(**sizes)
    assert "temperature" not in terms_of(module, "discriminator", temperature=1.0)
    assert module.discriminator.log_temperature is None


def test_probabilities_are_those_of_tempered_logits():
    module, z = linear().eval(), torch.randn(N, 3)
    module.discriminator.log_temperature.data.fill_(-2)
    expected = (module.discriminator(z).classes * np.exp(2)).softmax(dim=1)
    torch.testing.assert_close(module.classify(z), expected)


def test_a_model_is_sure_of_a_class_by_its_tempered_logits():
    """Unlabelled samples count as of a class in translations from a probability of 0.9 on."""
    module, batch = linear().eval(), minibatch()
    encoded = module.encode("rna", batch["rna"]["X"])
    unknown = torch.full((N,), -1)
    module.discriminator.log_temperature.data.fill_(9)
    assert (module._likely_classes(encoded, unknown) == -1).all()
    module.discriminator.log_temperature.data.fill_(-9)
    likeliest = module.discriminator(encoded.qz.mean).classes.argmax(dim=1)
    assert torch.equal(module._likely_classes(encoded, unknown), likeliest)
