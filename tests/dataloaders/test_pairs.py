import time

import numpy as np
import pandas as pd
import pytest
import torch
from anndata import AnnData

from modis.data import FeatureMatrix, Modality
from modis.dataloaders import _pairs
from modis.dataloaders._pairs import PairedDataset, PairSampler, seen_by_several, shared_rows

FEATURES = {"rna": 4, "protein": 3, "mirna": 2}
SEEN = {"rna": range(60), "protein": range(20, 100), "mirna": range(50, 70)}


def modality(name: str, observations) -> Modality:
    """Features whose first column is the number of the observation; shuffled rows."""
    rng = np.random.default_rng(len(name))
    observations = rng.permutation(np.asarray(observations))
    x = observations[:, None] + 0.125 * np.arange(FEATURES.get(name, 2))[None]
    index = pd.Index([f"s{number}" for number in observations])
    adata = AnnData(x.astype(np.float32), obs=pd.DataFrame(index=index))
    batch = np.stack([observations % 2, observations % 3], axis=1)
    return Modality(name, FeatureMatrix(adata), index, observations % 5, batch)


def cohort(seen=SEEN) -> dict[str, Modality]:
    return {name: modality(name, observations) for name, observations in seen.items()}


def everyone(data) -> dict[str, np.ndarray]:
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


def test_a_minibatch_of_a_pair():
    data = cohort()
    pair, positions = ("protein", "mirna"), np.array([7, 0, 19, 3])
    shared = shared_rows(data, 2)[pair]
    drawn = {name: rows[positions] for name, rows in zip(pair, shared, strict=True)}
    batch = PairedDataset(data)[drawn]
    assert list(batch) == list(pair)
    numbers = [int(name[1:]) for name in data["protein"].obs_names[drawn["protein"]]]
    for name, tensors in batch.items():
        assert tensors["X"].shape == (4, FEATURES[name])
        assert tensors["X"][:, 0].tolist() == numbers
        assert tensors["labels"].tolist() == [number % 5 for number in numbers]
        assert tensors["batch"].tolist() == [[number % 2, number % 3] for number in numbers]


def test_everybody_has_a_turn_and_nobody_is_in_a_minibatch_twice():
    data = cohort()
    shared = shared_rows(data, 2)

    def drawn(seed: int, batch_size: int) -> list[tuple]:
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
    calls, find = [], _pairs._shared
    monkeypatch.setattr(_pairs, "_shared", lambda *args: [calls.append(1), find(*args)][1])
    sampler = PairSampler(rows, 8, 20)
    assert len(sampler.sizes) == 435
    assert set(sampler.sizes.values()) == {40}
    assert not calls
    for drawn in sampler:
        first, second = (data[name].obs_names[own] for name, own in drawn.items())
        assert list(first) == list(second)
    assert len(calls) <= 20


def test_drawing_a_minibatch_takes_no_longer_with_more_pairs():
    def seconds(n: int) -> float:
        rows = np.arange(n)
        started = time.process_time()
        assert len(list(PairSampler({"a": rows, "b": rows}, 64, 200))) == 200
        return time.process_time() - started

    # all are shuffled once for 15,000 minibatches, and not for each
    assert seconds(1_000_000) < 10 * min(seconds(30_000) for _ in range(3)) + 0.5
