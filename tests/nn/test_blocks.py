import numpy as np
import pytest
import torch
from torch import nn

from modis.nn import BlockStyle
from modis.nn._blocks import blocks


def standardized(x, axis):
    centred = x - x.mean(axis=axis, keepdims=True)
    return centred / np.sqrt(x.var(axis=axis, keepdims=True) + 1e-5)


REFERENCE_NORMS = {
    "batch": lambda x: standardized(x, axis=0),
    "layer": lambda x: standardized(x, axis=1),
    None: lambda x: x,
}


@pytest.mark.parametrize("norm", REFERENCE_NORMS)
def test_values_of_two_blocks_while_training(norm):
    # the paper's slope is the default
    slope = BlockStyle().negative_slope if norm else 0.3
    network = blocks([6, 5, 4], BlockStyle(norm=norm, negative_slope=slope)).double()
    x = torch.randn(9, 6, dtype=torch.float64)
    expected = x.numpy()
    for linear in [layer for layer in network if isinstance(layer, nn.Linear)]:
        weight, bias = linear.weight.detach().numpy(), linear.bias.detach().numpy()
        normed = REFERENCE_NORMS[norm](expected @ weight.T + bias)
        expected = np.where(normed > 0, normed, (0.2 if norm else 0.3) * normed)
    np.testing.assert_allclose(network(x).detach().numpy(), expected, atol=1e-9)


def test_dropout_acts_only_while_training():
    network, x = blocks([20, 400], BlockStyle(norm=None, dropout=0.25)), torch.randn(50, 20)
    assert (network(x) == 0).double().mean().item() == pytest.approx(0.25, abs=0.02)
    network.eval()
    torch.testing.assert_close(network(x), network[1](network[0](x)))
    kinds = [type(layer) for layer in blocks([3, 3], BlockStyle(dropout=0.1))]
    assert kinds == [nn.Linear, nn.BatchNorm1d, nn.LeakyReLU, nn.Dropout]
