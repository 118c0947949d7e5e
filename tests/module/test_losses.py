import math
from itertools import permutations
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.special import softmax
from scipy.stats import entropy
from sklearn.metrics import log_loss

from modis.module import _losses as losses


def tensor(x):
    return torch.as_tensor(np.asarray(x), dtype=torch.float64)


def normal(rng, *shape):
    return tensor(rng.normal(size=shape))


@given(labels=st.lists(st.integers(-1, 3), min_size=1, max_size=20))
def test_class_cross_entropy_is_log_loss_of_the_labelled(labels):
    codes, rng = np.array(labels), np.random.default_rng(len(labels))
    logits = normal(rng, len(codes), 4).requires_grad_()
    value, known = losses.class_cross_entropy(logits, torch.from_numpy(codes)), codes >= 0
    value.backward()
    assert ((logits.grad.abs().sum(dim=1) > 0).numpy() == known).all()
    if known.any():
        probability = softmax(logits.detach().numpy()[known], axis=1)
        assert value.item() == pytest.approx(log_loss(codes[known], probability, labels=range(4)))
    else:
        assert value.item() == 0


@pytest.mark.parametrize("generator", [False, True])
def test_relativistic_pairs_are_independent_and_drawn_by_weight(rng, generator):
    """In expectation over draws: a row counts as its weight says, on either side of a pair."""
    logits = {code: 3 * normal(rng, 6, 3).sort(dim=0).values for code in range(3)}
    weights = {code: tensor([9.0, 4, 1, 1, 0.5, 0.5][:: 1 - 2 * (code % 2)]) for code in range(3)}
    sign = -1 if generator else 1
    expected = np.mean(
        [
            np.average(
                np.log1p(np.exp(sign * (logits[j][:, i] - logits[i][:, [i]]).numpy())),
                weights=(weights[i][:, None] * weights[j]).numpy(),
            )
            for i, j in permutations(logits, 2)
        ]
    )
    drawn = [losses.relativistic(logits, weights, generator=generator).item() for _ in range(1500)]
    assert abs(np.mean(drawn) - expected) < 4 * np.std(drawn) / math.sqrt(len(drawn))


@given(weights=st.lists(st.sampled_from([0.0, 0.1, 1.0, 3.0, 20.0]), min_size=1, max_size=12))
def test_rows_are_drawn_in_proportion_to_their_weights(weights):
    """To within one draw; rows of equal weights once each, those of weight 0 never."""
    given = tensor(weights)
    if given.sum() == 0:
        given = given + 0.3
    drawn = losses.draw_by_weight(given)
    expected = (len(given) * given / given.sum()).numpy()
    assert len(drawn) == len(given)
    assert (np.abs(np.bincount(drawn, minlength=len(given)) - expected) < 1 + 1e-9).all()
    equal = losses.draw_by_weight(torch.full((len(given),), 0.3))
    assert sorted(equal.tolist()) == list(range(len(given)))


def test_gradient_penalty_agrees_with_numeric_differences(rng):
    w1, w2, z = rng.normal(size=(4, 6)), rng.normal(size=(6, 3)), rng.normal(size=(7, 4))
    shifts = 1e-5 * np.eye(4)
    slopes = [(np.tanh((z + s) @ w1) - np.tanh((z - s) @ w1)) @ w2 / 2e-5 for s in shifts]
    value = losses.gradient_penalty(lambda x: torch.tanh(x @ tensor(w1)) @ tensor(w2), tensor(z))
    assert value.item() == pytest.approx(np.square(slopes).sum(axis=0).mean(), rel=1e-6)


def test_gradient_penalty_of_many_logits_is_that_of_all_in_the_mean(rng):
    weight, z = tensor(rng.normal(size=(4, 9))), tensor(rng.normal(size=(50, 4)))
    critic = lambda x: torch.tanh(x @ weight)
    slopes = (1 - critic(z).square())[:, None] * weight
    drawn = [losses.gradient_penalty(critic, z).item() for _ in range(400)]
    expected = slopes.square().sum(dim=1).mean().item()
    assert abs(np.mean(drawn) - expected) < 4 * np.std(drawn) / math.sqrt(len(drawn))
    assert 0 < np.std(drawn) < 0.3 * expected


@pytest.mark.parametrize(("n_logits", "n_passes"), [(2, 2), (4, 4), (5, 1), (30, 1)])
def test_gradient_penalty_takes_few_backward_passes(n_logits, n_passes):
    critic = torch.nn.Linear(4, n_logits)
    with mock.patch("torch.autograd.grad", wraps=torch.autograd.grad) as grad:
        losses.gradient_penalty(critic, torch.randn(5, 4)).backward()
    assert grad.call_count == n_passes
    assert critic.weight.grad.abs().max() > 0


@pytest.mark.parametrize("generator", [False, True])
def test_some_pairs_of_many_modalities_are_as_all_in_the_mean(rng, generator, monkeypatch):
    logits = {code: normal(rng, 6, 6) for code in range(6)}
    weights = {code: torch.ones(6) for code in range(6)}
    some = [losses.relativistic(logits, weights, generator=generator).item() for _ in range(1500)]
    softplus = torch.nn.functional.softplus
    with mock.patch("torch.nn.functional.softplus", wraps=softplus) as terms:
        losses.relativistic(logits, weights, generator=generator)
    assert terms.call_count == 6
    monkeypatch.setattr(losses, "_FEW_MODALITIES", 6)
    every = [losses.relativistic(logits, weights, generator=generator).item() for _ in range(300)]
    spread = np.hypot(np.std(some) / math.sqrt(1500), np.std(every) / math.sqrt(300))
    assert abs(np.mean(some) - np.mean(every)) < 4 * spread


def cauchy_schwarz(a, kernel):
    overlap = a.T @ kernel @ a
    norm = np.sqrt(np.outer(np.diag(overlap), np.diag(overlap)))
    return (overlap / norm)[np.triu_indices(a.shape[1], k=1)].mean()


def clustering_by_hand(a, h, sigma2=None):
    squared = cdist(h, h, "sqeuclidean")
    kernel = np.exp(-squared / (2 * (sigma2 or 0.15 * np.median(squared))))
    corners = np.exp(-cdist(a, np.eye(a.shape[1]), "sqeuclidean"))
    separation = cauchy_schwarz(a, kernel) + cauchy_schwarz(corners, kernel)
    return separation - entropy(a.mean(axis=0))


# an odd number of samples: their median distance is one of the distances
@pytest.mark.parametrize(("n", "n_classes"), [(7, 2), (11, 3), (35, 4)])
def test_clustering_value(rng, n, n_classes):
    a, h = softmax(2 * rng.normal(size=(n, n_classes)), axis=1), rng.normal(size=(n, 5))
    value = losses.clustering(tensor(a), tensor(h)).item()
    assert value == pytest.approx(clustering_by_hand(a, h), rel=1e-6)


@pytest.mark.parametrize(
    ("a", "h"),
    [
        pytest.param(np.full((6, 3), 1 / 3), np.ones((6, 2)), id="all points the same"),
        pytest.param(np.eye(3)[[0] * 6], np.arange(12.0).reshape(6, 2), id="empty classes"),
        pytest.param(np.eye(3)[[0, 1, 2] * 2], np.repeat(np.eye(3), 2, 0), id="repeated points"),
        pytest.param(np.full((1, 2), 0.5), np.ones((1, 2)), id="one point"),
    ],
)
def test_clustering_of_degenerate_input_is_finite(a, h):
    a, h = tensor(a).float().requires_grad_(), tensor(h).float().requires_grad_()
    value = losses.clustering(a, h)
    value.backward()
    assert all(torch.isfinite(each).all() for each in (value, a.grad, h.grad))


def test_clustering_in_single_precision_away_from_the_origin(rng):
    """Distances must not drown in rounding when the cloud lies far out for its width."""
    a, h = softmax(rng.normal(size=(101, 3)), axis=1), rng.normal(size=(101, 16)) + 30
    single, double = tensor(h).float().requires_grad_(), tensor(h).requires_grad_()
    value = losses.clustering(tensor(a).float(), single)
    exact = losses.clustering(tensor(a), double)
    value.backward()
    exact.backward()
    assert value.item() == pytest.approx(exact.item(), abs=1e-3)
    torch.testing.assert_close(single.grad.double(), double.grad, atol=1e-5, rtol=1e-2)
