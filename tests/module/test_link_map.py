import numpy as np
import torch
from scipy import sparse
from scipy.spatial.distance import cosine

from modis.module._module import LinkMap

N_SOURCE, N_TARGET = 6, 5


def link_map(links):
    source, target = np.array(list(links)).T
    return LinkMap(source, target, np.array(list(links.values()), dtype=np.float32), N_SOURCE)


def random_features(n, n_features, seed=0):
    values = np.random.default_rng(seed).normal(size=(n, n_features))
    return torch.as_tensor(values, dtype=torch.float32)


def test_predictions_are_averages_along_the_links():
    """As with a dense matrix, which would take 1.6 gigabytes."""
    rng, n, n_links = np.random.default_rng(0), 20_000, 50_000
    link = rng.choice(n * n, n_links, replace=False)
    source, target = link // n, link % n
    weight = rng.choice([-1, 1], n_links) * rng.random(n_links)
    x = random_features(8, n)
    by_target = sparse.csr_array((weight, (target, source)), shape=(n, n))
    total = abs(by_target).sum(axis=1)
    linked = np.flatnonzero(total)
    expected = (by_target[linked] @ x.numpy().T).T / total[linked]
    averages = LinkMap(source, target, weight, n)
    assert averages.linked.tolist() == linked.tolist()
    np.testing.assert_allclose(averages(x), expected, rtol=1e-3, atol=1e-5)


def test_loss_is_one_minus_the_cosine():
    averages = link_map({(0, 1): 1.0, (3, 1): -2.0, (2, 0): 1.0, (4, 3): 3.0})
    x, translated = random_features(7, N_SOURCE), random_features(7, N_TARGET, seed=1)
    predicted = averages(x).numpy()
    expected = [cosine(predicted[row], translated.numpy()[row, [0, 1, 3]]) for row in range(7)]
    np.testing.assert_allclose(averages.loss(x, translated), expected, rtol=1e-5)


def test_only_linked_features_of_the_translation_learn():
    """And nothing is infinite where the links predict nothing."""
    averages = link_map({(0, 1): 1.0, (3, 1): -2.0, (2, 4): 1.0})
    for x, learn in ((random_features(7, N_SOURCE), [1, 4]), (torch.zeros(7, N_SOURCE), [])):
        translated = random_features(7, N_TARGET).requires_grad_()
        loss = averages.loss(x, translated)
        loss.sum().backward()
        assert torch.isfinite(loss).all()
        gradient = translated.grad.abs().sum(dim=0)
        assert torch.isfinite(gradient).all()
        assert gradient.nonzero().flatten().tolist() == learn
