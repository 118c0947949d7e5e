from __future__ import annotations

from collections.abc import Callable

import anndata as ad
import mudata as md
import numpy as np
import pytest
from scipy import sparse

from modis.data import FeatureMatrix, _matrix

from .._make import make_mudata

VALUES = np.random.default_rng(0).poisson(1, size=(11, 4)).astype(np.float32)
COLUMNS = np.array([2, 0])

STORED: dict[str, Callable[[np.ndarray], object]] = {
    "C order": np.ascontiguousarray,
    "Fortran order": np.asfortranarray,
    "float64": lambda x: x.astype(np.float64),
    "int32": lambda x: x.astype(np.int32),
    "uint8": lambda x: x.astype(np.uint8),
    "csr matrix": sparse.csr_matrix,
    "csc matrix": sparse.csc_matrix,
    "csr array": sparse.csr_array,
    "csc array": sparse.csc_array,
    "csr of int64": lambda x: sparse.csr_matrix(x.astype(np.int64)),
}


@pytest.fixture(params=STORED)
def adata(request) -> ad.AnnData:
    stored = STORED[request.param](VALUES)
    return ad.AnnData(stored, layers={"again": stored})


@pytest.fixture(params=["dense", "csr matrix", "csc matrix"])
def backed(request, tmp_path):
    stored = STORED.get(request.param, np.asarray)(VALUES)
    make_mudata({"a": ad.AnnData(stored, layers={"again": stored})}).write(tmp_path / "x.h5mu")
    mdata = md.read_h5mu(tmp_path / "x.h5mu", backed="r")
    yield mdata.mod["a"]
    mdata.file.close()


INDICES = [
    slice(0, 11),
    slice(3, 5),
    slice(4, 4),
    np.array([7]),
    np.array([9, 0, 0, 3, 10, 9]),
    np.array([], dtype=np.int64),
    np.arange(11)[::-1],
]


def _check(matrix: FeatureMatrix, columns: np.ndarray | None) -> None:
    expected = VALUES if columns is None else VALUES[:, columns]
    assert matrix.shape == expected.shape
    for index in INDICES:
        rows = matrix.rows(index)
        assert rows.dtype == np.float32
        assert rows.flags["C_CONTIGUOUS"]
        np.testing.assert_array_equal(rows, expected[index])


@pytest.mark.parametrize("columns", [None, COLUMNS])
@pytest.mark.parametrize("layer", [None, "again"])
def test_rows_from_memory(adata, layer, columns):
    _check(FeatureMatrix(adata, layer, columns), columns)


@pytest.mark.parametrize("columns", [None, COLUMNS])
@pytest.mark.parametrize("layer", [None, "again"])
def test_rows_from_file(backed, layer, columns):
    assert backed.isbacked
    _check(FeatureMatrix(backed, layer, columns), columns)


@pytest.mark.parametrize("index", [None, np.array([5, 1, 1, 8])])
@pytest.mark.parametrize("n_values", [1, 8, 10**6])
def test_chunks_put_together_are_all_rows(adata, index, n_values, monkeypatch):
    monkeypatch.setattr(_matrix, "_CHUNK_VALUES", n_values)
    chunks = list(FeatureMatrix(adata).chunks(index))
    expected = VALUES if index is None else VALUES[index]
    np.testing.assert_array_equal(np.concatenate(chunks), expected)
    assert max(len(chunk) for chunk in chunks) == min(max(1, n_values // 4), len(expected))


def test_what_lies_in_memory_is_not_copied_as_a_whole():
    adata = ad.AnnData(VALUES)
    assert np.shares_memory(FeatureMatrix(adata).rows(slice(0, 11)), adata.X)
    for stored in (
        VALUES.astype(np.float64),
        sparse.csr_matrix(VALUES),
        sparse.csc_matrix(VALUES),
    ):
        adata = ad.AnnData(stored)
        matrix = FeatureMatrix(adata)
        assert matrix._x is adata.X
    # rows of other formats are slow to find: converted at the first use, and once
    matrix.rows(np.array([3]))
    converted = matrix._x
    assert converted.format == "csr"
    matrix.rows(np.array([4]))
    assert matrix._x is converted
    assert adata.X.format == "csc"
