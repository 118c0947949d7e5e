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


class FeatureMatrix:
    """Rows of one modality as dense float32, whatever they are stored in.

    In-memory arrays, sparse matrices and backed (HDF5, zarr) data answer alike. `columns` are
    positions of the wanted features, in order, -1 for one that is missing; `None` takes all of
    them in their order. Missing values are NaN until there is `fill`, which takes rows with NaN
    and returns them without.
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
        self.fill: Callable[[np.ndarray], np.ndarray] | None = None
        self.shape = (adata.n_obs, adata.n_vars if columns is None else len(columns))

    def rows(self, index: np.ndarray | slice) -> np.ndarray:
        """Rows at these positions, in order and with repeats, shape ``(n, n_features)``."""
        return self.rows_and_missing(index)[0]

    def rows_and_missing(self, index: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray | None]:
        """Rows, and which of their values are missing; `None` if all are there."""
        block = self._read(index)
        with np.errstate(over="ignore"):
            if self._columns is not None:
                block = block[:, self._columns].astype(np.float32)
                block[:, self._columns < 0] = np.nan
            block = np.ascontiguousarray(block, dtype=np.float32)
        missing = np.isnan(block)
        if not missing.any():
            return block, None
        return block if self.fill is None else self.fill(block).astype(np.float32), missing

    def _read(self, index: np.ndarray | slice) -> np.ndarray:
        if sparse.issparse(self.source) and self.source.format != "csr":
            # once: rows of other formats are slow to find
            self.source = self.source.tocsr()
        if isinstance(self.source, np.ndarray):
            return self.source[index]
        if sparse.issparse(self.source) or isinstance(index, slice):
            return _dense(self.source[index])
        # HDF5 reads increasing positions without repeats only
        unique, inverse = np.unique(index, return_inverse=True)
        return _dense(self.source[unique])[inverse]

    def take(self, index: np.ndarray) -> Self:
        """Rows at increasing positions as a matrix of their own, in memory."""
        taken = copy(self)
        taken.source = self.source[index]
        taken.shape = (len(index), self.shape[1])
        return taken

    def chunks(self, index: np.ndarray | None = None) -> Iterable[np.ndarray]:
        """Rows at positions `index`, or all, in pieces that fit in memory; may be walked again."""
        return _Chunks(self, index)


@dataclass(frozen=True)
class _Chunks:
    matrix: FeatureMatrix
    index: np.ndarray | None

    def __iter__(self) -> Iterator[np.ndarray]:
        n_rows, n_columns = self.matrix.shape
        n_rows = n_rows if self.index is None else len(self.index)
        step = max(1, _CHUNK_VALUES // max(1, n_columns))
        for start in range(0, n_rows, step):
            piece = slice(start, min(start + step, n_rows))
            yield self.matrix.rows(piece if self.index is None else self.index[piece])


def _dense(x: Any) -> np.ndarray:
    return x.toarray() if sparse.issparse(x) else np.asarray(x)


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
