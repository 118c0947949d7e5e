from collections.abc import Sequence
from copy import copy

import numpy as np
import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset

from .._constants import BATCH_KEY, LABELED_KEY, LABELS_KEY, MISSING_KEY, ROW_WEIGHTS_KEY, X_KEY
from ..data import Modality

# Rows of a minibatch, and values (8 MB) that it should not exceed: the networks make several
# copies of it, which is much with tens of thousands of features.
_BATCH_SIZE, _BATCH_VALUES = 512, 2**21


class ModalityDataset(Dataset):
    """Rows of one modality (at positions `indices`) as minibatches, each read in one go."""

    def __init__(
        self,
        modality: Modality,
        indices: np.ndarray | None = None,
        row_weights: np.ndarray | None = None,
    ) -> None:
        # what is read ahead is this dataset's own
        self.matrix = copy(modality.matrix)
        self.indices = np.arange(modality.n_obs) if indices is None else indices
        self.labels = torch.from_numpy(modality.labels)
        self.batch = torch.from_numpy(modality.batch)
        self.row_weights = None if row_weights is None else torch.from_numpy(row_weights)

    def __len__(self) -> int:
        return len(self.indices)

    def read_ahead(self, minibatches: Sequence[np.ndarray]) -> None:
        """Read the rows of many minibatches from their file at once."""
        if self.matrix.in_file and minibatches:
            self.matrix.hold(self.indices[np.concatenate(minibatches)])

    def __getitem__(self, index: np.ndarray | Sequence[int]) -> dict[str, torch.Tensor]:
        """Read the minibatch at `index`, ``n`` positions within the dataset.

        ``X`` and, where any is, ``missing`` have shape ``(n, n_features)``, ``labels`` ``(n,)``,
        ``batch`` ``(n, 1 + n_covariates)``; ``labeled`` are positions of the labelled ones.
        """
        rows = self.indices[index]
        x, missing = self.matrix.rows_and_missing(rows)
        tensors = {
            X_KEY: torch.from_numpy(x),
            LABELS_KEY: self.labels[rows],
            BATCH_KEY: self.batch[rows],
        }
        # found here, since a device would have to be waited for
        tensors[LABELED_KEY] = tensors[LABELS_KEY].ge(0).nonzero()[:, 0]
        if missing is not None:
            tensors[MISSING_KEY] = torch.from_numpy(missing)
        if self.row_weights is not None:
            tensors[ROW_WEIGHTS_KEY] = self.row_weights[index]
        return tensors


def sequential_loader(
    modality: Modality, indices: np.ndarray | None = None, batch_size: int | None = None
) -> DataLoader:
    """Serve rows at positions `indices` (`None` for all) in this order, for inference."""
    if batch_size is None:
        batch_size = max(1, min(_BATCH_SIZE, _BATCH_VALUES // modality.matrix.shape[1]))
    dataset = ModalityDataset(modality, indices)
    minibatches = BatchSampler(range(len(dataset)), batch_size, drop_last=False)
    return DataLoader(dataset, sampler=minibatches, batch_size=None)
