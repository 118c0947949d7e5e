"""Rows of one modality as tensors, however they are stored."""

from __future__ import annotations

import mudata
import numpy as np
import pytest
import torch
from anndata import AnnData
from scipy import sparse

from modis.data import FeatureMatrix, Modality
from modis.dataloaders import ModalityDataset, sequential_loader

N, D = 23, 6
STORAGE = {
    "float32": lambda x: x,
    "float64": lambda x: x.astype(np.float64),
    "integers": lambda x: x.astype(np.int64),
    "csr": sparse.csr_matrix,
    "csc": sparse.csc_matrix,
    "csr array": sparse.csr_array,
}


def values() -> np.ndarray:
    return np.random.default_rng(0).poisson(0.7, size=(N, D)).astype(np.float32)


def modality(adata: AnnData, columns: np.ndarray | None = None) -> Modality:
    rng = np.random.default_rng(1)
    return Modality(
        name="rna",
        matrix=FeatureMatrix(adata, columns=columns),
        obs_names=adata.obs_names,
        labels=rng.integers(-1, 3, N),
        batch=rng.integers(0, 2, N),
    )


def assert_serves(data: Modality, x: np.ndarray, index: np.ndarray, rows: np.ndarray, dataset):
    item = dataset[index]
    assert item["X"].dtype == torch.float32
    np.testing.assert_array_equal(item["X"].numpy(), x[rows])
    np.testing.assert_array_equal(item["labels"].numpy(), data.labels[rows])
    np.testing.assert_array_equal(item["batch"].numpy(), data.batch[rows])


@pytest.mark.parametrize("storage", STORAGE)
def test_rows_in_the_order_asked_for_with_repeats(storage):
    x = values()
    data = modality(AnnData(STORAGE[storage](x)))
    dataset, index = ModalityDataset(data), np.array([7, 0, 7, 22, 3])
    assert len(dataset) == N
    assert_serves(data, x, index, index, dataset)


@pytest.mark.parametrize("storage", STORAGE)
def test_positions_count_within_the_subset(storage):
    x, subset = values(), np.array([20, 4, 9, 4, 0])
    data = modality(AnnData(STORAGE[storage](x)))
    dataset, index = ModalityDataset(data, subset), np.array([4, 1, 1, 0])
    assert len(dataset) == 5
    assert_serves(data, x, index, subset[index], dataset)


@pytest.mark.parametrize("storage", STORAGE)
def test_features_in_the_order_wanted(storage):
    x, columns = values(), np.array([5, 0, 3])
    data = modality(AnnData(STORAGE[storage](x)), columns)
    index = np.arange(N - 1, -1, -1)
    assert_serves(data, x[:, columns], index, index, ModalityDataset(data))


@pytest.mark.parametrize("columns", [None, np.array([4, 1])])
@pytest.mark.parametrize("storage", ["float32", "csr"])
def test_backed_file(tmp_path, storage, columns):
    x, path = values(), tmp_path / "small.h5mu"
    mudata.MuData({"rna": AnnData(STORAGE[storage](x))}).write(path)
    mdata = mudata.read_h5mu(path, backed="r")
    try:
        data = modality(mdata.mod["rna"], columns)
        assert not data.matrix.is_dense
        wanted = x if columns is None else x[:, columns]
        index = np.array([7, 0, 7, 22, 3])
        assert_serves(data, wanted, index, index, ModalityDataset(data))
        subset = np.array([20, 4, 9, 4, 0])
        served = ModalityDataset(data, subset)
        assert_serves(data, wanted, np.array([4, 1, 1]), subset[[4, 1, 1]], served)
    finally:
        mdata.file.close()


def test_minibatches_are_the_users_data_no_longer():
    x = values()
    dataset = ModalityDataset(modality(AnnData(x)))
    dataset[np.arange(N)]["X"].add_(100)
    np.testing.assert_array_equal(x, values())


def test_weights_go_with_their_rows():
    subset = np.array([20, 4, 9, 4, 0])
    weights = np.linspace(0.5, 2, 5, dtype=np.float32)
    data, index = modality(AnnData(values())), np.array([4, 1, 1, 0])
    item = ModalityDataset(data, subset, weights)[index]
    assert item["weights"].dtype == torch.float32
    np.testing.assert_array_equal(item["weights"], weights[index])
    np.testing.assert_array_equal(item["X"], values()[subset[index]])
    assert set(ModalityDataset(data, subset)[index]) == {"X", "labels", "batch"}


@pytest.mark.parametrize("batch_size", [1, 4, N - 1, N, 100])
@pytest.mark.parametrize("indices", [None, np.array([20, 4, 9, 4, 0])])
def test_sequential_loader_keeps_the_order(batch_size, indices):
    x = values()
    data = modality(AnnData(sparse.csr_matrix(x)))
    rows = np.arange(N) if indices is None else indices
    loader = sequential_loader(data, indices, batch_size)
    batches = list(loader)

    assert len(loader) == len(batches) == int(np.ceil(len(rows) / batch_size))
    assert [len(batch["X"]) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
    np.testing.assert_array_equal(torch.cat([batch["X"] for batch in batches]), x[rows])
    np.testing.assert_array_equal(
        torch.cat([batch["labels"] for batch in batches]), data.labels[rows]
    )


def test_sequential_loader_of_nothing():
    loader = sequential_loader(modality(AnnData(values())), np.empty(0, dtype=np.int64))
    assert len(loader) == 0
    assert list(loader) == []


@pytest.mark.parametrize(("n_features", "expected"), [(4, 512), (2**14, 128), (2**22, 1)])
def test_minibatches_of_many_features_have_fewer_rows(n_features, expected):
    data = modality(AnnData(sparse.csr_matrix((N, n_features), dtype=np.float32)))
    loader = sequential_loader(data, np.zeros(600, dtype=np.int64))
    assert len(next(iter(loader))["X"]) == expected
