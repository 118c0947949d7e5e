import numpy as np
import pytest

from modis.linear import N_FOLDS, align, fit_scale, fit_shared
from modis.linear._shared import _certainty
from modis.metrics import foscttm


def folds_of(pairs):
    first, order = pairs["rna", "protein"]
    return {"rna": first % N_FOLDS, "protein": np.argsort(order) % N_FOLDS}


def pairs_of(rng, n, strength):
    """Two modalities of which one component each follows the same factor; rows in other orders."""
    factor, order = rng.normal(size=n), rng.permutation(n)
    scores = {"rna": rng.normal(size=(n, 6)), "protein": rng.normal(size=(n, 4))}
    scores["rna"][:, 4] += strength * factor
    scores["protein"][order, 2] += strength * factor
    scores = {name: own - own.mean(axis=0) for name, own in scores.items()}
    return scores, {("rna", "protein"): (np.arange(n), order)}


def test_a_shared_factor_is_found(rng):
    scores, pairs = pairs_of(rng, 200, 3.0)
    axes, by_fold = fit_shared(scores, pairs, 3, folds_of(pairs))
    rna, protein = axes["rna"], axes["protein"]
    assert rna.shape == (6, 3)
    assert protein.shape == (4, 3)
    assert np.abs(rna[:, 0]).argmax() == 4
    assert np.abs(protein[:, 0]).argmax() == 2
    ours, theirs = scores["rna"] @ rna, (scores["protein"] @ protein)[pairs["rna", "protein"][1]]
    r = np.corrcoef(ours[:, 0], theirs[:, 0])[0, 1]
    assert r == pytest.approx(0.9, abs=0.05)
    # as in the likelihood that two rows are of one observation
    assert ours[:, 0].std() == pytest.approx(np.sqrt(r / (1 - r**2)), rel=0.1)
    assert [np.abs(own["rna"][:, 0]).argmax() for own in by_fold] == [4] * N_FOLDS
    # the others are noise
    assert ours[:, 1:].std(axis=0).max() < 0.25 * ours[:, 0].std()


def test_pairs_that_do_not_correlate_share_little_or_nothing(rng):
    found = []
    for _ in range(10):
        scores, pairs = pairs_of(rng, 200, 0.0)
        fitted = fit_shared(scores, pairs, 1, folds_of(pairs))
        found.append(0.0 if not fitted[0] else (scores["rna"] @ fitted[0]["rna"]).std())
    # half of them fall below zero by chance
    assert 0 in found
    assert max(found) < 0.5


def test_other_modalities_do_not_tell_of_a_pair_that_is_held_out(rng):
    """Noise in three modalities of the same samples, which more components than samples fit."""
    names, n = ["rna", "protein", "cnv"], 40
    scores = {name: rng.normal(size=(n, 60)) for name in names}
    scores = {name: own - own.mean(axis=0) for name, own in scores.items()}
    both = np.arange(n), np.arange(n)
    pairs = {(a, b): both for k, a in enumerate(names) for b in names[k + 1 :]}
    fold = np.arange(n) % N_FOLDS
    by_fold = fit_shared(scores, pairs, 5, dict.fromkeys(names, fold))[1]
    matched = []
    for k, own in enumerate(by_fold):
        places = {name: scores[name][fold == k] @ own[name] for name in names}
        matched += [foscttm(places[a], places[b]) for a, b in pairs if places[a].any()]
    assert not matched or 0.35 < np.mean(matched) < 0.65


def test_axes_weigh_as_they_help_to_match(rng):
    scores, pairs = pairs_of(rng, 200, 3.0)
    folds, order = folds_of(pairs), pairs["rna", "protein"][1]
    shared = [
        {name: scores[name] @ own for name, own in each.items()}
        for each in fit_shared(scores, pairs, 3, folds)[1]
    ]
    codes, factor = rng.integers(0, 4, 200), rng.normal(size=(200, 1))
    places = {"rna": np.eye(4)[codes] + 0.05 * rng.normal(size=(200, 4))}
    links = {"rna": factor + 0.1 * rng.normal(size=(200, 1))}
    places["protein"], links["protein"] = np.empty((200, 4)), np.empty((200, 1))
    places["protein"][order] = np.eye(4)[codes] + 0.05 * rng.normal(size=(200, 4))
    links["protein"][order] = factor + 0.1 * rng.normal(size=(200, 1))
    without = dict.fromkeys(links, np.empty((200, 0)))
    # samples of a class lie in one place without them
    assert fit_scale(pairs, folds, shared, places, without, 0.6)[0] > 0.15
    by_pairs, by_links = fit_scale(pairs, folds, shared, places, links, 0.0)
    assert by_pairs > 0.05
    assert by_links > 0.15
    # links of other features tell nothing
    links["protein"] = rng.normal(size=(200, 1))
    assert fit_scale(pairs, folds, shared, places, links, 0.6)[1] < 0.2
    # what matches by itself needs none
    places["protein"][order] = places["rna"]
    assert max(fit_scale(pairs, folds, shared, places, links, 0.6)) < 0.05
    # without pairs there is nothing to be learned
    assert fit_scale(pairs, folds, [], places, links, 0.6) == (0, 0.6)


def test_few_pairs_change_scales_as_far_as_they_are_sure(rng):
    """Not at all if the error does not fall, and never all at once."""
    gain = rng.normal(size=200)
    gain -= gain.mean()
    found = [_certainty(gain + mean) for mean in (-1, 0, 0.01, 0.05, 0.1, 0.2, 1)]
    assert found == sorted(found)
    assert found[0] == 0
    assert found[2] < 0.05
    assert found[-1] > 0.95


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
