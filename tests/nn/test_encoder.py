import pytest
import torch
from torch import nn
from torch.distributions import Normal
from torch.nn.functional import leaky_relu

from modis.nn import BlockStyle, Encoder

PLAIN = BlockStyle(norm=None)


@pytest.mark.parametrize(
    ("n_hidden", "linear_tail"), [([], False), ([5, 7], True), ([], True), ([5], False)]
)
def test_posterior_and_number_of_parameters_by_hand(n_hidden, linear_tail):
    encoder, sizes = Encoder(6, 3, n_hidden, PLAIN, linear_tail=linear_tail), [6, *n_hidden]
    x = hidden = torch.randn(8, 6)
    for k in range(len(n_hidden)):
        hidden = leaky_relu(encoder.trunk[2 * k](hidden), 0.2)
    if linear_tail:
        hidden = encoder.trunk[-1](hidden)
    qz = encoder(x)
    assert isinstance(qz, Normal)
    torch.testing.assert_close(qz.mean, encoder.mean(hidden))
    torch.testing.assert_close(qz.variance, encoder.log_variance(hidden).exp())
    maps = [*zip(sizes, sizes[1:], strict=False), *[(sizes[-1], 3)] * 2]
    maps += [(sizes[-1], sizes[-1])] if linear_tail else []
    expected = sum(a * b + b for a, b in maps)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == expected


@pytest.mark.parametrize(
    ("log_variance", "bounded"), [(1e4, 6.0), (-1e4, -12.0), (-5.99, -5.99), (5.5, 5.5)]
)
def test_spread_stays_finite_and_ordinary_variances_as_they_are(log_variance, bounded):
    encoder = Encoder(4, 2, [3], PLAIN)
    nn.init.zeros_(encoder.log_variance.weight)
    nn.init.constant_(encoder.log_variance.bias, log_variance)
    log_scale = encoder(torch.randn(5, 4)).scale.log()
    assert log_scale.flatten().tolist() == pytest.approx([bounded / 2] * 10)


def test_input_dropout_hides_what_the_layers_see_while_training():
    encoder, x, seen = Encoder(50, 2, [3], PLAIN, input_dropout=0.4), torch.randn(320, 50), []
    encoder.trunk.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    encoder(x)
    encoder.eval()
    encoder(x)
    hidden = seen[0] == 0
    assert hidden.double().mean().item() == pytest.approx(0.4, abs=0.02)
    # what is left is scaled up, so that the expected input is the same
    torch.testing.assert_close(seen[0][~hidden], x[~hidden] / 0.6)
    torch.testing.assert_close(seen[1], x)
