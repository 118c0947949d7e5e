from collections import defaultdict
from dataclasses import replace

import mudata as md
import numpy as np
import pandas as pd
import pytest
import scvi
import torch
from anndata import AnnData
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from modis._constants import PAIRS_KEY
from modis.data import FeatureMatrix, Modality
from modis.dataloaders import ModalitySplitter, split_observations

from .._make import make_mudata

FEATURES = {"rna": 6, "protein": 3, "mirna": 2}


def modality(name, observations, labels=None):
    """Features of which every value tells the observation and the column; class 0 by default."""
    observations = np.asarray(observations)
    x = observations[:, None] + 0.125 * np.arange(FEATURES.get(name, 2))[None]
    obs = pd.DataFrame(index=observations.astype(str))
    adata = AnnData(x.astype(np.float32), obs=obs)
    batch = np.zeros(len(observations), dtype=np.int64)
    labels = batch if labels is None else np.asarray(labels, dtype=np.int64)
    return Modality(name, FeatureMatrix(adata), adata.obs_names, labels, batch)


def mosaic(n=300):
    """Three modalities; an observation has one, two or all of them."""
    rng = np.random.default_rng(0)
    label = np.where(rng.random(n) < 0.8, rng.choice(3, n, p=[0.7, 0.2, 0.1]), -1)
    data = {}
    for code, name in enumerate(FEATURES):
        seen = np.flatnonzero((np.arange(n) % 7 != code) & (np.arange(n) % 3 != code))
        seen = rng.permutation(seen)
        data[name] = modality(name, seen, label[seen])
    return data


def groups_of(data):
    """Observations by the modalities that saw them and by their class."""
    seen, label = defaultdict(list), {}
    for name, item in data.items():
        for observation, code in zip(item.obs_names, item.labels, strict=True):
            seen[observation].append(name)
            label[observation] = max(code, label.get(observation, -1))
    groups = defaultdict(set)
    for observation, names in seen.items():
        groups[*names, label[observation]].add(observation)
    return groups


def names_at(data, positions):
    return {name: set(item.obs_names[positions[name]]) for name, item in data.items()}


def same(first, second):
    return all(np.array_equal(first[name], second[name]) for name in first)


def steps_of(splitter):
    return [batch for batch, _, _ in splitter.train_dataloader()]


@pytest.mark.parametrize("train_size", [0.5, 0.9])
def test_the_whole_and_every_group_give_their_share(train_size):
    data = mosaic()
    train, held_out = split_observations(data, train_size, seed=0)
    validation = set().union(*names_at(data, held_out).values())
    groups = groups_of(data)
    assert len(groups) > 10
    assert abs(len(validation) - (1 - train_size) * sum(map(len, groups.values()))) <= 0.5
    for members in groups.values():
        assert abs(len(members & validation) - (1 - train_size) * len(members)) < 1 + 1e-9
    for name, item in data.items():
        assert sorted([*train[name], *held_out[name]]) == list(range(item.n_obs))
        assert (np.diff(train[name]) > 0).all()
        assert (np.diff(held_out[name]) > 0).all()


@pytest.mark.parametrize(("n", "train_size"), [(70, 0.9), (140, 0.9), (140, 0.8)])
def test_many_small_groups_give_their_share_together(n, train_size):
    """Of each modality, too, and of each class, although no group can give a tenth of itself."""
    patterns = [{"rna"}, {"protein"}, {"rna", "protein"}, {"rna", "mirna"}, set(FEATURES)]
    label, seen = np.arange(n) % 3, [patterns[k // 3 % 5] for k in range(n)]
    data = {}
    for name in FEATURES:
        own = np.flatnonzero([name in each for each in seen])
        data[name] = modality(name, own, label[own])
    _, held_out = split_observations(data, train_size, seed=0)
    validation = np.array(sorted(set().union(*names_at(data, held_out).values())), dtype=int)
    share = 1 - train_size
    assert len(validation) == round(share * n)
    assert np.abs(np.bincount(label[validation], minlength=3) - share * n / 3).max() < 1
    for name, rows in held_out.items():
        assert abs(len(rows) - share * data[name].n_obs) < 2


@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=3),
    train_size=st.floats(0.01, 1.0),
    seed=st.integers(0, 10**6),
)
def test_an_observation_is_on_one_side_and_every_group_trains(sizes, train_size, seed):
    rng = np.random.default_rng(seed)
    label = rng.integers(-1, 2, 40)
    data = {}
    for name, size in zip(FEATURES, sizes, strict=False):
        chosen = rng.choice(40, size, replace=False)
        data[name] = modality(name, chosen, label[chosen])
    train, held_out = split_observations(data, train_size, seed)
    training = set().union(*names_at(data, train).values())
    validation = set().union(*names_at(data, held_out).values())
    assert not training & validation
    for members in groups_of(data).values():
        assert members & training


def test_a_label_seen_in_one_modality_only_counts():
    """The second modality does not know the classes of the observations that both saw."""
    label = np.arange(100) % 2
    data = {
        "rna": modality("rna", range(100), label),
        "protein": modality("protein", range(100), np.full(100, -1)),
    }
    for seed in range(5):
        _, held_out = split_observations(data, 0.8, seed)
        assert np.bincount(label[held_out["rna"]]).tolist() == [10, 10]
        assert np.array_equal(held_out["rna"], held_out["protein"])


@pytest.mark.parametrize("n", [1, 2, 4])
def test_a_handful_trains(n):
    """A class counts in each modality, whatever other modalities its samples have."""
    label = np.array([0] * 100 + [1] * n)
    data = {
        "rna": modality("rna", range(100 + n), label),
        "protein": modality("protein", range(0, 100 + n, 2), label[::2]),
    }
    train, held_out = split_observations(data, 0.9, seed=0)
    assert set(range(100, 100 + n)) <= set(train["rna"])
    assert len(held_out["rna"]) == 10


def test_the_seed_decides_and_not_the_order_of_the_file():
    data = mosaic()
    scvi.settings.seed = 5
    by_settings = ModalitySplitter(data).val_idx
    assert same(by_settings, ModalitySplitter(data, seed=5).val_idx)
    assert not same(by_settings, ModalitySplitter(data, seed=6).val_idx)
    _, held_out = split_observations({"rna": modality("rna", range(100))}, 0.8, seed=0)
    assert held_out["rna"].min() < 30
    assert held_out["rna"].max() > 70


def test_the_longest_modality_sets_the_epoch_and_others_start_anew():
    data = {
        "rna": modality("rna", range(100), np.arange(100) % 2),
        "protein": modality("protein", range(200, 216)),
        "mirna": modality("mirna", [300]),
    }
    splitter = ModalitySplitter(data, train_size=1, batch_size=16)
    steps = steps_of(splitter)
    assert len(steps) == splitter.steps_per_epoch == 7
    for batch in steps:
        assert list(batch) == list(data)
        for name, tensors in batch.items():
            assert tensors["X"].shape == (16, FEATURES[name])
            assert tensors["labels"].shape == tensors["batch"].shape == (16,)
            assert (tensors["X"].dtype, tensors["labels"].dtype) == (torch.float32, torch.int64)
    rounds = {name: [batch[name]["X"][:, 0].tolist() for batch in steps] for name in data}
    assert set(sum(rounds["rna"], [])) == set(range(100))
    assert all(sorted(served) == list(range(200, 216)) for served in rounds["protein"])
    # in another order
    assert len(set(map(tuple, rounds["protein"]))) == 7


def test_features_meet_their_own_labels_and_training_rows_only():
    data = mosaic()
    splitter = ModalitySplitter(data, train_size=0.8, batch_size=16)
    label = {name: dict(zip(d.obs_names, d.labels, strict=True)) for name, d in data.items()}
    training = names_at(data, splitter.train_idx)
    steps = steps_of(splitter)
    assert len(steps) == splitter.steps_per_epoch
    for batch in steps:
        # a pair of modalities comes beside them in every step
        assert list(batch) == [*data, PAIRS_KEY]
        pairs = batch.pop(PAIRS_KEY)
        first, second = (tensors["X"][:, 0].tolist() for tensors in pairs.values())
        assert first == second
        assert len(set(first)) == 16
        # a pair counts once, whatever is known of it
        assert not any("row_weights" in tensors for tensors in pairs.values())
        for name, tensors in [*batch.items(), *pairs.items()]:
            for x, code in zip(tensors["X"][:, 0].int().tolist(), tensors["labels"], strict=True):
                assert str(x) in training[name]
                assert label[name][str(x)] == code


def test_validation_walks_over_one_modality_after_the_other():
    data = mosaic() | {"tiny": modality("tiny", [1000])}
    splitter = ModalitySplitter(data, train_size=0.8)
    assert splitter.validated_modalities == list(FEATURES)
    seen = defaultdict(list)
    for batch, _, loader in splitter.val_dataloader():
        assert "row_weights" not in batch
        seen[splitter.validated_modalities[loader]].append(batch["X"])
    assert list(seen) == list(FEATURES)
    assert splitter.n_val == sum(len(part) for parts in seen.values() for part in parts)
    for name, parts in seen.items():
        rows = data[name].matrix.rows(splitter.val_idx[name])
        np.testing.assert_array_equal(torch.cat(parts).numpy(), rows)


def weighted_shares(data, **how):
    """Weight of each class, per row of the minibatches of an epoch, by modality."""
    batches = steps_of(ModalitySplitter(data, train_size=1.0, batch_size=60, **how))
    shares = {}
    for name in data:
        labels = torch.cat([batch[name]["labels"] for batch in batches])
        weights = torch.cat([batch[name]["row_weights"] for batch in batches])[labels >= 0]
        sums = np.bincount(labels[labels >= 0], weights=weights, minlength=4)
        shares[name] = sums / len(labels)
    return shares


@pytest.mark.parametrize("unlabeled", [0, 40])
def test_a_class_has_the_same_share_in_every_modality_that_has_it(unlabeled):
    """Or the modality game could tell modalities by the frequency of the classes they share."""
    classes = {"rna": [0, 1, 2, 3], "protein": [0, 1, 2], "mirna": [1, 3]}
    data = {}
    for k, (name, own) in enumerate(classes.items()):
        labels = np.concatenate([np.repeat(own, [50, 20, 7, 3][: len(own)]), [-1] * unlabeled])
        data[name] = modality(name, 500 * k + np.arange(len(labels)), labels)
    for name, found in weighted_shares(data).items():
        labeled = (data[name].labels >= 0).mean()
        expected = np.isin(range(4), classes[name]) * labeled / 4
        np.testing.assert_allclose(found, expected, atol=0.01)


@pytest.mark.parametrize(
    ("labelled", "balance", "expected"),
    [(True, True, [0.5, 0.5]), (True, False, [0.75, 0.25]), (False, True, [0.75, 0.25])],
)
def test_classes_keep_their_shares_unbalanced_or_beside_no_labels(labelled, balance, expected):
    labels = np.repeat([0, 1], [90, 30])
    data = {
        "a": modality("a", np.arange(120), labels),
        "b": modality("b", np.arange(120, 240), labels if labelled else np.full(120, -1)),
    }
    found = weighted_shares(data, balance_classes=balance)["a"][:2]
    np.testing.assert_allclose(found, expected, atol=0.03)


@pytest.mark.parametrize("storage", [np.asarray, sparse.csr_matrix])
def test_rows_in_a_file_are_read_for_many_minibatches_at_once(storage, tmp_path, monkeypatch):
    data = mosaic(3_000)
    adatas = {}
    for name, item in data.items():
        obs = pd.DataFrame({"label": item.labels}, index=item.obs_names)
        adatas[name] = AnnData(storage(item.matrix.rows(slice(None))), obs=obs)
        adatas[name].var_names = [f"{name} {k}" for k in range(FEATURES[name])]
    make_mudata(adatas).write(tmp_path / "x.h5mu")
    mdata = md.read_h5mu(tmp_path / "x.h5mu", backed="r")
    backed = {m: replace(own, matrix=FeatureMatrix(mdata[m])) for m, own in data.items()}
    reads = []
    read = FeatureMatrix._read_blocks
    counted = lambda self, rows: [reads.append(rows), read(self, rows)][1]
    monkeypatch.setattr(FeatureMatrix, "_read_blocks", counted)
    splitter = ModalitySplitter(backed, train_size=1, batch_size=64)
    for _ in range(2):
        reads.clear()
        steps = steps_of(splitter)
        # 64 minibatches at once, of each modality and of each among the pairs; those of fewer
        # rows start anew
        assert len(steps) == 27
        assert 2 * len(data) <= len(reads) <= 3 * len(data)
        for batch in steps:
            first, second = (each["X"][:, 0].tolist() for each in batch.pop(PAIRS_KEY).values())
            assert first == second
            assert len(first) == 64
            for name, tensors in batch.items():
                names = tensors["X"][:, 0].int().numpy().astype(str)
                rows = data[name].obs_names.get_indexer(names)
                np.testing.assert_array_equal(tensors["labels"], data[name].labels[rows])
                np.testing.assert_array_equal(tensors["X"], data[name].matrix.rows(rows))
    mdata.file.close()


def test_workers_serve_what_is_drawn(monkeypatch):
    monkeypatch.setattr(scvi.settings, "dl_num_workers", 1)
    splitter = ModalitySplitter({"rna": modality("rna", range(32))}, train_size=1, batch_size=16)
    assert splitter.train_dataloader().flattened[0].num_workers == 1
    served = [batch["rna"]["X"][:, 0].tolist() for batch in steps_of(splitter)]
    assert sorted(sum(served, [])) == list(range(32))
