import numpy as np
import pytest
import torch
from scipy.special import log_softmax, logsumexp

from modis.module import LinearModels

N, N_FEATURES, N_CLASSES = 6, 5, 4


def made(rng, **tensors):
    models = LinearModels()
    for name, value in tensors.items():
        models[name] = np.asarray(value)
    return models, rng.normal(size=(N, N_FEATURES)).astype(np.float32)


def random_map(rng, kind):
    weight, bias = rng.normal(size=(N_CLASSES, N_FEATURES)), rng.normal(size=N_CLASSES)
    return {f"{kind}_weight_0": weight.astype("f4"), f"{kind}_bias_0": bias.astype("f4")}


def test_unseen_classes_are_as_likely_as_the_guest_map_says(rng):
    own, guest = random_map(rng, "class"), random_map(rng, "guest")
    seen = np.array([1, 0, 1, 1])
    models, x = made(rng, **own, class_seen_0=seen)
    logits = x @ own["class_weight_0"].T + own["class_bias_0"]
    expected = log_softmax(logits[:, [0, 2, 3]], axis=1)
    alone = models.class_log_probability(0, torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(alone[:, [0, 2, 3]], expected, atol=1e-5)
    # an unseen class is unlikely, and not impossible
    assert (alone[:, 1] == -14).all()
    for name, value in guest.items():
        models[name] = value
    theirs = log_softmax(x @ guest["guest_weight_0"].T + guest["guest_bias_0"], axis=1)
    said = models.class_log_probability(0, torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(said[:, 1], theirs[:, 1], atol=1e-5)
    known = logsumexp(theirs[:, [0, 2, 3]], axis=1, keepdims=True)
    np.testing.assert_allclose(said[:, [0, 2, 3]], expected + known, atol=1e-5)
    np.testing.assert_allclose(np.exp(said).sum(axis=1), 1, rtol=1e-5)
    assert models.class_log_probability(1, torch.from_numpy(x)) is None


def test_networks_tell_of_unseen_classes_above_a_threshold(rng):
    """The farther from all other classes, the more likely; the others keep their shares."""
    models, x = made(rng, class_seen_0=[1, 0, 1, 1], share_0=[0.5, 0.5], worth_0=0.5)
    linear, networks = (
        torch.from_numpy(log_softmax(rng.normal(size=(N, N_CLASSES)), axis=1)) for _ in range(2)
    )
    both = ((linear + networks) / 2).log_softmax(dim=-1)
    torch.testing.assert_close(models.pool(0, torch.from_numpy(x), linear, networks), both)
    eye, mean = np.eye(N_FEATURES), np.zeros((1, N_FEATURES))
    alarm = {"center": mean[0], "basis": eye, "whiten": eye, "means": mean}
    for name, value in (alarm | {"distances": [1, 2, 3]}).items():
        models[f"alarm_0_{name}"] = np.asarray(value)
    models["unseen_bias_0"] = np.array(0.3)
    x = np.zeros((N, N_FEATURES), dtype=np.float32)
    x[:, 0] = np.sqrt([0, 1.5, 2.5, 9, 0, 0])
    share = np.array([4, 3, 2, 1, 4, 4]) / 4
    logits = networks.numpy().copy()
    logits[:, 1] += -0.5 * np.log(share) - 0.3
    expected = np.exp(log_softmax(logits, axis=1))[:, 1]
    found = models.pool(0, torch.from_numpy(x).requires_grad_(), linear, networks).exp().numpy()
    np.testing.assert_allclose(found[:, 1], expected, rtol=1e-5)
    rest, shares = found[:, [0, 2, 3]], both.exp().numpy()[:, [0, 2, 3]]
    np.testing.assert_allclose(
        rest, shares * (1 - expected)[:, None] / shares.sum(1)[:, None], rtol=1e-5
    )


@pytest.mark.parametrize("by_links", [False, True])
def test_translation_adds_class_means_and_ridge(rng, by_links):
    mean, ridge = rng.normal(size=(N_CLASSES, 3)), rng.normal(size=(2, 3))
    center, basis = rng.normal(size=N_FEATURES), rng.normal(size=(2, N_FEATURES))
    # in two batches and three categories, of which each adds its own, and in units of the target
    offset, spread, location = rng.normal(size=(5, 3)), np.array([2, 3, 1]), rng.normal(size=3)
    models, x = made(rng, mean_1=mean, center_0=center, basis_0=basis, first_condition=[0, 2])
    for name, value in (("offset", offset), ("spread", spread), ("location", location)):
        models[f"{name}_1"] = value
    conditions = rng.integers([2, 3], size=(N, 2))
    added = offset[conditions[:, 0]] + offset[2 + conditions[:, 1]]
    in_units = lambda profile: (profile + added) * spread + location
    said = log_softmax(rng.normal(size=(N, N_CLASSES)), axis=1).astype(np.float32)
    given = 0, 1, *map(torch.from_numpy, (x, said, conditions))
    expected = in_units(np.exp(said) @ mean)
    np.testing.assert_allclose(models.translate(*given), expected, rtol=1e-4, atol=1e-5)
    more = {"ridge_0_1": ridge, "intercept_0_1": rng.normal(size=3), "by_class_0_1": 0.3}
    more |= {"class_ridge_0_1": rng.normal(size=(N_CLASSES, 3))} if by_links else {}
    for name, value in more.items():
        models[name] = np.asarray(value)
    expected = 0.3 * np.exp(said) @ mean + (x - center) @ basis.T @ ridge + more["intercept_0_1"]
    if by_links:
        expected -= np.exp(said) @ more["class_ridge_0_1"]
    expected = in_units(expected)
    np.testing.assert_allclose(models.translate(*given), expected, rtol=1e-3, atol=1e-4)


def test_shared_axes(rng):
    center, basis = np.zeros(N_FEATURES), np.eye(2, N_FEATURES)
    models, x = made(rng, axes_0=np.eye(2, 3), center_0=center, basis_0=basis)
    said = torch.from_numpy(log_softmax(rng.normal(size=(N, N_CLASSES)), axis=1))
    shared = models.shared(0, torch.from_numpy(x), said)
    np.testing.assert_allclose(shared[:, :2], x[:, :2])
    np.testing.assert_array_equal(shared[:, 2], 0)
    # a modality without axes stands in the middle
    assert not models.shared(1, torch.from_numpy(x), said).any()
    # by links they tell the samples of a class apart, by direction
    models["linked_0"], models["linked_mean_0"] = np.eye(2), np.ones((N_CLASSES, 2))
    assert models.n_axes == (3, 2)
    expected = x[:, :2] - 1
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = models.shared(0, torch.from_numpy(x), said.float())
    np.testing.assert_allclose(found, np.hstack([shared, expected]), rtol=1e-4)
