from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from scipy import sparse

# One chunk holds at most this many values (4 MB, as one row may need more). What is computed from
# it makes several copies in double precision; sixteen times as many values take twice the time.
_CHUNK_VALUES = 2**20
# Rows of a file are read in blocks of neighbours, so many blocks at once.
_BLOCK, _BLOCKS_AT_ONCE = 32, 256


class FeatureMatrix:
    """Rows of one modality as dense float32, from arrays, sparse matrices and backed data alike.

    `columns` are positions of the wanted features, -1 for one that is missing. Missing values are
    NaN until there is `fill`, which takes rows with NaN and returns them without.
    """

    def __init__(
        self, adata: AnnData, layer: str | None = None, columns: np.ndarray | None = None
    ) -> None:
        #: What the values are stored in; `None` without values.
        self.source = adata.X if layer is None else adata.layers[layer]
        if isinstance(self.source, np.ma.MaskedArray):
            self.source = np.ma.filled(self.source.astype(float), np.nan)
        if columns is not None and np.array_equal(columns, np.arange(adata.n_vars)):
            columns = None
        self._columns = columns
        # positions of rows that are kept, and these
        self._held: tuple[np.ndarray, Any] = np.zeros(0, dtype=np.int64), None
        self.fill: Callable[[np.ndarray], np.ndarray] | None = None
        self.shape = (adata.n_obs, adata.n_vars if columns is None else len(columns))

    def rows(self, index: np.ndarray | slice) -> np.ndarray:
        """Rows at these positions, in order and with repeats, shape ``(n, n_features)``."""
        return self.rows_and_missing(index)[0]

    def rows_and_missing(self, index: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray | None]:
        """Rows, and which of their values are missing; `None` if all are there."""
        block = self._read(index)
        block = block.toarray() if sparse.issparse(block) else np.asarray(block)
        with np.errstate(over="ignore"):
            if self._columns is not None:
                block = block[:, self._columns].astype(np.float32)
                block[:, self._columns < 0] = np.nan
            block = np.ascontiguousarray(block, dtype=np.float32)
        missing = np.isnan(block)
        if not missing.any():
            return block, None
        if self.fill is None:
            return block, missing
        if n_empty := missing.all(axis=1).sum():
            raise ValueError(
                f"{n_empty} observations lost all values (NaN) after the data were checked. "
                "Remove them from the data."
            )
        return self.fill(block).astype(np.float32), missing

    def compact_rows(self, index: np.ndarray | slice) -> Any:
        """As :meth:`rows`, but sparse if rows are stored so and no value has to be filled."""
        lacks = self._columns is not None and (self._columns < 0).any()
        # sparse data have a format, in memory and in a file
        if lacks or not hasattr(self.source, "format"):
            return self.rows(index)
        with np.errstate(over="ignore"):
            block = self._read(index).astype(np.float32)
        if self._columns is not None:
            block = block[:, self._columns]
        block.sum_duplicates()
        if self.fill is not None and np.isnan(block.data).any():
            return self.rows(index)
        return block

    def _read(self, index: np.ndarray | slice) -> Any:
        """Rows as they are stored."""
        if getattr(self.source, "format", "csr") != "csr":
            # once: rows of other formats are slow to find
            stored = self.source if sparse.issparse(self.source) else self.source.to_memory()
            self.source = stored.tocsr()
        if not self.in_file or isinstance(index, slice):
            return self.source[index]
        # HDF5 reads increasing positions without repeats only
        unique, inverse = np.unique(index, return_inverse=True)
        if self._holds(unique):
            return self._held[1][np.searchsorted(self._held[0], index)]
        return self._read_blocks(unique)[inverse]

    def hold(self, index: np.ndarray) -> None:
        """Keep these rows of a file in memory, in place of those kept before."""
        unique = np.unique(index)
        if not self._holds(unique):
            self._held = unique, self._read_blocks(unique)

    def _holds(self, rows: np.ndarray) -> bool:
        return len(self._held[0]) > 0 and bool(np.isin(rows, self._held[0], True).all())

    @property
    def in_file(self) -> bool:
        """Whether rows are read from a file whenever they are needed."""
        return not (isinstance(self.source, np.ndarray) or sparse.issparse(self.source))

    def _read_blocks(self, index: np.ndarray) -> Any:
        """Stored rows at increasing positions, read with their neighbours in blocks."""
        if not len(index):
            return self.source[0:0]
        blocks, found = np.unique(index // _BLOCK), []
        for some in np.split(blocks, range(_BLOCKS_AT_ONCE, len(blocks), _BLOCKS_AT_ONCE)):
            is_read = np.zeros(-(-self.shape[0] // _BLOCK), dtype=bool)
            is_read[some] = True
            is_read = np.repeat(is_read, _BLOCK)[: self.shape[0]]
            stored = self.source[is_read]
            wanted = index[np.isin(index // _BLOCK, some)]
            found.append(stored[np.searchsorted(np.flatnonzero(is_read), wanted)])
        is_sparse = sparse.issparse(found[0])
        return sparse.vstack(found, format="csr") if is_sparse else np.concatenate(found)

    def take(self, index: np.ndarray) -> Self:
        """Rows at increasing positions as a matrix of their own, in memory."""
        taken = copy(self)
        taken.source = self._read(index)
        taken.shape = (len(index), self.shape[1])
        return taken

    def chunks(self, index: np.ndarray | None = None, *, compact: bool = False) -> Iterable[Any]:
        """Rows at positions `index`, or all, in pieces that fit in memory; may be walked again."""
        return _Chunks(self, index, compact)


@dataclass(frozen=True)
class _Chunks:
    matrix: FeatureMatrix
    index: np.ndarray | None
    compact: bool

    def __iter__(self) -> Iterator[Any]:
        n_rows, n_columns = self.matrix.shape
        n_rows = n_rows if self.index is None else len(self.index)
        read = self.matrix.compact_rows if self.compact else self.matrix.rows
        step = max(1, _CHUNK_VALUES // max(1, n_columns))
        for start in range(0, n_rows, step):
            piece = slice(start, min(start + step, n_rows))
            yield read(piece if self.index is None else self.index[piece])


@dataclass(frozen=True)
class Modality:
    """One modality, ready to be cut into minibatches.

    ``labels`` are class codes of shape ``(n_obs,)``, -1 where not labelled; ``batch`` are the
    codes of the batch and of each categorical covariate, then the standardised values of the
    continuous ones, shape ``(n_obs, 1 + n_covariates)``.
    """

    name: str
    matrix: FeatureMatrix
    obs_names: pd.Index
    labels: np.ndarray
    batch: np.ndarray

    @property
    def n_obs(self) -> int:
        """Number of observations."""
        return self.matrix.shape[0]

    def take(self, index: np.ndarray) -> Self:
        """Rows at increasing positions."""
        rows = (each[index] for each in (self.obs_names, self.labels, self.batch))
        return type(self)(self.name, self.matrix.take(index), *rows)

    def label_counts(
        self, n_classes: int, rows: slice | np.ndarray = slice(None)
    ) -> NDArray[np.intp]:
        """Labelled observations of each class, shape ``(n_classes,)``; of all rows by default."""
        labels = self.labels[rows]
        return np.bincount(labels[labels >= 0], minlength=n_classes)
