import pytest

from modis.train import validation_interval
from modis.train._schedule import learning_rate_factor


@pytest.mark.parametrize(
    ("steps", "epochs", "expected"), [(1, 400, 10), (4, 100, 3), (10, 100, 1), (1, 3, 3)]
)
def test_validation_interval(steps, epochs, expected):
    assert validation_interval(steps, epochs) == expected


@pytest.mark.parametrize(
    ("step", "n_steps", "factor"),
    [(0, 9, 1), (3, 9, 1), (6, 9, 0.5), (9, 9, 0), (10, 9, 0), (0, 1, 1), (50, float("inf"), 1)],
)
def test_learning_rate_falls_after_a_third(step, n_steps, factor):
    assert learning_rate_factor(step, n_steps) == pytest.approx(factor)
