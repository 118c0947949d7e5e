from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from .._constants import BATCH_KEY, LABELS_KEY, WEIGHTS_KEY, X_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..data import Modality

__all__ = ["ModalityDataset", "sequential_loader"]

# Rows of a minibatch, and values (8 MB) that it should not exceed: the networks make several
# copies of it, which is much with tens of thousands of features.
_BATCH_SIZE, _BATCH_VALUES = 512, 2**21


class ModalityDataset(Dataset):
    """Rows of one modality as a minibatch of tensors.

    Parameters
    ----------
    modality
        The modality.
    indices
        Positions of the rows to serve, `None` for all.
    weights
        Weight of each row that is served, shape ``(n_obs,)``; left out of the minibatches by
        default.
    """

    def __init__(
        self,
        modality: Modality,
        indices: np.ndarray | None = None,
        weights: np.ndarray | None = None,
    ) -> None:
        self.matrix = modality.matrix
        self.indices = indices
        self.n_obs = modality.n_obs if indices is None else len(indices)
        self.labels = torch.from_numpy(modality.labels)
        self.batch = torch.from_numpy(modality.batch)
        self.weights = None if weights is None else torch.from_numpy(weights)

    def __len__(self) -> int:
        """Number of rows."""
        return self.n_obs

    def __getitem__(self, index: np.ndarray) -> dict[str, torch.Tensor]:
        """Read a whole minibatch at once.

        Parameters
        ----------
        index
            Positions within the dataset, shape ``(n,)``.

        Returns
        -------
        ``X`` of shape ``(n, n_features)``, ``labels`` of shape ``(n,)``, ``batch`` (codes of the
        batch and of each covariate) of shape ``(n, 1 + n_covariates)``, and ``weights`` of shape
        ``(n,)`` if there are any.
        """
        rows = index if self.indices is None else self.indices[index]
        tensors = {
            X_KEY: torch.from_numpy(self.matrix.rows(rows)),
            LABELS_KEY: self.labels[rows],
            BATCH_KEY: self.batch[rows],
        }
        if self.weights is not None:
            tensors[WEIGHTS_KEY] = self.weights[index]
        return tensors


class _SequentialBatches(Sampler[np.ndarray]):
    """Consecutive index arrays, so that a dataset reads each minibatch in one go."""

    def __init__(self, n_obs: int, batch_size: int) -> None:
        self.n_obs, self.batch_size = n_obs, batch_size

    def __len__(self) -> int:
        return -(-self.n_obs // self.batch_size)

    def __iter__(self) -> Iterator[np.ndarray]:
        for start in range(0, self.n_obs, self.batch_size):
            yield np.arange(start, min(start + self.batch_size, self.n_obs))


def sequential_loader(
    modality: Modality, indices: np.ndarray | None = None, batch_size: int | None = None
) -> DataLoader:
    """Serve rows in order, for inference.

    Parameters
    ----------
    modality
        The modality.
    indices
        Positions of the rows, in the order wanted; `None` for all.
    batch_size
        Rows per minibatch, by default 512, or fewer with thousands of features; the result does
        not depend on it.
    """
    if batch_size is None:
        batch_size = max(1, min(_BATCH_SIZE, _BATCH_VALUES // modality.matrix.shape[1]))
    dataset = ModalityDataset(modality, indices)
    return DataLoader(
        dataset, sampler=_SequentialBatches(len(dataset), batch_size), batch_size=None
    )
