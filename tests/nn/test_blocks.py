"""Fully connected blocks, against numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from modis.nn import BlockStyle
from modis.nn._blocks import blocks

NORMS = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm, None: None}


def standardized(x: np.ndarray, axis: int) -> np.ndarray:
    centred = x - x.mean(axis=axis, keepdims=True)
    return centred / np.sqrt(x.var(axis=axis, keepdims=True) + 1e-5)


REFERENCE_NORMS = {
    "batch": lambda x: standardized(x, axis=0),
    "layer": lambda x: standardized(x, axis=1),
    None: lambda x: x,
}


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("norm", NORMS)
def test_order_of_layers_and_sizes(norm, dropout):
    network = blocks([7, 5, 3], BlockStyle(norm=norm, dropout=dropout))
    one = [nn.Linear, NORMS[norm], nn.LeakyReLU, nn.Dropout if dropout else None]
    assert [type(layer) for layer in network] == [kind for kind in one if kind] * 2
    linear = [layer for layer in network if isinstance(layer, nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in linear] == [(7, 5), (5, 3)]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("slope", [0.2, 0.3])
def test_values_while_training(norm, slope):
    # the paper's slope is the default
    style = BlockStyle(norm=norm, **({} if slope == 0.2 else {"negative_slope": slope}))
    network = blocks([6, 4], style).double()
    x = torch.randn(9, 6, dtype=torch.float64)
    linear = network[0]
    normed = REFERENCE_NORMS[norm]((x @ linear.weight.T + linear.bias).detach().numpy())
    expected = np.where(normed > 0, normed, slope * normed)
    np.testing.assert_allclose(network(x).detach().numpy(), expected, atol=1e-10)


def test_dropout_acts_only_while_training():
    network, x = blocks([20, 400], BlockStyle(norm=None, dropout=0.25)), torch.randn(50, 20)
    assert (network(x) == 0).double().mean().item() == pytest.approx(0.25, abs=0.02)
    network.eval()
    torch.testing.assert_close(network(x), network[1](network[0](x)))


def test_a_single_size_is_the_identity():
    x = torch.randn(3, 4)
    assert torch.equal(blocks([4], BlockStyle())(x), x)
