from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
import torch
from torch.utils.data import Dataset, Sampler

from ..data import Modality
from ._dataset import ModalityDataset
from ._sampler import epoch_generator, process_turn, turns

# pairs of modalities that are walked over at a time: many modalities have very many pairs
_MOST_WALKS = 16

#: Rows by modality.
Rows = dict[str, np.ndarray]


def seen_by_several(modalities: Mapping[str, Modality], index: Mapping[str, np.ndarray]) -> Rows:
    """Rows, by modality, of the observations that several have; -1 where it lacks one."""
    names = [data.obs_names[index[name]] for name, data in modalities.items()]
    codes = pd.factorize(np.concatenate(names))[0]
    several = np.bincount(codes) > 1
    place, rows, start = np.cumsum(several) - 1, {}, 0
    for name, own in zip(modalities, names, strict=True):
        code = codes[start : start + len(own)]
        rows[name] = np.full(several.sum(), -1, dtype=np.int64)
        rows[name][place[code[several[code]]]] = index[name][several[code]]
        start += len(own)
    return rows


def shared_rows(
    modalities: Mapping[str, Modality], least: int
) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    """Positions of the observations that two modalities share, if at least the `least`."""
    rows = seen_by_several(modalities, {k: np.arange(own.n_obs) for k, own in modalities.items()})
    pairs = {pair: _shared(rows, *pair) for pair in combinations(modalities, 2)}
    return {pair: both for pair, both in pairs.items() if len(both[0]) >= least}


def _shared(rows: Rows, first: str, second: str) -> tuple[np.ndarray, np.ndarray]:
    both = np.flatnonzero((rows[first] >= 0) & (rows[second] >= 0))
    both = both[np.argsort(rows[first][both])]
    return rows[first][both], rows[second][both]


class PairedDataset(Dataset):
    """Minibatches of the same observations in two modalities."""

    def __init__(self, modalities: Mapping[str, Modality]) -> None:
        self._datasets = {name: ModalityDataset(item) for name, item in modalities.items()}

    def read_ahead(self, minibatches: Sequence[Rows]) -> None:
        """Read the rows of many minibatches from their files at once."""
        for name, dataset in self._datasets.items():
            dataset.read_ahead([rows[name] for rows in minibatches if name in rows])

    def __getitem__(self, drawn: Rows) -> dict[str, dict[str, torch.Tensor]]:
        """Tensors by modality, of the rows that are drawn in each."""
        return {name: self._datasets[name][rows] for name, rows in drawn.items()}


class PairSampler(Sampler):
    """Draw pairs of modalities as often as they share observations, and some of these.

    `rows` are those of :func:`seen_by_several`. A minibatch has at most `batch_size`
    observations, none of them twice; an epoch has `n_minibatches`, none if there are no pairs.
    """

    def __init__(self, rows: Rows, batch_size: int, n_minibatches: int) -> None:
        self.rows = rows
        self.batch_size = batch_size
        seen = np.stack([own >= 0 for own in rows.values()]).astype(np.float32)
        shared = (seen @ seen.T).round().astype(int)
        pairs = combinations(range(len(rows)), 2)
        names = list(rows)
        #: Shared observations of each pair that has two: batch normalisation needs them.
        self.sizes = {(names[a], names[b]): shared[a, b] for a, b in pairs if shared[a, b] > 1}
        self.n_minibatches = n_minibatches if self.sizes else 0

    def __len__(self) -> int:
        return -(-self.n_minibatches // process_turn()[1])

    def __iter__(self) -> Iterator[Rows]:
        """Yield rows of a pair, in the same order in both, of this process' minibatches."""
        rng = epoch_generator()
        first, step = process_turn()
        pairs, sizes = list(self.sizes), np.array(list(self.sizes.values()))
        walks: dict[tuple[str, str], Iterator[Rows]] = {}
        n = len(self) * step
        for k, drawn in enumerate(rng.choice(len(pairs), n, p=sizes / sizes.sum())):
            pair = pairs[drawn]
            if pair not in walks:
                if len(walks) == _MOST_WALKS:
                    walks.clear()
                walks[pair] = self._walk(pair, rng)
            rows = next(walks[pair])
            if k % step == first:
                yield rows

    def _walk(self, pair: tuple[str, str], rng: np.random.Generator) -> Iterator[Rows]:
        """Minibatches of a pair without an end; most rows have a turn before any has two."""
        shared = _shared(self.rows, *pair)
        n = len(shared[0])
        size = min(n, self.batch_size)
        while True:
            order = rng.permutation(n)
            order = order[np.argsort(turns(n, rng)[order], kind="stable")]
            for some in order[: n - n % size].reshape(-1, size):
                yield {name: rows[some] for name, rows in zip(pair, shared, strict=True)}
