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


@pytest.mark.parametrize("subset", [None, np.array([20, 4, 9, 4, 0])])
@pytest.mark.parametrize("columns", [None, np.array([5, 0, 3])])
@pytest.mark.parametrize("storage", STORAGE)
def test_rows_in_the_order_asked_for_with_repeats(storage, columns, subset):
    """Positions count within the subset."""
    x = values()
    data = modality(AnnData(STORAGE[storage](x)), columns)
    wanted = x if columns is None else x[:, columns]
    dataset, index = ModalityDataset(data, subset), np.array([3, 0, 3, 4])
    rows = index if subset is None else subset[index]
    assert len(dataset) == (N if subset is None else 5)
    assert_serves(data, wanted, index, rows, dataset)
    assert_serves(data, wanted, index.tolist(), rows, dataset)


@pytest.mark.parametrize("storage", ["float32", "csr"])
def test_backed_file(tmp_path, storage):
    x, path, columns = values(), tmp_path / "small.h5mu", np.array([4, 1])
    mudata.MuData({"rna": AnnData(STORAGE[storage](x))}).write(path)
    mdata = mudata.read_h5mu(path, backed="r")
    try:
        data = modality(mdata.mod["rna"], columns)
        subset, index = np.array([20, 4, 9, 4, 0]), np.array([4, 1, 1])
        assert_serves(data, x[:, columns], index, subset[index], ModalityDataset(data, subset))
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
    assert item["row_weights"].dtype == torch.float32
    np.testing.assert_array_equal(item["row_weights"], weights[index])
    np.testing.assert_array_equal(item["X"], values()[subset[index]])
    assert set(ModalityDataset(data, subset)[index]) == {"X", "labels", "batch"}


@pytest.mark.parametrize("batch_size", [1, 4, N, 100])
@pytest.mark.parametrize("indices", [None, np.array([20, 4, 9, 4, 0]), np.empty(0, dtype=int)])
def test_sequential_loader_keeps_the_order(batch_size, indices):
    x = values()
    data = modality(AnnData(sparse.csr_matrix(x)))
    rows = np.arange(N) if indices is None else indices
    loader = sequential_loader(data, indices, batch_size)
    served = list(loader)
    assert len(loader) == len(served) == int(np.ceil(len(rows) / batch_size))
    assert [len(each["X"]) for each in served[:-1]] == [batch_size] * max(0, len(served) - 1)
    for key, expected in (("X", x), ("labels", data.labels)):
        found = [row for each in served for row in each[key].tolist()]
        assert found == expected[rows].tolist()


@pytest.mark.parametrize(("n_features", "expected"), [(4, 512), (2**14, 128), (2**22, 1)])
def test_minibatches_of_many_features_have_fewer_rows(n_features, expected):
    data = modality(AnnData(sparse.csr_matrix((N, n_features), dtype=np.float32)))
    loader = sequential_loader(data, np.zeros(600, dtype=np.int64))
    assert len(next(iter(loader))["X"]) == expected
