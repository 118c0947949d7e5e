"""Encoder: its posterior, its bounds, its layers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Normal

from modis.nn import BlockStyle, Encoder

PLAIN = BlockStyle(norm=None)


def leaky(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x > 0, x, 0.2 * x)


def affine(layer: nn.Linear, x: torch.Tensor) -> torch.Tensor:
    return x @ layer.weight.T + layer.bias


@pytest.mark.parametrize("linear_tail", [False, True])
def test_posterior_from_the_weights_by_hand(linear_tail):
    encoder = Encoder(6, 3, [5, 4], PLAIN, linear_tail=linear_tail)
    x = torch.randn(8, 6)

    hidden = leaky(affine(encoder.trunk[2], leaky(affine(encoder.trunk[0], x))))
    if linear_tail:
        hidden = affine(encoder.trunk[-1], hidden)
    qz = encoder(x)

    assert isinstance(qz, Normal)
    torch.testing.assert_close(qz.mean, affine(encoder.mean, hidden))
    torch.testing.assert_close(qz.variance, affine(encoder.log_variance, hidden).exp())


@pytest.mark.parametrize(("bias", "sign"), [(1e4, 1), (-1e4, -1)])
def test_spread_stays_finite(bias, sign):
    encoder = Encoder(4, 2, [3], PLAIN)
    nn.init.constant_(encoder.log_variance.bias, bias)
    log_scale = encoder(torch.randn(5, 4)).scale.log()
    assert torch.isfinite(log_scale).all()
    assert (sign * log_scale > 2).all()


def test_every_weight_learns():
    encoder = Encoder(6, 3, [8, 8], PLAIN, linear_tail=True)
    encoder(torch.randn(64, 6)).rsample().square().sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


def test_input_dropout_hides_features_only_while_training():
    encoder = Encoder(200, 2, [3], PLAIN, input_dropout=0.4)
    seen = []
    encoder.trunk.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    x = torch.ones(100, 200)

    encoder(x)
    encoder.eval()
    encoder(x)

    assert (seen[0] == 0).double().mean().item() == pytest.approx(0.4, abs=0.02)
    # what is left is scaled up, so that the expected input is the same
    assert seen[0].mean().item() == pytest.approx(1, abs=0.03)
    assert torch.equal(seen[1], x)


def components(encoder: Encoder, n: int = 80) -> torch.Tensor:
    """Fit them; returns new data."""
    rng, n_input = np.random.default_rng(0), encoder.projection.components.shape[1]
    encoder.projection.fit(rng.normal(size=(n, n_input)).astype(np.float32))
    return torch.from_numpy(rng.normal(size=(8, n_input)).astype(np.float32))


@pytest.mark.parametrize("n_components", [None, 4])
def test_without_hidden_layers_it_is_linear(n_components):
    encoder = Encoder(6, 3, [], BlockStyle(), n_components=n_components)
    x = torch.randn(8, 6) if n_components is None else components(encoder)
    seen = x if n_components is None else encoder.projection(x)
    qz = encoder(x)
    torch.testing.assert_close(qz.mean, affine(encoder.mean, seen))
    torch.testing.assert_close(qz.variance, affine(encoder.log_variance, seen).exp())
    # a straight line stays one
    torch.testing.assert_close(encoder(2 * x - 1).mean, 2 * qz.mean - encoder(x * 0 + 1).mean)
    n_seen = n_components or 6
    assert sum(p.numel() for p in encoder.parameters()) == 2 * (n_seen * 3 + 3)


def test_hidden_layers_see_components_in_place_of_features():
    encoder = Encoder(6, 3, [5], PLAIN, n_components=4)
    x = components(encoder)
    hidden = leaky(affine(encoder.trunk[0], encoder.projection(x)))
    assert encoder.trunk[0].in_features == 4
    torch.testing.assert_close(encoder(x).mean, affine(encoder.mean, hidden))


def test_a_linear_tail_without_hidden_layers_maps_what_is_seen():
    encoder = Encoder(6, 3, [], PLAIN, n_components=4, linear_tail=True)
    x = components(encoder)
    hidden = affine(encoder.trunk[-1], encoder.projection(x))
    torch.testing.assert_close(encoder(x).mean, affine(encoder.mean, hidden))


def test_input_dropout_hides_components_where_these_are_seen():
    encoder = Encoder(60, 2, [3], PLAIN, input_dropout=0.4, n_components=50)
    x, seen = components(encoder, 200).repeat(40, 1), []
    encoder.trunk.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    encoder(x)
    encoder.eval()
    encoder(x)
    assert seen[0].shape == (320, 50)
    assert (seen[0] == 0).double().mean().item() == pytest.approx(0.4, abs=0.02)
    assert torch.equal(seen[1], encoder.projection(x))


@pytest.mark.parametrize("n_hidden", [[5], [5, 7]])
def test_number_of_parameters(n_hidden):
    d, latent = 6, 3
    sizes = [d, *n_hidden]
    blocks = sum(a * b + b + 2 * b for a, b in zip(sizes, sizes[1:], strict=False))
    tail = n_hidden[-1] ** 2 + n_hidden[-1]
    heads = 2 * (n_hidden[-1] * latent + latent)

    for linear_tail in (False, True):
        encoder = Encoder(d, latent, n_hidden, BlockStyle(), linear_tail=linear_tail)
        counted = sum(parameter.numel() for parameter in encoder.parameters())
        assert counted == blocks + heads + linear_tail * tail


def test_bounds_leave_ordinary_variances_alone():
    encoder = Encoder(4, 2, [3], PLAIN)
    nn.init.zeros_(encoder.log_variance.weight)
    nn.init.constant_(encoder.log_variance.bias, 2 * math.log(0.05))
    assert encoder(torch.randn(5, 4)).scale.flatten().tolist() == pytest.approx([0.05] * 10)
