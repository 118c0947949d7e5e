"""Per-modality loaders that are cycled together, and the train/validation split."""

from ._dataset import ModalityDataset, sequential_loader
from ._sampler import BalancedBatchSampler
from ._splitter import ModalitySplitter, split_observations

__all__ = [
    "BalancedBatchSampler",
    "ModalityDataset",
    "ModalitySplitter",
    "sequential_loader",
    "split_observations",
]
