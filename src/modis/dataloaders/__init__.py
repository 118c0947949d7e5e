"""Minibatches of every modality, drawn together, and the split into training and validation."""

# for the rooms above
from ._dataset import ModalityDataset, sequential_loader
from ._pairs import shared_rows
from ._sampler import BalancedMinibatchSampler
from ._splitter import ModalitySplitter, split_observations

__all__: list[str] = []
