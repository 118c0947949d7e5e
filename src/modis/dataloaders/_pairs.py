from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from ..data import Modality
from ._dataset import ModalityDataset

#: Positions of the same observations in two modalities, each ``(n_shared,)``, by pair of these.
SharedRows = dict[tuple[str, str], tuple["np.ndarray", "np.ndarray"]]


def shared_rows(modalities: Mapping[str, Modality], index: Mapping[str, np.ndarray]) -> SharedRows:
    """Observations that two modalities share, among the rows that count, `index` by modality.

    Pairs that share fewer than two are left out: batch normalisation needs two.
    """
    shared = {}
    for first, second in combinations(modalities, 2):
        ours = modalities[first].obs_names[index[first]]
        theirs = modalities[second].obs_names[index[second]]
        found = theirs.get_indexer(ours)
        rows = index[first][found >= 0], index[second][found[found >= 0]]
        if len(rows[0]) > 1:
            shared[first, second] = rows
    return shared


class PairedDataset(Dataset):
    """Minibatches of the same observations in two modalities, which `shared` has."""

    def __init__(self, modalities: Mapping[str, Modality], shared: SharedRows) -> None:
        self.shared = shared
        names = dict.fromkeys(name for pair in shared for name in pair)
        self._datasets = {name: ModalityDataset(modalities[name]) for name in names}

    def __getitem__(
        self, drawn: tuple[tuple[str, str], np.ndarray]
    ) -> dict[str, dict[str, torch.Tensor]]:
        """Tensors by modality, rows in the same order, of a pair and positions in its rows."""
        pair, positions = drawn
        return {
            name: self._datasets[name][rows[positions]]
            for name, rows in zip(pair, self.shared[pair], strict=True)
        }


class PairSampler(Sampler):
    """Draw pairs of modalities as often as they share observations, and some of these.

    A minibatch has at most `batch_size` observations, none of them twice; an epoch has
    `n_minibatches`. `shared` is not empty.
    """

    def __init__(self, shared: SharedRows, batch_size: int, n_minibatches: int) -> None:
        self.sizes = {pair: len(rows) for pair, (rows, _) in shared.items()}
        self.batch_size = batch_size
        self.n_minibatches = n_minibatches

    def __len__(self) -> int:
        return self.n_minibatches

    def __iter__(self) -> Iterator[tuple[tuple[str, str], np.ndarray]]:
        """Yield a pair and positions among the observations that it shares."""
        pairs = list(self.sizes)
        chances = torch.tensor([float(self.sizes[pair]) for pair in pairs])
        for drawn in torch.multinomial(chances, self.n_minibatches, replacement=True).tolist():
            pair = pairs[drawn]
            yield pair, torch.randperm(self.sizes[pair])[: self.batch_size].numpy()
