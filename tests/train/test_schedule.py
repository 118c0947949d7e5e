from __future__ import annotations

import pytest

from modis.train import batch_size_for, epochs_for, train_size_for, validation_interval
from modis.train._schedule import learning_rate_factor


@pytest.mark.parametrize(
    ("n_obs", "wanted", "norm", "expected"),
    [
        (10, None, "batch", 64),
        (10_000, None, "batch", 64),
        (10_001, None, "batch", 256),
        (10_001, 7, "batch", 7),
        (10, 1, "layer", 1),
        (10, 1, None, 1),
    ],
)
def test_batch_size(n_obs, wanted, norm, expected):
    assert batch_size_for(n_obs, wanted, norm) == expected


@pytest.mark.parametrize(("wanted", "norm"), [(0, "batch"), (-1, None), (1, "batch")])
def test_batch_sizes_that_cannot_train(wanted, norm):
    with pytest.raises(ValueError, match=f"batch_size={wanted}"):
        batch_size_for(10, wanted, norm)


@pytest.mark.parametrize(
    ("steps", "wanted", "expected"),
    [(1, None, 400), (10, None, 60), (48, None, 13), (1000, None, 10), (3, 5, 5)],
)
def test_epochs(steps, wanted, expected):
    assert epochs_for(steps, wanted) == expected


def test_no_epoch_is_refused():
    with pytest.raises(ValueError, match="max_epochs=0"):
        epochs_for(3, 0)


@pytest.mark.parametrize(
    ("steps", "epochs", "expected"),
    [(1, 400, 10), (4, 100, 3), (10, 100, 1), (99, 5, 1), (1, 3, 3)],
)
def test_validation_interval(steps, epochs, expected):
    assert validation_interval(steps, epochs) == expected


@pytest.mark.parametrize(
    ("step", "n_steps", "factor"),
    [(0, 9, 1), (3, 9, 1), (6, 9, 0.5), (9, 9, 0), (10, 9, 0), (0, 1, 1), (50, float("inf"), 1)],
)
def test_learning_rate_falls_after_a_third(step, n_steps, factor):
    assert learning_rate_factor(step, n_steps) == pytest.approx(factor)


@pytest.mark.parametrize(
    ("n_layers", "wanted", "share"), [(1, None, 0.9), (0, None, 1.0), (0, 0.8, 0.8), (2, 1.0, 1.0)]
)
def test_linear_encoders_train_on_all_samples(n_layers, wanted, share):
    assert train_size_for(n_layers, wanted) == share
