"""Loss terms, against scikit-learn, closed forms and loops over samples."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.special import log_softmax, softmax
from sklearn.metrics import log_loss
from torch.distributions import Normal

from modis.module import _losses as losses


def tensor(x) -> torch.Tensor:
    return torch.as_tensor(np.asarray(x), dtype=torch.float64)


def normal(rng: np.random.Generator, *shape: int) -> torch.Tensor:
    return tensor(rng.normal(size=shape))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# KL divergence


def test_kl_closed_form(rng):
    mean, scale = rng.normal(size=(6, 3)), rng.uniform(0.2, 2, size=(6, 3))
    expected = 0.5 * (mean**2 + scale**2 - 1 - np.log(scale**2)).sum(axis=1).mean()
    kl = losses.kl_to_standard_normal(Normal(tensor(mean), tensor(scale)))
    assert kl.item() == pytest.approx(expected)


def test_kl_agrees_with_monte_carlo():
    qz = Normal(tensor([[0.5, -1.0]]), tensor([[0.7, 1.5]]))
    z = qz.sample((200_000,))
    prior = Normal(torch.zeros(2), torch.ones(2))
    sampled = (qz.log_prob(z) - prior.log_prob(z)).sum(dim=-1).mean().item()
    assert losses.kl_to_standard_normal(qz).item() == pytest.approx(sampled, abs=0.02)


def test_kl_of_the_prior_is_zero():
    assert losses.kl_to_standard_normal(Normal(torch.zeros(4, 3), torch.ones(4, 3))).item() == 0


def test_kl_does_not_depend_on_the_batch_size(rng):
    mean, scale = normal(rng, 5, 2), normal(rng, 5, 2).exp()
    once = losses.kl_to_standard_normal(Normal(mean, scale))
    twice = losses.kl_to_standard_normal(Normal(mean.repeat(2, 1), scale.repeat(2, 1)))
    torch.testing.assert_close(once, twice)


# classes


@given(labels=st.lists(st.integers(-1, 3), min_size=1, max_size=20))
def test_class_cross_entropy_is_log_loss_of_the_labelled(labels):
    codes, rng = np.array(labels), np.random.default_rng(len(labels))
    logits = normal(rng, len(codes), 4)
    value = losses.class_cross_entropy(logits, torch.from_numpy(codes)).item()
    known = codes >= 0
    if known.any():
        probability = softmax(logits.numpy()[known], axis=1)
        assert value == pytest.approx(log_loss(codes[known], probability, labels=range(4)))
    else:
        assert value == 0


def test_unlabelled_samples_have_no_gradient(rng):
    logits, labels = normal(rng, 6, 3).requires_grad_(), torch.tensor([0, -1, 2, -1, -7, 1])
    losses.class_cross_entropy(logits, labels).backward()
    assert (logits.grad[labels < 0] == 0).all()
    assert (logits.grad[labels >= 0].abs().sum(dim=1) > 0).all()


def test_no_label_at_all_is_zero_and_still_a_graph(rng):
    logits = normal(rng, 4, 3).requires_grad_()
    value = losses.class_cross_entropy(logits, torch.full((4,), -1))
    value.backward()
    assert value.item() == 0
    assert torch.equal(logits.grad, torch.zeros(4, 3, dtype=torch.float64))


@given(
    source=st.lists(st.integers(-1, 3), max_size=12),
    target=st.lists(st.integers(-1, 3), max_size=12),
)
def test_class_mates_are_of_the_same_class(source, target):
    codes = [torch.tensor(labels, dtype=torch.int64) for labels in (source, target)]
    rows, mates = losses.class_mates(*codes)
    wanted = [row for row, code in enumerate(source) if code >= 0 and code in target]
    assert rows.tolist() == wanted
    assert [target[mate] for mate in mates] == [source[row] for row in wanted]


def test_class_mates_are_drawn_alike():
    source, target = torch.zeros(9_000, dtype=torch.int64), torch.tensor([0, 1, 0, -1, 0])
    _, mates = losses.class_mates(source, target)
    counts = np.bincount(mates, minlength=5)
    assert counts[[1, 3]].tolist() == [0, 0]
    assert counts[[0, 2, 4]] == pytest.approx([3_000] * 3, rel=0.06)


def test_any_sample_is_a_mate_to_a_class_that_the_target_lacks():
    source, target = torch.tensor([0, 1, -1, 2]), torch.tensor([0, 2, 2])
    rows, mates = losses.class_mates(source.repeat(200), target, without=torch.tensor([1]))
    own = source.repeat(200)[rows]
    assert set(own.tolist()) == {0, 1, 2}
    assert set(mates[own == 0].tolist()) == {0}
    assert set(mates[own == 1].tolist()) == {0, 1, 2}
    assert set(mates[own == 2].tolist()) == {1, 2}


def test_class_mates_are_drawn_as_often_as_their_weights_say():
    source, target = torch.zeros(9_000, dtype=torch.int64), torch.tensor([0, 1, 0, -1, 0])
    rows, mates = losses.class_mates(source, target, torch.tensor([1.0, 50.0, 2.0, 50.0, 6.0]))
    assert len(rows) == 9_000
    counts = np.bincount(mates, minlength=5)
    assert counts[[1, 3]].tolist() == [0, 0]
    assert counts[[0, 2, 4]] == pytest.approx([1_000, 2_000, 6_000], rel=0.1)


def test_squared_distance_is_the_mean_over_observations(rng):
    first, second = rng.normal(size=(2, 6, 4))
    expected = np.diag(cdist(first, second, "sqeuclidean")).mean()
    found = losses.squared_distance(tensor(first), tensor(second))
    assert found.item() == pytest.approx(expected)
    assert losses.squared_distance(tensor(first), tensor(first)).item() == 0


def test_weighted_mean(rng):
    values, weights = rng.normal(size=20), rng.uniform(0.1, 3, 20)
    weighted = losses.weighted_mean(tensor(values), tensor(weights))
    assert weighted.item() == pytest.approx(np.average(values, weights=weights))
    assert losses.weighted_mean(tensor(values), None).item() == pytest.approx(values.mean())


def test_weighted_sum():
    terms = {"a": torch.tensor(2.0), "b": torch.tensor(3.0), "c": torch.tensor(5.0)}
    assert losses.weighted_sum(terms, {"a": 10.0, "c": 0.0}).item() == 23


# which modality: cross-entropy


@pytest.mark.parametrize("n_modalities", [2, 3, 5])
def test_modality_cross_entropy_is_log_loss(rng, n_modalities):
    logits, modality = normal(rng, 20, n_modalities), rng.integers(0, n_modalities, 20)
    value = losses.modality_cross_entropy(logits, torch.from_numpy(modality)).item()
    expected = log_loss(modality, softmax(logits.numpy(), axis=1), labels=range(n_modalities))
    assert value == pytest.approx(expected)


@pytest.mark.parametrize("n_modalities", [2, 3, 5])
def test_adversarial_cross_entropy_over_the_other_modalities(rng, n_modalities):
    logits, modality = normal(rng, 20, n_modalities), rng.integers(0, n_modalities, 20)
    log_probability = log_softmax(logits.numpy(), axis=1)
    per_sample = [
        np.mean([-log_probability[n, j] for j in range(n_modalities) if j != i])
        for n, i in enumerate(modality)
    ]
    value = losses.adversarial_cross_entropy(logits, torch.from_numpy(modality)).item()
    assert value == pytest.approx(np.mean(per_sample))


def test_weights_in_the_game_of_cross_entropies(rng):
    logits, modality = normal(rng, 20, 3), rng.integers(0, 3, 20)
    weights, codes = rng.uniform(0.1, 3, 20), torch.from_numpy(modality)
    expected = log_loss(
        modality, softmax(logits.numpy(), axis=1), labels=range(3), sample_weight=weights
    )
    value = losses.modality_cross_entropy(logits, codes, tensor(weights)).item()
    assert value == pytest.approx(expected)
    per_sample = [
        losses.adversarial_cross_entropy(logits[[row]], codes[[row]]).item() for row in range(20)
    ]
    value = losses.adversarial_cross_entropy(logits, codes, tensor(weights)).item()
    assert value == pytest.approx(np.average(per_sample, weights=weights))


def test_adversary_and_discriminator_pull_apart(rng):
    logits, modality = torch.zeros(4, 3, dtype=torch.float64), torch.tensor([0, 1, 2, 2])
    gradients = []
    for game in (losses.modality_cross_entropy, losses.adversarial_cross_entropy):
        leaf = logits.clone().requires_grad_()
        game(leaf, modality).backward()
        gradients.append(leaf.grad[torch.arange(4), modality])
    assert (gradients[0] < 0).all()
    assert (gradients[1] > 0).all()


# which modality: relativistic


def logits_by_modality(rng, codes=(0, 1, 2), n=5):
    return {code: normal(rng, n, len(codes)) for code in codes}


def brute_force_relativistic(logits, generator):
    terms = []
    for i, j in permutations(logits, 2):
        for real, fake in zip(logits[i].numpy()[:, i], logits[j].numpy()[:, i], strict=True):
            difference = fake - real if generator else real - fake
            terms.append(math.log1p(math.exp(-difference)))
    return np.mean(terms)


@pytest.mark.parametrize("codes", [(0, 1), (0, 1, 2), (2, 0, 3, 1)])
@pytest.mark.parametrize("generator", [False, True])
def test_relativistic_over_ordered_pairs(rng, codes, generator):
    logits = logits_by_modality(rng, codes)
    value = losses.relativistic(logits, generator=generator).item()
    assert value == pytest.approx(brute_force_relativistic(logits, generator))


def test_encoders_play_with_swapped_roles(rng):
    logits = logits_by_modality(rng)
    negated = {code: -value for code, value in logits.items()}
    torch.testing.assert_close(
        losses.relativistic(logits, generator=True),
        losses.relativistic(negated, generator=False),
    )
    # of two modalities: what the encoders see is the discriminator's view of exchanged samples
    two = logits_by_modality(rng, (0, 1))
    torch.testing.assert_close(
        losses.relativistic(two, generator=True),
        losses.relativistic({0: two[1], 1: two[0]}, generator=False),
    )


@pytest.mark.parametrize("n_modalities", [2, 3])
def test_relativistic_pushes_the_latent_points(rng, n_modalities):
    """A pairwise sum that lets i and j cancel would be constant, and push nothing."""
    critic = torch.nn.Linear(4, n_modalities).double()
    z = {code: normal(rng, 8, 4).requires_grad_() for code in range(n_modalities)}

    def loss():
        return losses.relativistic({i: critic(points) for i, points in z.items()}, generator=True)

    before = loss()
    gradients = torch.autograd.grad(before, list(z.values()))
    for gradient in gradients:
        assert (gradient.abs().amax(dim=1) > 1e-4).all()
    with torch.no_grad():
        for points, gradient in zip(z.values(), gradients, strict=True):
            points -= gradient
    assert loss() < before - 1e-4


def test_relativistic_generator_closes_the_gap(rng):
    """Descending it lowers each modality's own logit on its samples, and raises the others'."""
    logits = {code: torch.zeros(3, 2, requires_grad=True) for code in (0, 1)}
    losses.relativistic(logits, generator=True).backward()
    for i, j in ((0, 1), (1, 0)):
        assert (logits[i].grad[:, i] > 0).all()
        assert (logits[i].grad[:, j] < 0).all()


# gradient penalty


def numeric_penalty(critic, z, step=1e-5):
    """Mean over samples and logits of the squared norm, by central differences."""
    total = 0.0
    for d in range(z.shape[1]):
        shift = np.zeros(z.shape[1])
        shift[d] = step
        slope = (critic(z + shift) - critic(z - shift)) / (2 * step)
        total = total + slope**2
    return total.mean()


def test_gradient_penalty_agrees_with_numeric_differences(rng):
    w1, w2, z = rng.normal(size=(4, 6)), rng.normal(size=(6, 3)), rng.normal(size=(7, 4))
    value = losses.gradient_penalty(
        lambda x: torch.tanh(x @ tensor(w1)) @ tensor(w2), tensor(z)
    ).item()
    assert value == pytest.approx(numeric_penalty(lambda x: np.tanh(x @ w1) @ w2, z), rel=1e-6)


def test_gradient_penalty_teaches_the_critic_and_not_the_encoder(rng):
    critic = torch.nn.Sequential(
        torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3)
    ).double()
    encoder_side = normal(rng, 7, 4).requires_grad_()
    losses.gradient_penalty(critic, 2 * encoder_side).backward()
    assert encoder_side.grad is None
    assert critic[0].weight.grad.abs().sum() > 0
    assert critic[2].weight.grad.abs().sum() > 0


def test_gradient_penalty_of_a_flat_critic_is_zero(rng):
    assert losses.gradient_penalty(lambda x: 0 * x + 5, normal(rng, 7, 4)).item() == 0


# clustering


def cauchy_schwarz_by_loops(a, kernel):
    n, k = a.shape
    total = 0.0

    def overlap(p, q):
        return sum(a[i, p] * kernel[i, j] * a[j, q] for i in range(n) for j in range(n))

    for p in range(k):
        for q in range(p + 1, k):
            total += overlap(p, q) / math.sqrt(overlap(p, p) * overlap(q, q))
    return 2 * total / (k * (k - 1))


def clustering_by_loops(a, h):
    n, k = a.shape
    squared = [[sum((h[i] - h[j]) ** 2) for j in range(n)] for i in range(n)]
    sigma2 = 0.15 * np.median(squared)
    kernel, corners = np.zeros((n, n)), np.zeros((n, k))
    for i in range(n):
        for j in range(n):
            kernel[i, j] = math.exp(-squared[i][j] / (2 * sigma2))
        for c in range(k):
            corners[i, c] = math.exp(-sum((a[i] - np.eye(k)[c]) ** 2))
    negative_entropy = sum(p * math.log(p) for p in a.mean(axis=0) if p > 0)
    return (
        cauchy_schwarz_by_loops(a, kernel)
        + cauchy_schwarz_by_loops(corners, kernel)
        + negative_entropy
    )


# an odd number of samples: their median distance is one of the distances
@pytest.mark.parametrize(("n", "n_classes"), [(7, 2), (11, 3), (35, 4)])
def test_clustering_agrees_with_loops(rng, n, n_classes):
    a, h = softmax(2 * rng.normal(size=(n, n_classes)), axis=1), rng.normal(size=(n, 5))
    value = losses.clustering(tensor(a), tensor(h)).item()
    assert value == pytest.approx(clustering_by_loops(a, h), rel=1e-6)


def blobs(rng, n_classes=3, per_class=15):
    """Well separated clusters, and the confident assignments that belong to them."""
    codes = np.repeat(np.arange(n_classes), per_class)
    h = 10.0 * np.eye(n_classes)[codes] + 0.1 * rng.normal(size=(len(codes), n_classes))
    return h, softmax(8.0 * np.eye(n_classes)[codes], axis=1)


def test_clustering_prefers_separated_clusters(rng):
    h, a = blobs(rng)
    good = losses.clustering(tensor(a), tensor(h))
    mixed = losses.clustering(tensor(a), tensor(rng.permutation(h)))
    undecided = losses.clustering(torch.full_like(tensor(a), 1 / 3), tensor(h))
    one_class = losses.clustering(tensor(a[np.zeros(len(a), dtype=int)]), tensor(h))
    assert good < mixed - 0.5
    assert good < undecided - 0.5
    assert good < one_class - 0.5


def test_clustering_ignores_order_and_scale(rng):
    a, h = softmax(rng.normal(size=(21, 3)), axis=1), rng.normal(size=(21, 4))
    value = losses.clustering(tensor(a), tensor(h)).item()
    order = rng.permutation(21)
    assert losses.clustering(tensor(a[order]), tensor(h[order])).item() == pytest.approx(value)
    # the bandwidth follows the data
    assert losses.clustering(tensor(a), tensor(100 * h)).item() == pytest.approx(value)
    classes = [2, 0, 1]
    assert losses.clustering(tensor(a[:, classes]), tensor(h)).item() == pytest.approx(value)


def test_clustering_gradient_holds_the_bandwidth_fixed(rng):
    a, h = softmax(rng.normal(size=(9, 3)), axis=1), rng.normal(size=(9, 4))
    leaf = tensor(h).requires_grad_()
    losses.clustering(tensor(a), leaf).backward()

    sigma2 = 0.15 * np.median(cdist(h, h, "sqeuclidean"))

    def at(moved):
        kernel = np.exp(-cdist(moved, moved, "sqeuclidean") / (2 * sigma2))
        corners = np.exp(-cdist(a, np.eye(3), "sqeuclidean"))
        return cauchy_schwarz_by_loops(a, kernel) + cauchy_schwarz_by_loops(corners, kernel)

    for i, d in ((0, 0), (4, 2), (8, 3)):
        shift = np.zeros_like(h)
        shift[i, d] = 1e-5
        slope = (at(h + shift) - at(h - shift)) / 2e-5
        assert leaf.grad[i, d].item() == pytest.approx(slope, abs=1e-6)


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
    assert torch.isfinite(value)
    assert torch.isfinite(a.grad).all()
    assert torch.isfinite(h.grad).all()


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
