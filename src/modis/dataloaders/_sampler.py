from collections.abc import Iterator

import numpy as np
import torch
from torch import distributed
from torch.utils.data import Sampler

#: Rows that are read from a file at once, and neighbours that are among them together.
ROWS_AT_ONCE, _BLOCK = 4096, 64
# Rows of a class of no more members come in any order; a few of each are read by themselves.
_FEW = 1024


def epoch_generator() -> np.random.Generator:
    """Generator for an epoch, seeded by torch's; the same in all processes that train."""
    seed = [int(torch.randint(2**62, ()))]
    if distributed.is_initialized():
        distributed.broadcast_object_list(seed)
    return np.random.default_rng(seed[0])


def process_turn() -> tuple[int, int]:
    """The first minibatch that is this process' own, and how many processes take turns."""
    if distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def turns(n: int, rng: np.random.Generator) -> np.ndarray:
    """When each of `n` rows has its turn, ``(n,)``: thousands at a time, neighbours together."""
    n_blocks = -(-n // _BLOCK)
    return np.repeat(rng.permutation(n_blocks) // (ROWS_AT_ONCE // _BLOCK), _BLOCK)[:n]


class BalancedMinibatchSampler(Sampler[np.ndarray]):
    """Full minibatches in which every class, and the unlabelled samples, have their share.

    `labels` are class codes of shape ``(n,)``, -1 where not labelled. Every minibatch has exactly
    `batch_size` rows: a smaller cohort is repeated, so that no batch normalisation meets a single
    sample. Each class uses all its samples before any a second time. At least `min_labeled` of a
    minibatch is labelled. Neighbours come soon after each other, so that files are read in blocks.

    :attr:`row_weights` are the share that rows should have over the share that they are drawn
    with. Each class should have ``1 / n_classes`` of the labelled rows, also where others are
    lacking: the discriminator could tell modalities by its frequency. With `undo_balance` classes
    have their shares of the labelled samples: a modality without labels shows its classes as they
    are, and if the others do not match that, the adversary moves samples into wrong classes.
    """

    def __init__(
        self,
        labels: np.ndarray,
        batch_size: int,
        *,
        balance: bool = True,
        min_labeled: float = 0.25,
        n_classes: int | None = None,
        undo_balance: bool = False,
    ) -> None:
        if len(labels) == 0:
            raise ValueError("There is no sample to draw from.")
        self.batch_size = batch_size
        self._first, self._step = process_turn()
        # of all processes, each of which has as many
        self.n_minibatches = -(-len(labels) // (batch_size * self._step)) * self._step
        #: Weights of the rows in means over minibatches, float32 of shape ``(n,)``.
        self.row_weights = np.ones(len(labels), dtype=np.float32)
        labeled = np.flatnonzero(labels >= 0)
        unlabeled = np.flatnonzero(labels < 0)
        if not balance or not len(labeled):
            self._classes, self._others = [], np.arange(len(labels))
            self._n_labeled = 0
            return
        by_class = labeled[np.argsort(labels[labeled], kind="stable")]
        counts = np.unique(labels[labeled], return_counts=True)[1]
        self._classes = np.split(by_class, np.cumsum(counts)[:-1])
        self._others = unlabeled
        share = max(len(labeled) / len(labels), min_labeled) if len(unlabeled) else 1.0
        # at least one row of either kind
        self._n_labeled = int(np.clip(round(share * batch_size), 1, batch_size))
        if len(unlabeled) and batch_size > 1:
            self._n_labeled = min(self._n_labeled, batch_size - 1)
            n_unlabeled = batch_size - self._n_labeled
            for rows, n_drawn in ((labeled, self._n_labeled), (unlabeled, n_unlabeled)):
                self.row_weights[rows] = len(rows) / len(labels) * batch_size / n_drawn
        n_own = len(self._classes)
        for rows in self._classes:
            own_share, n_all = len(rows) / len(labeled), n_classes or n_own
            self.row_weights[rows] *= own_share * n_own if undo_balance else n_own / n_all

    def __len__(self) -> int:
        return self.n_minibatches // self._step

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield row positions of shape ``(batch_size,)``, of this process' minibatches."""
        rng = epoch_generator()
        n_labeled = self.n_minibatches * self._n_labeled
        n_others = self.n_minibatches * (self.batch_size - self._n_labeled)
        turn = turns(len(self.row_weights), rng)
        parts = []
        if n_labeled:
            # class of every row: as even as their number allows, in random order
            codes = _rounds(np.arange(len(self._classes)), n_labeled, rng)
            counts = np.bincount(codes, minlength=len(self._classes))
            drawn = (_draw(*each, rng, turn) for each in zip(self._classes, counts, strict=True))
            rows = np.empty(n_labeled, dtype=np.int64)
            rows[np.argsort(codes, kind="stable")] = np.concatenate(list(drawn))
            parts.append(rows.reshape(self.n_minibatches, -1))
        if n_others:
            parts.append(_draw(self._others, n_others, rng, turn).reshape(self.n_minibatches, -1))
        yield from np.concatenate(parts, axis=1)[self._first :: self._step]


def _rounds(values: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `n` values in shuffled rounds, each round using every value once."""
    n_rounds = -(-n // len(values))
    if n_rounds == 1:
        return rng.permutation(values)[:n]
    return rng.permuted(np.tile(values, (n_rounds, 1)), axis=1).ravel()[:n]


def _draw(rows: np.ndarray, n: int, rng: np.random.Generator, turn: np.ndarray) -> np.ndarray:
    """Draw `n` rows in rounds; of many, those that have their `turn` together together."""
    drawn = _rounds(rows, n, rng)
    return drawn if len(rows) <= _FEW else drawn[np.argsort(turn[drawn], kind="stable")]
