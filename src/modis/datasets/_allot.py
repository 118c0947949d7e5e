from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def allot(weights: ArrayLike, total: int) -> np.ndarray:
    """Share `total` items in proportion to `weights` by the method of the largest remainder.

    Every share is within one of its exact value and the shares sum to `total`. Ties go to the
    earlier entry.
    """
    proportions = np.asarray(weights, dtype=float)
    if proportions.sum() == 0:
        return np.zeros(len(proportions), dtype=int)
    # Rounded, or 0.2 * 500 counts as 99 and a remainder of 0.999...
    exact = np.round(proportions / proportions.sum() * total, 9)
    shares = np.floor(exact).astype(int)
    order = np.argsort(shares - exact, kind="stable")
    shares[order[: total - shares.sum()]] += 1
    return shares
