"""The game over batches: who plays, what it measures, and whom it moves."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss

from modis.module import weighted_sum

from ._make import SIZES, N, all_labels, make, minibatch

ON = {"batch": 1.0, "adversarial_batch": 1.0}
#: Training samples of three batches: rna has all, protein two of them, methylation one.
COUNTS = {"rna": [4, 3, 9], "protein": [5, 0, 2], "methylation": [0, 7, 0]}


def with_batches(counts=COUNTS, **kwargs):
    """A module of three batches, and a minibatch in which every modality has its own."""
    module, batch = make(n_batch=3, **kwargs), minibatch()
    for name, each in counts.items():
        codes = np.flatnonzero(each)
        batch[name]["batch"] = torch.as_tensor(codes[np.arange(N) % len(codes)])[:, None]
    module.batch_counts = {name: torch.tensor(each) for name, each in counts.items()}
    return module, batch, module.inference(batch)


def terms_of(module, batch, encoded, weights=ON):
    labels = all_labels(batch)
    first = module.discriminator_terms(encoded, labels, weights)
    second = module.adversarial_terms(encoded, labels, weights)
    return {name: term for name, term in (first | second).items() if "batch" in name}


def head_of(module, encoded, name) -> np.ndarray:
    """Logits of the batch head on the posterior means of a modality."""
    output = module.discriminator(encoded[name].qz.mean)
    return module.discriminator.batch_head(output.hidden).detach().double().numpy()


def test_batches_are_told_apart_within_a_modality():
    module, batch, encoded = with_batches()
    expected, others = [], []
    for name, each in (("rna", [0, 1, 2]), ("protein", [0, 2])):
        logits = head_of(module, encoded, name)[:, each]
        logp = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        own = np.array([each.index(code) for code in batch[name]["batch"][:, 0].tolist()])
        expected.append(log_loss(own, np.exp(logp), labels=range(len(each))))
        is_other = np.arange(len(each)) != own[:, None]
        others.append(-logp[is_other].reshape(N, -1).mean(axis=1).mean())
    terms = terms_of(module, batch, encoded)
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(
        {"batch": np.mean(expected), "adversarial_batch": np.mean(others)}, rel=1e-5
    )


def test_rows_count_as_their_weights_say():
    module, batch, encoded = with_batches()
    # the first half of rna alone
    kept = {"rna": torch.arange(N) < 5, "protein": torch.zeros(N), "methylation": torch.ones(N)}
    weighted = {name: item._replace(weights=kept[name].float()) for name, item in encoded.items()}
    part = {"rna": encoded["rna"]._replace(**_rows(encoded["rna"], 5))}
    alone = {"rna": {key: value[:5] for key, value in batch["rna"].items()}}
    for name, term in terms_of(module, batch, weighted).items():
        torch.testing.assert_close(term, terms_of(module, alone, part)[name])


def _rows(item, n):
    qz = type(item.qz)(item.qz.mean[:n], item.qz.stddev[:n])
    return {"qz": qz, "z": item.z[:n], "batch": item.batch[:n]}


def test_a_modality_of_one_batch_takes_no_part():
    module, batch, encoded = with_batches()
    weighted_sum(terms_of(module, batch, encoded, {"adversarial_batch": 1.0}), {}).backward()
    for name in SIZES:
        grads = [parameter.grad for parameter in module.encoders[name].parameters()]
        moved = any(grad is not None and bool(grad.abs().sum() > 0) for grad in grads)
        assert moved is (name != "methylation")


def test_the_discriminators_side_leaves_the_encoders_alone():
    module, batch, encoded = with_batches()
    weighted_sum(terms_of(module, batch, encoded, {"batch": 1.0}), {}).backward()
    assert all(parameter.grad is None for parameter in module.encoders.parameters())
    head = module.discriminator.batch_head
    assert head.weight.grad.abs().sum() > 0
    assert all(
        parameter.grad.abs().sum() > 0 for parameter in module.discriminator.trunk.parameters()
    )


def test_one_batch_in_every_modality_is_no_game():
    counts = {"rna": [9, 0, 0], "protein": [0, 9, 0], "methylation": [0, 0, 9]}
    assert terms_of(*with_batches(counts)) == {}


def test_off_by_default():
    module, batch, encoded = with_batches()
    assert terms_of(module, batch, encoded, {}) == {}
    assert list(terms_of(module, batch, encoded, {"batch": 1.0})) == ["batch"]


@pytest.mark.parametrize("n_batch", [0, 1])
def test_no_head_without_two_batches(n_batch):
    module, batch = make(n_batch=n_batch), minibatch()
    assert module.discriminator.batch_head is None
    assert terms_of(module, batch, module.inference(batch)) == {}


def test_all_batches_count_where_the_data_were_not_told():
    module, batch, encoded = with_batches()
    module.batch_counts = {}
    everywhere = terms_of(module, batch, encoded)
    module.batch_counts = {name: torch.ones(3) for name in SIZES}
    assert terms_of(module, batch, encoded) == everywhere


def test_the_game_makes_batches_indistinguishable():
    """Encoders that play lower the odds of telling the batches; those that do not leave them."""
    final = {}
    for weight in (0.0, 1.0):
        torch.manual_seed(0)
        module, batch, _ = with_batches({name: [1, 1, 0] for name in SIZES})
        for tensors in batch.values():
            tensors["X"][tensors["batch"][:, 0] == 1] += 6
        sides = [
            torch.optim.Adam(part.parameters(), lr=0.02)
            for part in (module.discriminator, module.encoders)
        ]
        for _ in range(300):
            encoded = module.inference(batch)
            for side, name in zip(sides, ("batch", "adversarial_batch"), strict=True):
                weights = {name: 1.0 if name == "batch" else weight}
                term = terms_of(module, batch, encoded, weights)
                if term:
                    side.zero_grad()
                    term[name].backward()
                    side.step()
        final[weight] = terms_of(module, batch, module.inference(batch), {"batch": 1.0})["batch"]
    # two batches that cannot be told apart: log 2, or 0.69
    assert final[0.0] < 0.2
    assert final[1.0] > 0.6
