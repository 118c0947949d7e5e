import anndata as ad
import mudata as md
import numpy as np
import pytest
from scipy import sparse

from modis.data import FeatureMatrix, _matrix

from .._make import make_mudata

VALUES = np.random.default_rng(0).poisson(1, size=(11, 4)).astype(np.float32)
STORED = {
    "C order": np.ascontiguousarray,
    "Fortran order": np.asfortranarray,
    "float64": lambda x: x.astype(np.float64),
    "uint8": lambda x: x.astype(np.uint8),
    "csr matrix": sparse.csr_matrix,
    "csc matrix": sparse.csc_matrix,
    "csr array": sparse.csr_array,
    "csc array": sparse.csc_array,
    "csr of int64": lambda x: sparse.csr_matrix(x.astype(np.int64)),
}
IN_FILE = ["C order", "csr matrix", "csc matrix"]
INDICES = [
    slice(3, 5),
    slice(4, 4),
    np.array([9, 0, 0, 3, 10, 9]),
    np.array([], dtype=np.int64),
    np.arange(11)[::-1],
]


@pytest.fixture(params=[*STORED, *(f"{name} in a file" for name in IN_FILE)])
def adata(request, tmp_path):
    stored = STORED[request.param.removesuffix(" in a file")](VALUES)
    made = ad.AnnData(stored, layers={"again": stored})
    if not request.param.endswith("in a file"):
        yield made
        return
    make_mudata({"a": made}).write(tmp_path / "x.h5mu")
    mdata = md.read_h5mu(tmp_path / "x.h5mu", backed="r")
    assert mdata.mod["a"].isbacked
    yield mdata.mod["a"]
    mdata.file.close()


@pytest.mark.parametrize(("layer", "columns"), [(None, None), ("again", np.array([2, 0]))])
def test_rows(adata, layer, columns):
    matrix = FeatureMatrix(adata, layer, columns)
    expected = VALUES if columns is None else VALUES[:, columns]
    assert matrix.shape == expected.shape
    for index in INDICES:
        rows = matrix.rows(index)
        assert rows.dtype == np.float32
        assert rows.flags["C_CONTIGUOUS"]
        np.testing.assert_array_equal(rows, expected[index])


@pytest.mark.parametrize(("block", "at_once"), [(1, 2), (2, 1), (3, 2), (100, 100)])
def test_rows_of_a_file_in_pieces_and_those_that_are_held(adata, block, at_once, monkeypatch):
    monkeypatch.setattr(_matrix, "_BLOCK", block)
    monkeypatch.setattr(_matrix, "_BLOCKS_AT_ONCE", at_once)
    matrix = FeatureMatrix(adata)
    rows = np.array([9, 0, 0, 3, 10, 9])
    np.testing.assert_array_equal(matrix.take(np.array([0, 3, 9])).rows(rows[1:3]), VALUES[[0, 0]])
    matrix.hold(rows)
    for index in (rows, rows[[2, 5]], np.array([3, 4]), np.array([], dtype=int)):
        np.testing.assert_array_equal(matrix.rows(index), VALUES[index])


@pytest.mark.parametrize("columns", [None, np.array([2, 0]), np.array([3, -1])])
def test_compact_rows_are_sparse_where_they_are_stored_so(adata, columns):
    matrix = FeatureMatrix(adata, None, columns)
    for index in INDICES:
        rows = matrix.compact_rows(index)
        is_sparse = sparse.issparse(adata.X) or hasattr(adata.X, "format")
        assert sparse.issparse(rows) == (is_sparse and (columns is None or columns.min() >= 0))
        dense = rows.toarray() if sparse.issparse(rows) else rows
        assert dense.dtype == np.float32
        np.testing.assert_array_equal(dense, matrix.rows(index))


def test_compact_rows_whose_values_are_missing_are_filled():
    x = VALUES.copy()
    x[4, 2] = np.nan
    matrix = FeatureMatrix(ad.AnnData(sparse.csr_matrix(x)))
    assert np.isnan(matrix.compact_rows(np.array([4])).data).any()
    matrix.fill = lambda rows: np.where(np.isnan(rows), 7, rows)
    assert matrix.compact_rows(np.array([3, 4]))[1, 2] == 7
    assert sparse.issparse(matrix.compact_rows(np.array([3])))


def test_repeated_entries_of_a_sparse_row_are_summed_and_stay_as_they_are():
    stored = sparse.csr_matrix(([1.0, 2.0, 5.0], [1, 1, 0], [0, 2, 3]), shape=(2, 3))
    matrix = FeatureMatrix(ad.AnnData(stored))
    rows = matrix.compact_rows(slice(0, 2))
    assert (rows.data.tolist(), rows.nnz) == ([3, 5], 2)
    np.testing.assert_array_equal(matrix.rows(slice(0, 2)), [[0, 3, 0], [5, 0, 0]])
    assert matrix.source.nnz == 3


@pytest.mark.parametrize("index", [None, np.array([5, 1, 1, 8])])
@pytest.mark.parametrize("n_values", [1, 8, 10**6])
def test_chunks_put_together_are_all_rows(index, n_values, monkeypatch):
    monkeypatch.setattr(_matrix, "_CHUNK_VALUES", n_values)
    chunks = FeatureMatrix(ad.AnnData(sparse.csc_matrix(VALUES))).chunks(index)
    expected = VALUES if index is None else VALUES[index]
    # as often as one likes
    for walked in (list(chunks), list(chunks)):
        np.testing.assert_array_equal(np.concatenate(walked), expected)
        assert max(map(len, walked)) == min(max(1, n_values // 4), len(expected))


def test_what_lies_in_memory_is_not_copied_as_a_whole():
    adata = ad.AnnData(VALUES)
    assert np.shares_memory(FeatureMatrix(adata).rows(slice(0, 11)), adata.X)
    for stored in (VALUES.astype(np.float64), sparse.csr_matrix(VALUES)):
        adata = ad.AnnData(stored)
        assert FeatureMatrix(adata).source is adata.X
    # rows of other formats are slow to find: converted at the first use, and once
    adata = ad.AnnData(sparse.csc_matrix(VALUES))
    matrix = FeatureMatrix(adata)
    assert matrix.source is adata.X
    matrix.rows(np.array([3]))
    converted = matrix.source
    assert converted.format == "csr"
    matrix.rows(np.array([4]))
    assert matrix.source is converted
    assert adata.X.format == "csc"
