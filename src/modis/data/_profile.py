"""What values of a modality look like, sample by sample, and what would make others alike."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

#: What is told of each sample.
STATISTICS = (
    "mean",
    "standard deviation",
    "largest value",
    "share of zeros",
    "correlation with the mean profile of the training samples",
)
# Quantiles of the training samples on either side, and how much wider the range is taken.
_TAIL = 0.005
_WIDER = 0.5
# Shares of the standard deviation, or of 1, that the range is wider at least; correlations differ
# between classes.
_LEAST_ROOM = np.array([0.05, 0.05, 0.05, 0.05, 0.2])
# Share of the samples that a change of units must make alike to be advised.
_MOSTLY = 0.8

CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "log1p(x)": lambda x: np.log1p(np.maximum(x, 0)),
    "log2(x + 1)": lambda x: np.log2(np.maximum(x, 0) + 1),
    "counts per 10,000, then log1p": lambda x: np.log1p(1e4 * _share(x)),
    "counts per million, then log2(x + 1)": lambda x: np.log2(1e6 * _share(x) + 1),
    "expm1(x)": lambda x: np.expm1(np.minimum(x, 50)),
    "2 ** x - 1": lambda x: np.exp2(np.minimum(x, 80)) - 1,
    "x / 100": lambda x: x / 100,
    "x * 100": lambda x: x * 100,
}


class Profile(NamedTuple):
    """Training samples of one modality: mean, and the usual range of each of `STATISTICS`."""

    mean: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray

    def outside(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which statistics of rows are not usual, and what they are, both ``(n, 5)``."""
        found = statistics(x, self.mean)
        strange = (found < self.lowest) | (found > self.highest)
        # nothing is too well correlated
        strange[:, -1] = found[:, -1] < self.lowest[-1]
        return strange, found

    def advice(self, x: np.ndarray) -> str | None:
        """Change of units that makes most of the samples usual, if there is one."""
        with np.errstate(over="ignore", invalid="ignore"):
            alike = {
                name: 1 - self.outside(change(x))[0].any(axis=1).mean()
                for name, change in CHANGES.items()
            }
        best = max(alike, key=alike.__getitem__)
        return best if alike[best] >= _MOSTLY else None


def fit_profile(x: np.ndarray) -> Profile:
    """Learn from training rows ``(n, n_features)`` what is usual."""
    mean = x.mean(axis=0, dtype=np.float64)
    found = statistics(x, mean)
    low, median, high = np.quantile(found, [_TAIL, 0.5, 1 - _TAIL], axis=0)
    # what is the same in all samples may differ a little in others
    unit = np.array([median[1], median[1], median[1], 1.0, 1.0])
    room = np.maximum(_WIDER * (high - low), _LEAST_ROOM * unit)
    return Profile(mean, low - room, high + room)


def statistics(x: np.ndarray, profile: np.ndarray) -> np.ndarray:
    """`STATISTICS` of rows ``(n, n_features)`` without missing values, ``(n, 5)``."""
    x = x.astype(np.float64)
    mean, deviation = x.mean(axis=1), x.std(axis=1)
    apart = profile - profile.mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = (x - mean[:, None]) @ apart / (len(apart) * deviation * apart.std())
    found = (mean, deviation, x.max(axis=1), (x == 0).mean(axis=1), np.nan_to_num(correlation))
    return np.stack(found, axis=1)


def _share(x: np.ndarray) -> np.ndarray:
    x = np.maximum(x, 0)
    return x / np.maximum(x.sum(axis=1, keepdims=True), 1e-12)
