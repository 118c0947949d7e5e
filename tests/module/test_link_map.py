"""Predictions along feature links, against dense matrices and loops."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.spatial.distance import cosine

from modis.module._link_map import LinkMap

N_SOURCE, N_TARGET = 6, 5
WEIGHTS = st.sampled_from([-3.0, -1.0, -0.25, 0.5, 1.0, 4.0])
LINKS = st.dictionaries(
    st.tuples(st.integers(0, N_SOURCE - 1), st.integers(0, N_TARGET - 1)), WEIGHTS, min_size=1
)


def link_map(links: dict[tuple[int, int], float], n_source: int = N_SOURCE) -> LinkMap:
    source, target = np.array(list(links)).T
    return LinkMap(source, target, np.array(list(links.values()), dtype=np.float32), n_source)


def random_features(n: int, n_features: int, seed: int = 0) -> torch.Tensor:
    values = np.random.default_rng(seed).normal(size=(n, n_features))
    return torch.as_tensor(values, dtype=torch.float32)


def test_by_hand():
    averages = link_map({(0, 3): 1.0, (1, 3): -3.0, (5, 0): 0.5, (2, 4): -2.0})
    x = torch.tensor([[1.0, 2, 3, 4, 5, 6], [0, 1, 0, 0, 0, -1]])
    assert averages.linked.tolist() == [0, 3, 4]
    # alone, the weight of a link says nothing; its sign does
    expected = [[6, (1 - 3 * 2) / 4, -3], [-1, -3 / 4, 0]]
    torch.testing.assert_close(averages(x), torch.tensor(expected))


@given(links=LINKS)
def test_as_a_dense_matrix(links):
    dense = np.zeros((N_TARGET, N_SOURCE))
    for (source, target), weight in links.items():
        dense[target, source] = weight
    linked = np.flatnonzero(np.abs(dense).sum(axis=1))
    dense /= np.abs(dense).sum(axis=1, keepdims=True).clip(min=1e-9)
    averages, x = link_map(links), random_features(4, N_SOURCE)
    assert averages.linked.tolist() == linked.tolist()
    np.testing.assert_allclose(averages(x), x.numpy() @ dense[linked].T, rtol=1e-5, atol=1e-6)


@given(links=LINKS, order=st.randoms(use_true_random=False))
def test_the_order_of_the_links_does_not_matter(links, order):
    shuffled = list(links.items())
    order.shuffle(shuffled)
    x = random_features(3, N_SOURCE)
    torch.testing.assert_close(link_map(dict(shuffled))(x), link_map(links)(x))


def test_many_features():
    """A dense matrix of this size would take 1.6 gigabytes."""
    rng, n, n_links = np.random.default_rng(0), 20_000, 50_000
    link = rng.choice(n * n, n_links, replace=False)
    source, target, weight = (
        link // n,
        link % n,
        rng.choice([-1, 1], n_links) * rng.random(n_links),
    )
    x = random_features(8, n)
    by_target = sparse.csr_array((weight, (target, source)), shape=(n, n))
    total = abs(by_target).sum(axis=1)
    linked = np.flatnonzero(total)
    expected = (by_target[linked] @ x.numpy().T).T / total[linked]
    averages = LinkMap(source, target, weight, n)
    np.testing.assert_allclose(averages(x), expected, rtol=1e-3, atol=1e-5)


def test_loss_is_one_minus_the_cosine():
    averages = link_map({(0, 1): 1.0, (3, 1): -2.0, (2, 0): 1.0, (4, 3): 3.0})
    x, translated = random_features(7, N_SOURCE), random_features(7, N_TARGET, seed=1)
    predicted = averages(x).numpy()
    expected = [cosine(predicted[row], translated.numpy()[row, [0, 1, 3]]) for row in range(7)]
    np.testing.assert_allclose(averages.loss(x, translated), expected, rtol=1e-5)


@pytest.mark.parametrize(("factor", "loss"), [(1, 0), (0.01, 0), (-1, 2)])
def test_loss_sees_the_pattern_and_not_its_size(factor, loss):
    averages = link_map({(0, 1): 1.0, (3, 1): -2.0, (2, 0): 1.0, (4, 3): 3.0})
    x, translated = random_features(7, N_SOURCE), random_features(7, N_TARGET, seed=1)
    translated[:, averages.linked] = factor * averages(x)
    torch.testing.assert_close(averages.loss(x, translated), torch.full((7,), float(loss)))


def test_signs_turn_the_loss_around():
    links = {(0, 1): 1.0, (3, 1): 2.0, (2, 0): 1.0}
    against = {link: -weight for link, weight in links.items()}
    x, translated = random_features(7, N_SOURCE), random_features(7, N_TARGET, seed=1)
    both = link_map(links).loss(x, translated) + link_map(against).loss(x, translated)
    torch.testing.assert_close(both, torch.full((7,), 2.0))


def test_no_prediction_no_nan():
    averages = link_map({(0, 1): 1.0, (1, 2): 1.0})
    translated = random_features(3, N_TARGET).requires_grad_()
    loss = averages.loss(torch.zeros(3, N_SOURCE), translated)
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    assert torch.isfinite(translated.grad).all()


def test_only_linked_features_of_the_translation_learn():
    averages = link_map({(0, 1): 1.0, (3, 1): -2.0, (2, 4): 1.0})
    translated = random_features(7, N_TARGET).requires_grad_()
    averages.loss(random_features(7, N_SOURCE), translated).sum().backward()
    touched = translated.grad.abs().sum(dim=0) > 0
    assert touched.tolist() == [False, True, False, False, True]


def test_nothing_to_learn_and_nothing_to_save():
    averages = link_map({(0, 1): 1.0, (3, 1): -2.0})
    assert list(averages.parameters()) == []
    assert averages.state_dict() == {}
    x = random_features(2, N_SOURCE)
    assert torch.equal(copy.deepcopy(averages)(x), averages(x))


def test_nothing_is_warned_about():
    # what torch says once per process, whichever test comes first must hear
    torch.set_warn_always(True)
    try:
        link_map({(0, 1): 1.0, (3, 1): -2.0})(random_features(2, N_SOURCE))
    finally:
        torch.set_warn_always(False)
