"""The within-class limit, against a loop over classes and a known variance."""

from __future__ import annotations

import numpy as np
import pytest

from modis.metrics import mse, within_class_variance


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_agrees_with_a_loop_over_classes(rng):
    x, labels = rng.normal(size=(50, 3)), rng.choice(["a", "b", "c"], 50)
    squares = [
        (x[labels == name] - x[labels == name].mean(axis=0)) ** 2 for name in ("a", "b", "c")
    ]
    assert within_class_variance(x, labels) == pytest.approx(np.concatenate(squares).mean())


def test_is_the_error_of_predicting_reference_means(rng):
    means = {"a": [0.0, 5.0], "b": [1.0, -5.0]}
    reference_labels, labels = np.array(["b", "a", "b", "a"]), np.array(["a", "b", "a"])
    reference = np.array([means[name] for name in reference_labels]) + [[1], [1], [-1], [-1]]
    x = rng.normal(size=(3, 2))
    limit = within_class_variance(x, labels, reference, reference_labels)
    assert limit == pytest.approx(mse(x, [means[name] for name in labels]))


def test_recovers_the_noise_of_a_simulation(rng):
    labels = rng.integers(4, size=4000)
    x = 10.0 * labels[:, None] + rng.normal(0, 0.5, size=(4000, 20))
    assert within_class_variance(x, labels) == pytest.approx(0.25, rel=0.02)


def test_refuses():
    x = np.zeros((3, 2))
    with pytest.raises(ValueError, match="x has 3, labels has 2"):
        within_class_variance(x, ["a", "b"])
    with pytest.raises(TypeError, match="together"):
        within_class_variance(x, ["a", "b", "a"], x)
    with pytest.raises(ValueError, match=r"no sample of \['b'\]"):
        within_class_variance(x, ["a", "b", "a"], x, ["a", "a", "c"])
    with pytest.raises(ValueError, match="x has 2, x_reference has 1"):
        within_class_variance(x, ["a", "b", "a"], x[:, :1], ["a", "b", "c"])
