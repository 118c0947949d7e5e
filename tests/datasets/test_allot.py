from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modis.datasets._allot import allot


@given(
    weights=st.lists(st.integers(0, 50), min_size=1, max_size=8),
    total=st.integers(0, 200),
)
def test_shares_are_within_one_of_proportion(weights, total):
    shares = allot(weights, total)
    if sum(weights) == 0:
        assert shares.tolist() == [0] * len(weights)
        return
    exact = np.array(weights) / sum(weights) * total
    assert shares.sum() == total
    assert (np.abs(shares - exact) < 1).all()


def test_largest_remainders_first():
    # Hamilton's method by hand: exact shares 4.7, 3.1, 2.2.
    assert allot([47, 31, 22], 10).tolist() == [5, 3, 2]
    assert allot([1, 1, 1], 2).tolist() == [1, 1, 0]
    assert allot([0.2] * 5, 500).tolist() == [100] * 5
