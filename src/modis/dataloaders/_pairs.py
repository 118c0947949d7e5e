from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
import torch
from torch.utils.data import Dataset, Sampler

from ..data import Modality
from ._dataset import ModalityDataset
from ._sampler import epoch_generator, turns

# pairs of modalities whose rows are kept, at most
_MOST_KEPT = 16


class SharedRows(Mapping[tuple[str, str], tuple[np.ndarray, np.ndarray]]):
    """Positions of the observations that two modalities share, by pair of modalities.

    Each is ``(n_shared,)``, and found when it is asked for: many modalities have very many pairs.
    """

    def __init__(self, sizes: Mapping[tuple[str, str], int], rows: Mapping[str, np.ndarray]):
        #: Shared observations of each pair.
        self.sizes = dict(sizes)
        # of every observation in several modalities, -1 where a modality has not seen it
        self._rows = rows
        self._found: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]] = {}

    def __getitem__(self, pair: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
        """Positions in the first and in the second modality, in the order of the first."""
        if pair not in self._found:
            if len(self._found) == _MOST_KEPT:
                self._found.clear()
            ours, theirs = (self._rows[name] for name in pair)
            both = np.flatnonzero((ours >= 0) & (theirs >= 0))
            both = both[np.argsort(ours[both])]
            self._found[pair] = ours[both].astype(np.int64), theirs[both].astype(np.int64)
        return self._found[pair]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.sizes)

    def __len__(self) -> int:
        return len(self.sizes)


def shared_rows(modalities: Mapping[str, Modality], index: Mapping[str, np.ndarray]) -> SharedRows:
    """Observations that two modalities share, among the rows that count, `index` by modality.

    Pairs that share fewer than two are left out: batch normalisation needs two.
    """
    names = [data.obs_names[index[name]] for name, data in modalities.items()]
    codes = pd.factorize(np.concatenate(names))[0]
    several = np.bincount(codes) > 1
    place = np.cumsum(several) - 1
    rows = {}
    ends = np.cumsum([len(each) for each in names])
    for name, own in zip(modalities, np.split(codes, ends[:-1]), strict=True):
        rows[name] = np.full(several.sum(), -1, dtype=np.int32)
        rows[name][place[own[several[own]]]] = index[name][several[own]]
    seen = np.stack([own >= 0 for own in rows.values()]).astype(np.float32)
    n_shared = (seen @ seen.T).round().astype(int)
    pairs = combinations(range(len(names)), 2)
    order = list(modalities)
    sizes = {(order[a], order[b]): n_shared[a, b] for a, b in pairs if n_shared[a, b] > 1}
    return SharedRows(sizes, rows)


class PairedDataset(Dataset):
    """Minibatches of the same observations in two modalities, which `shared` has."""

    def __init__(self, modalities: Mapping[str, Modality], shared: SharedRows) -> None:
        self.shared = shared
        names = dict.fromkeys(name for pair in shared for name in pair)
        self._datasets = {name: ModalityDataset(modalities[name]) for name in names}

    def read_ahead(self, minibatches: Sequence[tuple[tuple[str, str], np.ndarray]]) -> None:
        """Read the rows of many minibatches from their files at once."""
        for name, dataset in self._datasets.items():
            own = [
                self.shared[pair][pair.index(name)][drawn]
                for pair, drawn in minibatches
                if name in pair
            ]
            if own and dataset.matrix.in_file:
                dataset.read_ahead(own)

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
    `n_minibatches`. `shared` is not empty. For `in_file` see :class:`BalancedMinibatchSampler`.
    """

    def __init__(
        self, shared: SharedRows, batch_size: int, n_minibatches: int, *, in_file: bool = False
    ) -> None:
        self.sizes = shared.sizes
        self.batch_size = batch_size
        self.n_minibatches = n_minibatches
        self.in_file = in_file

    def __len__(self) -> int:
        return self.n_minibatches

    def __iter__(self) -> Iterator[tuple[tuple[str, str], np.ndarray]]:
        """Yield a pair and positions among the observations that it shares."""
        rng = epoch_generator()
        pairs, sizes = list(self.sizes), np.array(list(self.sizes.values()))
        walks = {pair: self._walk(size, rng) for pair, size in self.sizes.items()}
        for drawn in rng.choice(len(pairs), self.n_minibatches, p=sizes / sizes.sum()):
            yield pairs[drawn], next(walks[pairs[drawn]])

    def _walk(self, n: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Minibatches of `n` positions without an end; most have a turn before any has two."""
        size = min(n, self.batch_size)
        while True:
            order = rng.permutation(n)
            if self.in_file:
                order = order[np.argsort(turns(n, rng)[order], kind="stable")]
            yield from order[: n - n % size].reshape(-1, size)
