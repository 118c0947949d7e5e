import time
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modis.dataloaders import BalancedMinibatchSampler, _pairs, _sampler
from modis.dataloaders._pairs import PairSampler

LABELS = st.lists(st.integers(-1, 4), min_size=1, max_size=60).map(np.array)


def epoch(labels, batch_size, **kwargs):
    """Row positions, one minibatch per row."""
    return np.stack(list(BalancedMinibatchSampler(np.asarray(labels), batch_size, **kwargs)))


def spread(counts):
    return int(np.max(counts) - np.min(counts))


@given(labels=LABELS, batch_size=st.integers(1, 40), balance=st.booleans())
def test_minibatches_are_full_and_classes_and_their_rows_used_evenly(labels, batch_size, balance):
    sampler = BalancedMinibatchSampler(labels, batch_size, balance=balance)
    batches = list(sampler)
    assert len(batches) == len(sampler) == int(np.ceil(len(labels) / batch_size))
    assert all(batch.shape == (batch_size,) for batch in batches)
    rows = np.concatenate(batches)
    # a row that is not there would be an IndexError
    drawn, uses = labels[rows], np.bincount(rows, minlength=len(labels))
    known = np.unique(labels[labels >= 0])
    if balance and len(known):
        assert spread([np.sum(drawn == code) for code in known]) <= 1
    for code in np.unique(labels) if balance else [None]:
        members = np.full(len(labels), True) if code is None else labels == code
        assert spread(uses[members]) <= 1


@given(
    labels=LABELS,
    batch_size=st.integers(2, 40),
    min_labeled=st.sampled_from([0.0, 0.25, 0.5, 0.9]),
)
def test_labelled_share_of_every_minibatch_and_its_weight(labels, batch_size, min_labeled):
    sampler = BalancedMinibatchSampler(labels, batch_size, min_labeled=min_labeled)
    batches, share = np.stack(list(sampler)), np.mean(labels >= 0)
    n_labeled = (labels[batches] >= 0).sum(axis=1)
    # to the nearest row, and at least one row of either kind
    wanted = share if share in {0, 1} else max(share, min_labeled)
    least, most = (1, batch_size - 1) if 0 < share < 1 else (0, batch_size)
    assert spread(n_labeled) == 0
    assert abs(np.clip(wanted * batch_size, least, most) - n_labeled[0]) <= 0.5
    assert least <= n_labeled[0] <= most
    # weights bring them back to their share of the data
    assert sampler.row_weights.dtype == np.float32
    assert (sampler.row_weights > 0).all()
    for weights, labeled in zip(sampler.row_weights[batches], labels[batches] >= 0, strict=True):
        assert np.average(labeled, weights=weights) == pytest.approx(share)
        # a weighted sum over the rows is on the scale of a plain one
        assert weights.sum() == pytest.approx(batch_size, rel=1e-5)


def test_classes_are_spread_over_the_minibatches():
    labels = np.repeat([0, 1, 2], [200, 30, 2])
    drawn = labels[epoch(labels, 12)]
    for code in range(3):
        assert spread((drawn == code).sum(axis=1)) <= 4
        assert ((drawn == code).sum(axis=1) > 0).all()


def test_the_odd_row_goes_to_any_class():
    sampler = BalancedMinibatchSampler(np.array([0, 1, 2]), 4)
    assert {np.bincount(next(iter(sampler))).argmax() for _ in range(40)} == {0, 1, 2}


@given(labels=LABELS, batch_size=st.integers(8, 40), n_more=st.integers(0, 3))
def test_a_class_has_the_share_that_it_has_where_no_class_is_lacking(labels, batch_size, n_more):
    """Of those rows that are labelled; the weights of the others are as they were."""
    n_own = len(np.unique(labels[labels >= 0]))
    plain = BalancedMinibatchSampler(labels, batch_size).row_weights
    lacking = BalancedMinibatchSampler(labels, batch_size, n_classes=n_own + n_more).row_weights
    factor = n_own / max(n_own + n_more, 1)
    np.testing.assert_array_equal(lacking[labels < 0], plain[labels < 0])
    np.testing.assert_allclose(lacking[labels >= 0], factor * plain[labels >= 0], rtol=1e-6)


def test_undoing_the_balance_gives_every_class_its_share():
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    sampler = BalancedMinibatchSampler(labels, 30, undo_balance=True)
    drawn = np.concatenate(list(sampler))
    shares = np.bincount(labels[drawn], weights=sampler.row_weights[drawn]) / len(drawn)
    np.testing.assert_allclose(shares, [0.6, 0.3, 0.1], atol=0.02)


def test_an_epoch_takes_no_longer_with_rare_or_with_many_classes():
    """Rounds of a class are shuffled together, not one after the other."""

    def seconds(labels):
        started = time.process_time()
        drawn = epoch(labels, 128)
        assert spread(np.bincount(labels[drawn.ravel()])) <= 1
        return time.process_time() - started

    n = 200_000
    even = min(seconds(np.arange(n) % 5) for _ in range(3))
    assert seconds(np.arange(n) % 1_000) < 5 * even + 0.1
    # 100,000 rounds of each
    assert seconds((np.arange(n) == 0).astype(int)) < 5 * even + 0.1


@given(labels=LABELS, batch_size=st.integers(2, 40))
def test_draws_in_blocks_are_as_even(labels, batch_size):
    with mock.patch.multiple(_sampler, _FEW=0, _BLOCK=4, ROWS_AT_ONCE=8):
        drawn = epoch(labels, batch_size)
    plain = epoch(labels, batch_size)
    assert drawn.shape == plain.shape
    np.testing.assert_array_equal((labels[drawn] >= 0).sum(1), (labels[plain] >= 0).sum(1))
    uses = np.bincount(drawn.ravel(), minlength=len(labels))
    for code in np.unique(labels):
        assert spread(uses[labels == code]) <= 1


@pytest.mark.parametrize("n_unlabeled", [0, 20_000])
def test_minibatches_that_follow_are_from_the_same_blocks(n_unlabeled):
    """But for the few rows of a rare class; and in another order in every epoch."""
    labels = np.r_[np.arange(40_000) % 4, [4] * 50, [-1] * n_unlabeled]
    sampler = BalancedMinibatchSampler(labels, 128)
    drawn = np.concatenate(list(sampler)).reshape(-1, 128)
    first = []
    for some in np.split(drawn, np.arange(32, len(drawn), 32)):
        common = some[labels[some] != 4]
        # 4,096 rows: 64 blocks of each kind, and those where two buffers meet
        assert len(np.unique(common // 64)) <= 64 * 2 * (1 + (n_unlabeled > 0))
        first.append(set(np.unique(common // 64)))
    again = np.stack(list(sampler))[:32]
    assert len(first[0] & set(np.unique(again // 64))) < len(first[0]) / 2
    # neighbours are mixed with others
    assert np.abs(np.diff(np.sort(drawn[0])[labels[np.sort(drawn[0])] != 4])).mean() > 100


def test_no_sample_at_all():
    with pytest.raises(ValueError, match="no sample to draw from"):
        BalancedMinibatchSampler(np.empty(0, dtype=np.int64), 8)


@pytest.mark.parametrize("n_processes", [2, 3])
@pytest.mark.parametrize("n_minibatches", [12, 13])
def test_several_processes_share_out_the_minibatches(monkeypatch, n_processes, n_minibatches):
    labels, seen = np.arange(8 * n_minibatches) % 4, dict.fromkeys("ab", np.arange(40))

    def drawn(turn, n):
        for module in (_sampler, _pairs):
            monkeypatch.setattr(module, "process_turn", lambda: (turn, n))
        torch.manual_seed(0)
        samplers = BalancedMinibatchSampler(labels, 8), PairSampler(seen, 8, n_minibatches)
        rows = [list(own) for own in samplers]
        assert [len(own) for own in rows] == [len(own) for own in samplers]
        return rows[0], [each["a"] for each in rows[1]]

    everyone, shares = drawn(0, 1), [drawn(turn, n_processes) for turn in range(n_processes)]
    for alone, *parts in zip(everyone, *shares, strict=True):
        # every process takes as many steps
        assert {len(part) for part in parts} == {-(-n_minibatches // n_processes)}
        together = np.stack([each for turn in zip(*parts, strict=True) for each in turn])
        assert spread(np.bincount(together.ravel())) <= 1
        if n_minibatches == 12:
            np.testing.assert_array_equal(together, alone)
