from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
import torch
from lightning.pytorch import LightningDataModule
from lightning.pytorch.utilities import CombinedLoader
from scvi import settings
from torch.utils.data import DataLoader, Sampler

from .._constants import PAIRS_KEY
from ..data import Modality, number
from ._dataset import ModalityDataset, sequential_loader
from ._pairs import PairedDataset, PairSampler, seen_by_several
from ._sampler import ROWS_AT_ONCE, BalancedMinibatchSampler

# values that are read from a file at once (64 MB), at most
_VALUES_AT_ONCE = 2**24


def split_observations(
    modalities: Mapping[str, Modality], train_size: float, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Split observations into training and validation, stratified by modality and class.

    Sorted row positions by modality. An observation is on one side in all modalities. Of those
    with the same modalities and class, ``1 - train_size`` are held out, rounded so that sums by
    class and by modalities come close; one stays to train on, and all of a class in a modality
    where its share rounds to none.
    """
    says = "larger than 0 and at most 1"
    train_size = number("train_size", train_size, lambda x: 0 < x <= 1, says)
    rows = pd.concat(
        # one bit per modality: their sum tells which modalities an observation has
        pd.DataFrame({"name": data.obs_names, "seen_in": 2**k, "label": data.labels})
        for k, data in enumerate(modalities.values())
    )
    observations = rows.groupby("name", sort=False).agg({"seen_in": "sum", "label": "max"})
    groups = dict(list(observations.groupby(["seen_in", "label"], sort=True)))
    seen_in, label = np.array(list(groups)).T
    sizes = np.array([len(members) for members in groups.values()])
    n_held_out = _allot(sizes, seen_in, label, 1 - train_size)
    rng = np.random.default_rng(seed)
    held_out: list[str] = []
    for members, n in zip(groups.values(), n_held_out, strict=True):
        held_out.extend(rng.permutation(members.index.to_numpy())[:n])
    train_idx, val_idx = {}, {}
    for name, data in modalities.items():
        is_held_out = data.obs_names.isin(pd.Index(held_out, dtype=object))
        train_idx[name] = np.flatnonzero(~is_held_out)
        val_idx[name] = np.flatnonzero(is_held_out)
    return train_idx, val_idx


def _allot(sizes: np.ndarray, seen_in: np.ndarray, label: np.ndarray, share: float) -> np.ndarray:
    """How many members each group holds out, shape ``(n_groups,)``."""
    bits = 2 ** np.arange(int(seen_in.max()).bit_length())
    has = (seen_in[:, None] & bits) > 0
    label_code, seen_code = (np.unique(each, return_inverse=True)[1] for each in (label, seen_in))
    # samples of each class in each modality, ``(n_classes, n_modalities)``
    of_class = np.zeros((label_code.max() + 1, len(bits)), dtype=np.int64)
    np.add.at(of_class, label_code, sizes[:, None] * has)
    too_few = (has & (np.round(share * of_class) == 0)[label_code]).any(axis=1) & (label >= 0)
    quota = np.where(too_few, 0, share * sizes)
    # 0.1 of 10 may be 0.9999999
    least, most = np.floor(quota + 1e-9), np.ceil(quota - 1e-9)
    held_out, most = np.minimum(least, sizes - 1), np.minimum(most, sizes - 1)
    for _ in range(round(quota.sum()) - int(held_out.sum())):
        # what is missing in the group, in its class and with its modalities
        lacks = quota - held_out
        related = lacks + sum(np.bincount(c, lacks)[c] for c in (label_code, seen_code))
        missing = np.where(held_out < most, related, -np.inf).round(9)
        if missing.max() == -np.inf:
            break
        held_out[missing.argmax()] += 1
    return held_out.astype(np.int64)


class _ReadingAhead(Sampler):
    """Minibatches of a sampler, of which a dataset reads many at once from its file."""

    def __init__(self, dataset: ModalityDataset | PairedDataset, sampler: Any, n: int) -> None:
        self.dataset, self.sampler, self.n = dataset, sampler, n

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[Any]:
        drawn = iter(self.sampler)
        while some := list(islice(drawn, self.n)):
            self.dataset.read_ahead(some)
            yield from some


class ModalitySplitter(LightningDataModule):
    """Training and validation minibatches of every modality.

    A training step gets a dict of one minibatch per modality; the longest sets the epoch.
    Validation walks over one modality after the other. The default `seed` is
    ``scvi.settings.seed``.
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
    def n_val(self) -> int:
        """Validation samples, over all modalities; 0 if no group can spare any."""
        return sum(map(len, self.val_idx.values()))

    @property
    def steps_per_epoch(self) -> int:
        """Minibatches of the longest modality."""
        return max(-(-len(index) // self.batch_size) for index in self.train_idx.values())

    @property
    def validated_modalities(self) -> list[str]:
        """Modalities with validation samples, in the order of the validation loaders."""
        return [name for name, index in self.val_idx.items() if len(index)]

    def train_dataloader(self) -> CombinedLoader:
        """Minibatches of all modalities together, and of observations that two of them share."""
        loaders = {}
        labels = {
            name: data.labels[self.train_idx[name]] for name, data in self.modalities.items()
        }
        classes = {name: np.unique(codes[codes >= 0]) for name, codes in labels.items()}
        for name, data in self.modalities.items():
            sampler = BalancedMinibatchSampler(
                labels[name],
                self.batch_size,
                balance=self.balance_classes,
                n_classes=len(np.unique(np.concatenate(list(classes.values())))),
                undo_balance=not all(map(len, classes.values())),
            )
            dataset = ModalityDataset(data, self.train_idx[name], sampler.row_weights)
            loaders[name] = self._loader(dataset, sampler)
        rows = seen_by_several(self.modalities, self.train_idx)
        pairs = PairSampler(rows, self.batch_size, self.steps_per_epoch)
        if len(pairs):
            loaders[PAIRS_KEY] = self._loader(PairedDataset(self.modalities), pairs)
        return CombinedLoader(loaders, mode="max_size_cycle")

    def _loader(self, dataset: ModalityDataset | PairedDataset, sampler: Sampler) -> DataLoader:
        """Minibatches by workers as ``scvi.settings`` say, in pinned memory if there is a GPU."""
        matrices = [data.matrix for data in self.modalities.values()]
        n_workers = settings.dl_num_workers
        if any(own.in_file for own in matrices):
            n_workers = 0
            n_rows = min(ROWS_AT_ONCE, _VALUES_AT_ONCE // max(own.shape[1] for own in matrices))
            sampler = _ReadingAhead(dataset, sampler, max(1, n_rows // self.batch_size))
        return DataLoader(
            dataset,
            sampler=sampler,
            batch_size=None,
            num_workers=n_workers,
            persistent_workers=n_workers > 0 and settings.dl_persistent_workers,
            pin_memory=torch.cuda.is_available(),
        )

    def val_dataloader(self) -> CombinedLoader | list:
        """Validation samples, one modality after the other."""
        loaders = [
            sequential_loader(self.modalities[name], self.val_idx[name])
            for name in self.validated_modalities
        ]
        return CombinedLoader(loaders, mode="sequential") if loaders else []
