import numpy as np
import pytest

from modis.linear import fit_shared


def pairs_of(rng, n: int, strength: float) -> tuple[dict, dict]:
    """Two modalities of which one component each follows the same factor; rows in other orders."""
    factor, order = rng.normal(size=n), rng.permutation(n)
    scores = {"rna": rng.normal(size=(n, 6)), "protein": rng.normal(size=(n, 4))}
    scores["rna"][:, 4] += strength * factor
    scores["protein"][order, 2] += strength * factor
    scores = {name: own - own.mean(axis=0) for name, own in scores.items()}
    return scores, {("rna", "protein"): (np.arange(n), order)}


def test_a_shared_factor_is_found(rng):
    scores, pairs = pairs_of(rng, 200, 3.0)
    axes = fit_shared(scores, pairs, 3)
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
    # the others are noise
    assert ours[:, 1:].std(axis=0).max() < 0.25 * ours[:, 0].std()


def test_pairs_that_do_not_correlate_share_little_or_nothing(rng):
    found = []
    for _ in range(10):
        scores, pairs = pairs_of(rng, 200, 0.0)
        axes = fit_shared(scores, pairs, 1)
        found.append(0.0 if axes is None else (scores["rna"] @ axes["rna"]).std())
    # half of them fall below zero by chance
    assert 0 in found
    assert max(found) < 0.5
