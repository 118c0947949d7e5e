"""Which rows make a minibatch: full, balanced, even, deterministic."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modis.dataloaders import BalancedMinibatchSampler

LABELS = st.lists(st.integers(-1, 4), min_size=1, max_size=60).map(np.array)


def epoch(labels, batch_size, **kwargs) -> np.ndarray:
    """Row positions, one minibatch per row."""
    return np.stack(list(BalancedMinibatchSampler(np.asarray(labels), batch_size, **kwargs)))


def spread(counts) -> int:
    return int(np.max(counts) - np.min(counts))


@given(labels=LABELS, batch_size=st.integers(1, 40), balance=st.booleans())
def test_every_minibatch_is_full(labels, batch_size, balance):
    sampler = BalancedMinibatchSampler(labels, batch_size, balance=balance)
    batches = list(sampler)
    assert len(batches) == len(sampler) == int(np.ceil(len(labels) / batch_size))
    assert all(batch.shape == (batch_size,) for batch in batches)
    rows = np.concatenate(batches)
    assert rows.dtype.kind == "i"
    assert rows.min() >= 0
    assert rows.max() < len(labels)


@given(labels=LABELS, batch_size=st.integers(1, 40))
def test_classes_are_equally_frequent(labels, batch_size):
    drawn = labels[epoch(labels, batch_size).ravel()]
    known = np.unique(labels[labels >= 0])
    if len(known):
        assert spread([np.sum(drawn == code) for code in known]) <= 1


@given(labels=LABELS, batch_size=st.integers(1, 40), balance=st.booleans())
def test_rows_of_a_class_are_used_evenly(labels, batch_size, balance):
    uses = np.bincount(epoch(labels, batch_size, balance=balance).ravel(), minlength=len(labels))
    groups = np.unique(labels) if balance else [None]
    for code in groups:
        members = np.full(len(labels), True) if code is None else labels == code
        assert spread(uses[members]) <= 1


@given(
    labels=LABELS,
    batch_size=st.integers(2, 40),
    min_labeled=st.sampled_from([0.0, 0.25, 0.5, 0.9]),
)
def test_labelled_share_of_every_minibatch(labels, batch_size, min_labeled):
    batches = epoch(labels, batch_size, min_labeled=min_labeled)
    n_labeled = (labels[batches] >= 0).sum(axis=1)
    share = np.mean(labels >= 0)
    if share in {0, 1}:
        assert (n_labeled == share * batch_size).all()
    else:
        # to the nearest row, and at least one row of either kind
        assert spread(n_labeled) == 0
        wanted = max(share, min_labeled) * batch_size
        assert abs(np.clip(wanted, 1, batch_size - 1) - n_labeled[0]) <= 0.5
        assert 1 <= n_labeled[0] <= batch_size - 1


def test_classes_are_spread_over_the_minibatches():
    labels = np.repeat([0, 1, 2], [200, 30, 2])
    drawn = labels[epoch(labels, 12)]
    for code in range(3):
        assert spread((drawn == code).sum(axis=1)) <= 4
        assert ((drawn == code).sum(axis=1) > 0).all()


def test_the_odd_row_goes_to_any_class():
    labels = np.array([0, 1, 2])
    sampler = BalancedMinibatchSampler(labels, 4)
    twice = [np.bincount(labels[next(iter(sampler))]).argmax() for _ in range(40)]
    assert set(twice) == {0, 1, 2}


@pytest.mark.parametrize("balance", [True, False])
@pytest.mark.parametrize("labels", [[0, 1, 1, -1, 0], [0], [-1]])
def test_a_cohort_smaller_than_a_minibatch_is_repeated(labels, balance):
    rows = epoch(labels, 32, balance=balance)
    assert rows.shape == (1, 32)
    assert set(rows[0]) == set(range(len(labels)))


def test_a_rare_class_counts_as_much_as_the_others():
    labels = np.array([0] * 97 + [1] * 3)
    drawn = labels[epoch(labels, 20).ravel()]
    assert np.bincount(drawn).tolist() == [50, 50]


@pytest.mark.parametrize(
    ("labels", "balance"), [([0] * 97 + [1] * 3 + [-1] * 20, False), ([-1] * 120, True)]
)
def test_unbalanced_or_without_labels_is_every_row_once(labels, balance):
    assert sorted(epoch(labels, 20, balance=balance).ravel()) == list(range(120))


# weights


@given(
    labels=LABELS,
    batch_size=st.integers(2, 40),
    min_labeled=st.sampled_from([0.0, 0.25, 0.5, 0.9]),
)
def test_weights_give_labelled_and_unlabelled_their_share_of_the_data(
    labels, batch_size, min_labeled
):
    sampler = BalancedMinibatchSampler(labels, batch_size, min_labeled=min_labeled)
    assert sampler.row_weights.dtype == np.float32
    assert sampler.row_weights.shape == labels.shape
    assert (sampler.row_weights > 0).all()
    for batch in sampler:
        weights, labeled = sampler.row_weights[batch], labels[batch] >= 0
        assert np.average(labeled, weights=weights) == pytest.approx(np.mean(labels >= 0))
        # a weighted sum over the rows is on the scale of a plain one
        assert weights.sum() == pytest.approx(batch_size, rel=1e-5)


@pytest.mark.parametrize("min_labeled", [0.0, 0.25, 0.8])
def test_weighted_means_over_minibatches_are_means_over_the_data(min_labeled):
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat([-1, 0, 1, 2], [104, 8, 8, 8]))
    values = rng.normal(size=128) + 3 * (labels < 0)
    sampler = BalancedMinibatchSampler(labels, 16, min_labeled=min_labeled)
    estimates = [
        np.average(values[batch], weights=sampler.row_weights[batch])
        for _ in range(300)
        for batch in sampler
    ]
    error = np.std(estimates) / np.sqrt(len(estimates))
    assert np.mean(estimates) == pytest.approx(values.mean(), abs=4 * error)
    # without the weights the labelled samples would count too much
    plain = np.mean([values[batch].mean() for _ in range(20) for batch in sampler])
    if min_labeled:
        assert plain < values.mean() - 0.1


@pytest.mark.parametrize(
    ("labels", "balance"), [([0, 1, 1, 2], True), ([-1] * 5, True), ([0, -1, -1, -1, 1], False)]
)
def test_weights_are_one_where_rows_are_drawn_as_they_are(labels, balance):
    sampler = BalancedMinibatchSampler(np.array(labels), 4, balance=balance)
    assert sampler.row_weights.tolist() == [1] * len(labels)


@given(labels=LABELS, batch_size=st.integers(8, 40), n_more=st.integers(0, 3))
def test_a_class_has_the_share_that_it_has_where_no_class_is_lacking(labels, batch_size, n_more):
    """Of those rows that are labelled; the weights of the others are as they were."""
    n_own = len(np.unique(labels[labels >= 0]))
    plain = BalancedMinibatchSampler(labels, batch_size).row_weights
    lacking = BalancedMinibatchSampler(labels, batch_size, n_classes=n_own + n_more).row_weights
    factor = n_own / max(n_own + n_more, 1)
    np.testing.assert_array_equal(lacking[labels < 0], plain[labels < 0])
    np.testing.assert_allclose(lacking[labels >= 0], factor * plain[labels >= 0], rtol=1e-6)
    if not n_more:
        np.testing.assert_array_equal(lacking, plain)


def test_undoing_the_balance_gives_every_class_its_share():
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    sampler = BalancedMinibatchSampler(labels, 30, undo_balance=True)
    drawn = np.concatenate(list(sampler))
    shares = np.bincount(labels[drawn], weights=sampler.row_weights[drawn]) / len(drawn)
    np.testing.assert_allclose(shares, [0.6, 0.3, 0.1], atol=0.02)


def test_the_global_generator_decides_anew_for_every_epoch():
    labels = np.random.default_rng(0).integers(-1, 3, 50)
    torch.manual_seed(1)
    first, second = epoch(labels, 16), epoch(labels, 16)
    torch.manual_seed(1)
    assert np.array_equal(epoch(labels, 16), first)
    assert not np.array_equal(first, second)


def test_no_sample_at_all():
    with pytest.raises(ValueError, match="no sample to draw from"):
        BalancedMinibatchSampler(np.empty(0, dtype=np.int64), 8)
