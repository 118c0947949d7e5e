import time
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import torch
from anndata import AnnData

from modis.data import FeatureMatrix, Modality
from modis.dataloaders import _pairs
from modis.dataloaders._pairs import PairSampler, seen_by_several, shared_rows

SEEN = {"rna": range(60), "protein": range(20, 100), "mirna": range(50, 70)}


def modality(name, observations):
    """Shuffled rows; their values do not matter."""
    observations = np.random.default_rng(len(name)).permutation(np.asarray(observations))
    index = pd.Index([f"s{number}" for number in observations])
    zeros = np.zeros((len(index), 2), dtype=np.float32)
    return Modality(name, FeatureMatrix(AnnData(zeros)), index, zeros[:, 0], zeros)


def cohort(seen=SEEN):
    return {name: modality(name, observations) for name, observations in seen.items()}


def everyone(data):
    return {name: np.arange(item.n_obs) for name, item in data.items()}


def test_the_same_observations_in_the_same_order():
    data = cohort()
    shared = shared_rows(data, 2)
    expected = {
        ("rna", "protein"): range(20, 60),
        ("rna", "mirna"): range(50, 60),
        ("protein", "mirna"): range(50, 70),
    }
    assert list(shared) == list(expected)
    for (first, second), (ours, theirs) in shared.items():
        names = list(data[first].obs_names[ours])
        assert names == list(data[second].obs_names[theirs])
        assert sorted(names) == sorted(f"s{k}" for k in expected[first, second])


def test_modalities_that_share_fewer_than_two_are_no_pair():
    """One is too few for batch normalisation."""
    for first, n_pairs in [(10, 0), (9, 0), (8, 1)]:
        data = cohort({"rna": range(10), "protein": range(first, 30)})
        assert len(shared_rows(data, 2)) == n_pairs
        assert len(PairSampler(seen_by_several(data, everyone(data)), 8, 20)) == 20 * n_pairs


def test_everybody_has_a_turn_and_nobody_is_in_a_minibatch_twice():
    data = cohort()
    shared = shared_rows(data, 2)

    def drawn(seed, batch_size):
        torch.manual_seed(seed)
        sampler = PairSampler(seen_by_several(data, everyone(data)), batch_size, 2_000)
        served = [(tuple(rows), *map(tuple, rows.values())) for rows in sampler]
        assert len(sampler) == len(served) == 2_000
        return served

    for batch_size, sizes in [(16, {16, 10}), (64, {40, 20, 10})]:
        served = drawn(0, batch_size)
        assert {len(ours) for _, ours, _ in served} == sizes
        assert all(len(set(ours)) == len(ours) == len(theirs) for _, ours, theirs in served)
        for pair, rows in shared.items():
            mine = [set(zip(*both, strict=True)) for other, *both in served if other == pair]
            assert set().union(*mine) == set(zip(*rows, strict=True))
            # as often as they share observations; thrice the standard deviation of a share
            assert len(mine) / 2_000 == pytest.approx(len(rows[0]) / 70, abs=0.033)
    assert drawn(0, 16) == drawn(0, 16)
    assert drawn(0, 16) != drawn(1, 16)


def test_many_modalities_make_no_table_of_each_pair(monkeypatch):
    data = cohort(dict.fromkeys(map(str, range(30)), range(40)) | {"other": range(99, 120)})
    rows = seen_by_several(data, everyone(data))
    assert all(len(own) == 40 for own in rows.values())
    find = mock.Mock(wraps=_pairs._shared)
    monkeypatch.setattr(_pairs, "_shared", find)
    sampler = PairSampler(rows, 8, 20)
    assert len(sampler.sizes) == 435
    assert set(sampler.sizes.values()) == {40}
    find.assert_not_called()
    for drawn in sampler:
        first, second = (data[name].obs_names[own] for name, own in drawn.items())
        assert list(first) == list(second)
    assert find.call_count <= 20


def test_drawing_a_minibatch_takes_no_longer_with_more_pairs():
    def seconds(n):
        rows = np.arange(n)
        started = time.process_time()
        assert len(list(PairSampler({"a": rows, "b": rows}, 64, 200))) == 200
        return time.process_time() - started

    # all are shuffled once for 15,000 minibatches, and not for each
    assert seconds(1_000_000) < 10 * min(seconds(30_000) for _ in range(3)) + 0.5
