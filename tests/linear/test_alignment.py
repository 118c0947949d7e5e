import numpy as np

from modis.linear import align


def test_points_get_the_same_means_and_spread_within_classes(rng):
    sizes = {"a": 200, "b": 300}
    points = {
        name: rng.normal(size=(n, 3)) @ (np.eye(3) + rng.normal(scale=0.3, size=(3, 3)))
        for name, n in sizes.items()
    }
    members = {name: np.eye(2)[np.arange(n) % 2] for name, n in sizes.items()}
    points = {name: own + members[name] @ rng.normal(size=(2, 3)) for name, own in points.items()}
    means, covariances, given = [], [], []
    for name, (before, turn, after) in align(points, members).items():
        rest = points[name] - members[name] @ before
        moved = rest @ turn + members[name] @ after
        means.append([moved[members[name][:, k] == 1].mean(axis=0) for k in (0, 1)])
        covariances.append(np.cov(rest @ turn, rowvar=False))
        given.append(np.cov(rest, rowvar=False))
    np.testing.assert_allclose(*means, atol=1e-8)
    np.testing.assert_allclose(*covariances, rtol=0.05, atol=0.05)
    np.testing.assert_allclose(covariances[0], np.mean(given, axis=0), rtol=0.05, atol=0.05)
    assert np.abs(given[0] - given[1]).max() > 0.3


def test_directions_that_hardly_varied_are_not_blown_up_in_new_points(rng):
    """With fewer points than dimensions, some have not varied at all."""
    points = {name: rng.normal(size=(30, 60)) for name in "ab"}
    new = rng.normal(size=(500, 60))
    _, turn, _ = align(points, {name: np.ones((30, 1)) for name in "ab"})["a"]
    assert 0.5 < (new @ turn).std() / new.std() < 2
