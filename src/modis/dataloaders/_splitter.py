from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from lightning.pytorch import LightningDataModule
from lightning.pytorch.utilities import CombinedLoader
from scvi import settings
from torch.utils.data import DataLoader

from .._constants import PAIRS_KEY
from ._dataset import ModalityDataset, sequential_loader
from ._pairs import PairedDataset, PairSampler, shared_rows
from ._sampler import BalancedBatchSampler

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..data import Modality

__all__ = ["ModalitySplitter", "split_observations"]


def split_observations(
    modalities: Mapping[str, Modality], train_size: float, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Split observations into training and validation, stratified by modality and class.

    An observation that several modalities saw goes to the same side in all of them. A group of
    observations with the same modalities and the same class gives ``round((1 - train_size) *
    n)`` of its `n` members to validation, so that a handful of labelled samples all train.

    Parameters
    ----------
    modalities
        The data, by modality.
    train_size
        Share of every group that trains, in (0, 1].
    seed
        Seed of the split.

    Returns
    -------
    Sorted row positions by modality, for training and for validation.

    Raises
    ------
    ValueError
        If `train_size` is not in (0, 1].
    """
    if not 0 < train_size <= 1:
        raise ValueError(f"train_size={train_size} must be larger than 0 and at most 1.")
    rows = pd.concat(
        [
            pd.DataFrame({"name": data.obs_names, "modality": modality, "label": data.labels})
            for modality, data in modalities.items()
        ]
    )
    # one bit per modality: the sum tells which of them saw an observation
    rows["seen_in"] = rows["modality"].map({name: 2**k for k, name in enumerate(modalities)})
    groups = rows.groupby("name", sort=False).agg(
        seen_in=("seen_in", "sum"), label=("label", "max")
    )
    rng = np.random.default_rng(seed)
    validation: list[str] = []
    for _, members in groups.groupby(["seen_in", "label"], sort=True):
        # whatever the share, every group keeps a member to train on
        n_validation = min(round((1 - train_size) * len(members)), len(members) - 1)
        validation.extend(rng.permutation(members.index.to_numpy())[:n_validation])
    held_out = pd.Index(validation, dtype=object)
    train_idx, val_idx = {}, {}
    for modality, data in modalities.items():
        is_held_out = data.obs_names.isin(held_out)
        train_idx[modality] = np.flatnonzero(~is_held_out)
        val_idx[modality] = np.flatnonzero(is_held_out)
    return train_idx, val_idx


class ModalitySplitter(LightningDataModule):
    """Training and validation minibatches of every modality.

    The training loader yields one minibatch per modality at a time, as a dict; the longest
    modality sets the epoch and the others start anew as often as needed. The validation
    loaders walk over one modality after the other.

    Parameters
    ----------
    modalities
        The data, by modality.
    train_size
        Share of the observations that train, in (0, 1].
    batch_size
        Rows per modality and minibatch.
    balance_classes
        Whether minibatches hold equally many labelled samples of each class.
    seed
        Seed of the split; ``scvi.settings.seed`` (0 if that is `None`) by default.
    """

    def __init__(
        self,
        modalities: Mapping[str, Modality],
        *,
        train_size: float = 0.9,
        batch_size: int = 64,
        balance_classes: bool = True,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self.modalities = dict(modalities)
        self.batch_size = batch_size
        self.balance_classes = balance_classes
        seed = settings.seed if seed is None else seed
        self.train_idx, self.val_idx = split_observations(modalities, train_size, seed or 0)
        # scvi's runner looks for the test part as well
        self.test_idx = {name: np.empty(0, dtype=np.int64) for name in modalities}

    @property
    def n_train(self) -> int:
        """Training samples, over all modalities."""
        return sum(len(index) for index in self.train_idx.values())

    @property
    def n_val(self) -> int:
        """Validation samples, over all modalities."""
        return sum(len(index) for index in self.val_idx.values())

    @property
    def steps_per_epoch(self) -> int:
        """Minibatches of the longest modality."""
        return max(-(-len(index) // self.batch_size) for index in self.train_idx.values())

    def train_dataloader(self) -> CombinedLoader:
        """Minibatches of all modalities together, and of observations that two of them saw."""
        loaders = {}
        labels = {
            name: data.labels[self.train_idx[name]] for name, data in self.modalities.items()
        }
        some_unlabeled = not all((codes >= 0).any() for codes in labels.values())
        for name, data in self.modalities.items():
            index = self.train_idx[name]
            sampler = BalancedBatchSampler(
                labels[name],
                self.batch_size,
                balance=self.balance_classes,
                undo_balance=some_unlabeled,
            )
            loaders[name] = DataLoader(
                ModalityDataset(data, index, sampler.weights), sampler=sampler, batch_size=None
            )
        shared = shared_rows(self.modalities, self.train_idx)
        if shared:
            loaders[PAIRS_KEY] = DataLoader(
                PairedDataset(self.modalities, shared),
                sampler=PairSampler(shared, self.batch_size, self.steps_per_epoch),
                batch_size=None,
            )
        return CombinedLoader(loaders, mode="max_size_cycle")

    def val_dataloader(self) -> CombinedLoader | list:
        """Validation samples, one modality after the other."""
        loaders = [
            sequential_loader(self.modalities[name], index)
            for name, index in self.val_idx.items()
            if len(index)
        ]
        return CombinedLoader(loaders, mode="sequential") if loaders else []

    @property
    def validated_modalities(self) -> list[str]:
        """Modalities with validation samples, in the order of the validation loaders."""
        return [name for name, index in self.val_idx.items() if len(index)]
