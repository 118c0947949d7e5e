import numpy as np
import pytest

from modis.linear import link_correlation, link_views, linked_axes


def test_views_by_hand(rng):
    """The mean of what a feature is linked to, by sign and weight; itself on the other side."""
    data = {"cpg": rng.normal(size=(30, 5)), "gene": rng.normal(size=(40, 4))}
    bases = tuple(np.linalg.qr(rng.normal(size=(n, n)))[0] for n in (5, 4))
    scores = tuple(x @ basis.T for x, basis in zip(data.values(), bases, strict=True))
    first, second = np.array([0, 3, 4, 1]), np.array([2, 2, 0, 0])
    views = link_views(scores, bases, first, second, np.array([-1.0, -3.0, 1.0, 1.0]))
    cpg, gene = data["cpg"], data["gene"]
    ours = np.stack([(cpg[:, 4] + cpg[:, 1]) / 2, -(cpg[:, 0] + 3 * cpg[:, 3]) / 4], axis=1)
    for own, view, expected in zip(scores, views, (ours, gene[:, [0, 2]]), strict=True):
        np.testing.assert_allclose(own @ view, expected / expected.std(axis=0))


def test_a_constant_feature_says_nothing():
    scores = (np.array([[1.0], [-1.0]]), np.zeros((2, 1)))
    ours, theirs = link_views(scores, (np.eye(1),) * 2, *np.zeros((2, 1), int), np.ones(1))
    assert ours.tolist() == [[1.0]]
    assert theirs.tolist() == [[0.0]]


def test_axes_are_the_leading_ones_of_all_modalities_together(rng):
    scores = {"a": rng.normal(size=(50, 4)), "b": rng.normal(size=(60, 3))}
    views = {"a": [rng.normal(size=(4, 5))], "b": [rng.normal(size=(3, 5))]}
    axes = linked_axes(views, scores, 2)
    linked = {name: scores[name] @ views[name][0] for name in scores}
    total = sum(own.T @ own / len(own) for own in linked.values())
    _, _, vectors = np.linalg.svd(total)
    for name, own in axes.items():
        expected = linked[name] @ vectors[:2].T
        np.testing.assert_allclose(np.abs(scores[name] @ own), np.abs(expected))


@pytest.mark.parametrize("r", [0.0, 0.5, 0.9])
def test_correlation_of_links_without_a_single_pair(rng, r):
    factors = rng.normal(size=(3, 12))
    ours, theirs = (rng.normal(size=(n, 3)) @ factors for n in (3_000, 2_000))
    ours, theirs = ours / ours.std(axis=0), theirs / theirs.std(axis=0)
    theirs = r * theirs + np.sqrt(1 - r**2) * rng.normal(size=theirs.shape)
    apart = ~np.eye(12, dtype=bool)
    assert link_correlation(ours, theirs, apart) == pytest.approx(r, abs=0.16 if not r else 0.05)
    assert link_correlation(ours, -theirs[:, ::-1] * 0, apart) == 0
