"""Observations that two modalities saw: which, and how often they are served."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from anndata import AnnData
from scipy import sparse

from modis.data import FeatureMatrix, Modality
from modis.dataloaders._pairs import PairedDataset, PairSampler, shared_rows

FEATURES = {"rna": 4, "protein": 3, "mirna": 2}
SEEN = {"rna": range(60), "protein": range(20, 100), "mirna": range(50, 70)}


def modality(name: str, observations, storage=np.asarray) -> Modality:
    """Features whose first column is the number of the observation; shuffled rows."""
    rng = np.random.default_rng(len(name))
    observations = rng.permutation(np.asarray(observations))
    x = observations[:, None] + 0.125 * np.arange(FEATURES[name])[None]
    index = pd.Index([f"s{number}" for number in observations])
    adata = AnnData(storage(x.astype(np.float32)), obs=pd.DataFrame(index=index))
    n = len(observations)
    batch = np.stack([observations % 2, observations % 3], axis=1)
    return Modality(name, FeatureMatrix(adata), index, observations % 5, batch.reshape(n, 2))


def cohort(seen=None, storage=np.asarray) -> dict[str, Modality]:
    seen = SEEN if seen is None else seen
    return {name: modality(name, observations, storage) for name, observations in seen.items()}


def everyone(data) -> dict[str, np.ndarray]:
    return {name: np.arange(item.n_obs) for name, item in data.items()}


def test_the_same_observations_in_the_same_order():
    data = cohort()
    shared = shared_rows(data, everyone(data))
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


def test_an_observation_counts_only_where_it_trains_in_both():
    data, index = cohort(), {}
    # what is held out differs from modality to modality, more than it ever does
    for k, (name, item) in enumerate(data.items()):
        index[name] = np.flatnonzero(np.arange(item.n_obs) % 3 != k)
    trains = {name: set(data[name].obs_names[rows]) for name, rows in index.items()}
    for (first, second), (ours, theirs) in shared_rows(data, index).items():
        assert set(ours) <= set(index[first])
        assert set(theirs) <= set(index[second])
        assert set(data[first].obs_names[ours]) == trains[first] & trains[second]


@pytest.mark.parametrize(("first", "n_pairs"), [(10, 0), (9, 0), (8, 1)])
def test_modalities_that_share_fewer_than_two_are_no_pair(first, n_pairs):
    """One is too few for batch normalisation."""
    data = cohort({"rna": range(10), "protein": range(first, 30)})
    assert len(shared_rows(data, everyone(data))) == n_pairs


@pytest.mark.parametrize("storage", [np.asarray, sparse.csc_matrix])
def test_a_minibatch_of_a_pair(storage):
    data = cohort(storage=storage)
    shared = shared_rows(data, everyone(data))
    pair, positions = ("protein", "mirna"), np.array([7, 0, 19, 3])
    batch = PairedDataset(data, shared)[pair, positions]
    assert list(batch) == list(pair)
    numbers = [int(name[1:]) for name in data["protein"].obs_names[shared[pair][0][positions]]]
    for name, tensors in batch.items():
        assert tensors["X"].shape == (4, FEATURES[name])
        assert tensors["X"].dtype == torch.float32
        assert tensors["X"][:, 0].tolist() == numbers
        assert tensors["labels"].tolist() == [number % 5 for number in numbers]
        assert tensors["batch"].tolist() == [[number % 2, number % 3] for number in numbers]


def test_pairs_are_drawn_as_often_as_they_share_observations():
    data = cohort()
    shared = shared_rows(data, everyone(data))
    torch.manual_seed(0)
    drawn = [pair for pair, _ in PairSampler(shared, 8, 7_000)]
    # 40, 10 and 20 observations of 70; twice the standard deviation of a share is 0.012
    for pair, share in zip(shared, (4 / 7, 1 / 7, 2 / 7), strict=True):
        assert drawn.count(pair) / len(drawn) == pytest.approx(share, abs=0.018)


@pytest.mark.parametrize(("batch_size", "sizes"), [(16, {16, 10}), (64, {40, 20, 10})])
def test_nobody_is_in_a_minibatch_twice(batch_size, sizes):
    data = cohort()
    shared = shared_rows(data, everyone(data))
    sampler = PairSampler(shared, batch_size, 60)
    served = list(sampler)
    assert len(sampler) == len(served) == 60
    assert {len(positions) for _, positions in served} == sizes
    for pair, positions in served:
        assert len(set(positions)) == len(positions)
        assert 0 <= positions.min()
        assert positions.max() < len(shared[pair][0])


def test_everybody_has_a_turn_and_the_seed_decides():
    data = cohort({"rna": range(30), "protein": range(30)})
    shared = shared_rows(data, everyone(data))

    def drawn(seed: int) -> list[list[int]]:
        torch.manual_seed(seed)
        return [positions.tolist() for _, positions in PairSampler(shared, 8, 40)]

    assert set(sum(drawn(0), [])) == set(range(30))
    assert drawn(0) == drawn(0)
    assert drawn(0) != drawn(1)
