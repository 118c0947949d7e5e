"""The networks together: equations 1 and 2 at the weights of the preset."""

from __future__ import annotations

import pytest
import torch

from modis._constants import BATCH_KEY, LIKELIHOOD_DOMAINS
from modis.module import PRESETS, TERMS

from ._make import LINKS, N_CLASSES, SIZES, TWO, N, fitted, learning, make, minibatch, terms_of


@pytest.mark.parametrize("sizes", [{"only": 4}, SIZES, {f"omics {i}": i + 2 for i in range(6)}])
def test_any_number_of_modalities(sizes):
    module, batch = make(sizes), minibatch(sizes)
    output = module(batch)[2]
    assert module.modalities == list(sizes)
    assert output.n_obs_minibatch == N * len(sizes)
    output.loss.backward()
    assert learning(module) > {
        f"{part}.{name}" for part in ("encoders", "decoders") for name in sizes
    }


@pytest.mark.parametrize(("likelihood", "domain"), LIKELIHOOD_DOMAINS.items())
def test_every_likelihood_trains_with_every_term_and_batches(likelihood, domain):
    batch = minibatch(domain=domain)
    for tensors in batch.values():
        tensors[BATCH_KEY][::2] = 1
    module = fitted(batch, likelihood=likelihood, links=LINKS, n_batch=2).train()
    for generator in (False, True):
        torch.stack(list(terms_of(module, batch, generator=generator).values())).sum().backward()
    gradients = [each.grad for each in module.parameters() if each.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("changed", [{}, {"kl": 0.0, "clustering": 0.3, "ridge": 2.0}])
def test_weights_are_the_presets_unless_others_are_given(preset, changed):
    module, batch = make(TWO, preset=preset, norm=None), minibatch(TWO)
    module.n_train = dict.fromkeys(TWO, N)
    module.label_counts = dict.fromkeys(TWO, torch.ones(N_CLASSES))
    encoded = module.inference(batch)
    first = module.discriminator_terms(batch, encoded, changed)
    second = module.loss(batch, encoded, module.generative(batch, encoded), changed)
    weights = {**module.preset.loss_weights, **changed}
    apply = {name for name, weight in weights.items() if weight} - {"link", "pairing"}
    if preset != "small":
        apply -= {"ridge"}
    for side, found in (("discriminator", first), ("autoencoders", second.extra_metrics)):
        assert set(found) == {name for name in apply if TERMS[name].side in (side, "both")}
    total = sum(weights[name] * term.item() for name, term in second.extra_metrics.items())
    assert second.loss.item() == pytest.approx(total, rel=1e-5)


def test_reconstruction_terms_are_there_whatever_the_weights():
    module, batch = make().eval(), minibatch()
    encoded = module.inference(batch)
    px = module.generative(batch, encoded)
    found = module.reconstruction_terms(batch, encoded, px)
    wanted = module.loss(batch, encoded, px, {"reconstruction": 3.0, "kl": 7.0}).extra_metrics
    assert found == {name: wanted[name] for name in ("reconstruction", "kl")}
