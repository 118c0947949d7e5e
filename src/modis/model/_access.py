from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from .._constants import BATCH_KEY, X_KEY
from ..data import NotInDataError, find_labels, read_new, read_registered, registered_labels
from ..dataloaders import sequential_loader
from ._combine import combine_posteriors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mudata import MuData

    from ..data import DataSpec, Modality
    from ..module import Encoded, MODISModule

__all__ = ["DataAccess", "count_rows", "positions"]


class DataAccess:
    """How a model reads and encodes data: the steps that its public methods share."""

    if TYPE_CHECKING:
        # the model's, from scvi's base class
        adata: MuData | None
        module: MODISModule
        condition_counts_: dict[str, list[list[int]]]

        def _check_if_trained(self, warn: bool = True) -> None: ...

    @property
    def _spec(self) -> DataSpec:
        raise NotImplementedError

    def _mdata(self, mdata: MuData | None) -> MuData:
        if mdata is None and self.adata is None:
            raise ValueError("The model was loaded without data: pass the MuData as mdata=...")
        return self.adata if mdata is None else mdata

    def _read(
        self, mdata: MuData | None, modalities: list[str] | None, *, decode: bool = False
    ) -> dict[str, Modality]:
        for name in modalities or ():
            if name not in self._spec.modalities:
                raise NotInDataError(
                    f"Unknown modality '{name}'; the model has {self._spec.modalities}."
                )
        data = self._mdata(mdata)
        if data is self.adata:
            return read_registered(data, self._spec, modalities)
        return read_new(data, self._spec, modalities, decode=decode)

    def _labels(self, mdata: MuData, modalities: list[str]) -> dict[str, pd.Series]:
        """Class names by modality; missing without labels."""
        spec = self._spec
        if mdata is self.adata:
            return registered_labels(mdata, spec)
        return find_labels(mdata, modalities, spec.labels_key, spec.unlabeled_category)

    def _var(self, modality: str) -> pd.DataFrame:
        """Annotation of the features that the model knows, in its order."""
        names = pd.Index(self._spec.var_names[modality])
        if self.adata is None or modality not in self.adata.mod:
            return pd.DataFrame(index=names)
        return self.adata.mod[modality].var.loc[names].copy()

    def _obs_names(
        self, mdata: MuData | None, modality: str | None, indices: Sequence[int] | None
    ) -> pd.Index:
        data = self._mdata(mdata)
        names = data.obs_names if modality is None else data.mod[modality].obs_names
        return names if indices is None else names[positions(indices)]

    def _encode(
        self, data: Modality, indices: Sequence[int] | None, batch_size: int | None
    ) -> Iterator[tuple[dict[str, torch.Tensor], Encoded]]:
        """Walk over the rows of one modality."""
        self.module.eval()
        index = None if indices is None else np.arange(data.n_obs)[positions(indices)]
        for tensors in sequential_loader(data, index, batch_size):
            yield tensors, self.module.encode(data.name, tensors[X_KEY])

    @torch.inference_mode()
    def _encode_all(
        self, data: Modality, indices: Sequence[int] | None, batch_size: int | None
    ) -> tuple[np.ndarray, np.ndarray]:
        n_rows = count_rows(data, indices)
        # Filled piece by piece. A list of small tensors, each made between large ones, would keep
        # the memory of these from being used again: hundreds of MB with 30,000 features.
        mean = np.empty((n_rows, self.module.architecture.n_latent), dtype=np.float32)
        scale = np.empty_like(mean)
        start = 0
        for _, encoded in self._encode(data, indices, batch_size):
            rows = slice(start, start + len(encoded.z))
            mean[rows], scale[rows] = encoded.qz.mean.cpu(), encoded.qz.stddev.cpu()
            start = rows.stop
        return mean, scale

    def _posterior(
        self,
        mdata: MuData | None,
        modality: str | None,
        indices: Sequence[int] | None,
        batch_size: int | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation, each ``(n_obs, n_latent)``."""
        self._check_if_trained()
        if modality is not None:
            return self._encode_all(self._read(mdata, [modality])[modality], indices, batch_size)
        return combine_posteriors(*self._posteriors(mdata, indices, batch_size))

    def _posteriors(
        self, mdata: MuData | None, indices: Sequence[int] | None, batch_size: int | None
    ) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], dict[str, np.ndarray], int]:
        """Posteriors of every modality, the rows that they belong to, and the number of rows."""
        data = self._read(mdata, None)
        obs_names = self._obs_names(mdata, None, indices)
        posteriors, found = {}, {}
        for name, item in data.items():
            rows = item.obs_names.get_indexer(obs_names)
            found[name] = np.flatnonzero(rows >= 0)
            posteriors[name] = self._encode_all(item, rows[found[name]], batch_size)
        return posteriors, found, len(obs_names)

    def _batch_code(self, modality: str, name: str | None) -> int | None:
        """Code of a batch to decode a modality into."""
        if name is None:
            return None
        batches = self._spec.batches
        if not batches:
            raise NotInDataError(
                f"transform_batch={name!r}: the model knows no batches. Set up the data with "
                "batch_key=... and train again."
            )
        (counts, *_) = self.condition_counts_.get(modality, [[1] * len(batches)])
        seen = [batch for batch, count in zip(batches, counts, strict=True) if count]
        if str(name) not in seen:
            raise NotInDataError(
                f"transform_batch={name!r}: no training sample of modality '{modality}' is of "
                f"this batch; its batches are {seen}."
            )
        return batches.index(str(name))

    def _conditions(
        self,
        source: str,
        target: str,
        tensors: dict[str, torch.Tensor],
        encoded: Encoded,
        batch_code: int | None,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Batch, covariates and library size to decode with."""
        codes, library = tensors[BATCH_KEY].clone(), encoded.library
        if source != target:
            # before any training the first of each
            counts = self.condition_counts_.get(target, [[1]] * (1 + len(self._spec.covariates)))
            typical = torch.tensor([int(np.argmax(each)) for each in counts])
            codes, library = typical.repeat(len(codes), 1), None
        if batch_code is not None:
            codes[:, 0] = batch_code
        return codes, library


def count_rows(data: Modality, indices: Sequence[int] | None) -> int:
    """Number of rows that `indices`, positions or a mask, ask for."""
    return data.n_obs if indices is None else len(np.arange(data.n_obs)[positions(indices)])


def positions(indices: Sequence[int]) -> np.ndarray:
    """Row positions as an array that can index, also when it is empty."""
    array = np.asarray(indices)
    return array if array.size else array.astype(np.int64)
