"""Rows of one modality as tensors; how they are stored is tested in tests/data/test_matrix.py."""

import numpy as np
import pytest
import torch
from anndata import AnnData
from scipy import sparse

from modis.data import FeatureMatrix, Modality
from modis.dataloaders import ModalityDataset, sequential_loader

N, D = 23, 6


def values():
    return np.random.default_rng(0).poisson(0.7, size=(N, D)).astype(np.float32)


def modality(x):
    rng, adata = np.random.default_rng(1), AnnData(x)
    labels, batch = rng.integers(-1, 3, N), rng.integers(0, 2, (N, 2))
    return Modality("rna", FeatureMatrix(adata), adata.obs_names, labels, batch)


@pytest.mark.parametrize("subset", [None, np.array([20, 4, 9, 4, 0])])
@pytest.mark.parametrize("stored", [np.asarray, sparse.csc_matrix])
def test_rows_in_the_order_asked_for_with_repeats(stored, subset):
    """Positions count within the subset."""
    x = values()
    data = modality(stored(x))
    weights = None if subset is None else np.linspace(0.5, 2, 5, dtype=np.float32)
    dataset, index = ModalityDataset(data, subset, weights), np.array([3, 0, 3, 4])
    rows = index if subset is None else subset[index]
    assert len(dataset) == (N if subset is None else 5)
    expected = {"X": x[rows], "labels": data.labels[rows], "batch": data.batch[rows]}
    expected["labeled"] = np.flatnonzero(data.labels[rows] >= 0)
    if weights is not None:
        expected["row_weights"] = weights[index]
    for item in (dataset[index], dataset[index.tolist()]):
        assert item.keys() == expected.keys()
        for key, tensor in item.items():
            assert tensor.numpy().dtype == expected[key].dtype
            np.testing.assert_array_equal(tensor, expected[key])


def test_minibatches_are_the_users_data_no_longer():
    x = values()
    ModalityDataset(modality(x))[np.arange(N)]["X"].add_(100)
    np.testing.assert_array_equal(x, values())


@pytest.mark.parametrize(("n_features", "expected"), [(4, 512), (2**14, 128), (2**22, 1)])
def test_minibatches_of_many_features_have_fewer_rows(n_features, expected):
    data = modality(values())
    # only the shape counts
    data.matrix.shape = (N, n_features)
    minibatch = next(iter(sequential_loader(data, np.zeros(600, dtype=np.int64))))
    assert len(minibatch["X"]) == expected
    assert minibatch["X"].dtype == torch.float32
