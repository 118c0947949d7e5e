from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Scores", "resample"]

#: So many resamples at a time; 1,000 of 100,000 samples would not fit.
_CHUNK = 100


@dataclass(frozen=True)
class Scores:
    """One measure of one method: as it is, and in each resample.

    Parameters
    ----------
    seeds
        The method's seeds.
    draws
        Shape ``(1 + n_resamples, n_seeds)``; the first row is not resampled.
    """

    seeds: tuple[int, ...]
    draws: np.ndarray

    @property
    def mean(self) -> float:
        """Mean over seeds."""
        return float(self.draws[0].mean())

    @property
    def sd(self) -> float:
        """Standard deviation over seeds; NaN of a single one."""
        return float(self.draws[0].std(ddof=1)) if len(self.seeds) > 1 else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """95 % percentile interval of the mean over seeds."""
        low, high = np.percentile(self.draws[1:].mean(axis=1), [2.5, 97.5])
        return float(low), float(high)

    def minus(self, other: Scores) -> Scores:
        """Differences to another method, seed by seed and resample by resample."""
        shared = [seed for seed in self.seeds if seed in other.seeds]
        mine = self.draws[:, [self.seeds.index(seed) for seed in shared]]
        theirs = other.draws[:, [other.seeds.index(seed) for seed in shared]]
        return Scores(tuple(shared), mine - theirs)

    @classmethod
    def average(cls, parts: list[Scores]) -> Scores:
        """Mean over modalities, for the seeds that all of them have."""
        shared = [seed for seed in parts[0].seeds if all(seed in part.seeds for part in parts)]
        columns = [part.draws[:, [part.seeds.index(s) for s in shared]] for part in parts]
        return cls(tuple(shared), np.mean(columns, axis=0))


def resample(
    predictions: pd.DataFrame, *, n_resamples: int = 1000, seed: int = 0
) -> dict[tuple[str, str, str], Scores]:
    """Measure methods, and how much that hangs on the test observations.

    Observations are drawn with replacement within each class, the same ones for all methods,
    modalities and seeds; so classes keep their size, and differences are paired. The seeds are
    not resampled.

    Parameters
    ----------
    predictions
        Rows with ``method``, ``seed``, ``modality``, ``observation``, ``label`` and
        ``predicted``. The folds of a seed count together.
    n_resamples
        Number of resamples.
    seed
        Seed of the draws.

    Returns
    -------
    By metric (``"balanced_accuracy"``, ``"accuracy"``), method and modality.
    """
    label = predictions.drop_duplicates("observation").set_index("observation")["label"]
    codes, classes = pd.factorize(label, sort=True)
    groups = [
        (key, _correct(own, label.index))
        for key, own in predictions.groupby(["method", "modality"], sort=False)
    ]
    parts: dict[tuple[str, str, str], list[np.ndarray]] = {}
    for weights in _weights(codes, n_resamples, seed):
        by_class = [weights[:, codes == code] for code in range(len(classes))]
        for (method, modality), (_, correct) in groups:
            hits = np.stack(
                [w @ np.nan_to_num(correct[:, codes == code]).T for code, w in enumerate(by_class)]
            )
            n = np.stack(
                [
                    w @ (~np.isnan(correct[:, codes == code])).astype(np.float32).T
                    for code, w in enumerate(by_class)
                ]
            )
            # a class that is not among a seed's test observations has no recall
            recall = np.divide(hits, n, out=np.full_like(hits, np.nan), where=n > 0)
            balanced = np.nanmean(recall, axis=0)
            parts.setdefault(("balanced_accuracy", method, modality), []).append(balanced)
            accuracy = hits.sum(axis=0) / n.sum(axis=0)
            parts.setdefault(("accuracy", method, modality), []).append(accuracy)
    seeds = {key: found for key, (found, _) in groups}
    return {key: Scores(seeds[key[1:]], np.concatenate(made)) for key, made in parts.items()}


def _correct(own: pd.DataFrame, names: pd.Index) -> tuple[tuple[int, ...], np.ndarray]:
    """Seeds, and whether each observation was predicted rightly: 1, 0, or NaN if not tested."""
    right = (own["label"] == own["predicted"]).astype(np.float32)
    table = own.assign(right=right).pivot_table(
        index="seed", columns="observation", values="right", aggfunc="first"
    )
    seeds = tuple(int(seed) for seed in table.index)
    return seeds, table.reindex(columns=names).to_numpy(dtype=np.float32)


def _weights(codes: np.ndarray, n_resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each observation is drawn; once each in the very first row."""
    yield np.ones((1, len(codes)), dtype=np.float32)
    rng = np.random.default_rng(seed)
    for start in range(0, n_resamples, _CHUNK):
        weights = np.empty((min(_CHUNK, n_resamples - start), len(codes)), dtype=np.float32)
        for code in np.unique(codes):
            members = np.flatnonzero(codes == code)
            share = np.full(len(members), 1 / len(members))
            weights[:, members] = rng.multinomial(len(members), share, size=len(weights))
        yield weights
