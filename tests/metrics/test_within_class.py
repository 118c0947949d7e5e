import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import mean_squared_error

from modis.metrics import within_class_variance


def test_agrees_with_a_loop_over_classes(rng):
    x, labels = rng.normal(size=(50, 3)), rng.choice(["a", "b", "c"], 50)
    squares = [(x[labels == k] - x[labels == k].mean(axis=0)) ** 2 for k in ("a", "b", "c")]
    expected = pytest.approx(np.concatenate(squares).mean())
    assert within_class_variance(x, labels) == expected
    assert within_class_variance(sparse.csr_matrix(x), labels) == expected
    as_bool = labels != "a"
    assert within_class_variance(x, as_bool) == within_class_variance(x, as_bool.astype(str))


def test_is_the_error_of_predicting_reference_means(rng):
    means = {"a": [0.0, 5.0], "b": [1.0, -5.0]}
    reference_labels, labels = np.array(["b", "a", "b", "a"]), np.array(["a", "b", "a"])
    reference = np.array([means[name] for name in reference_labels]) + [[1], [1], [-1], [-1]]
    x = rng.normal(size=(3, 2))
    limit = within_class_variance(x, labels, reference, reference_labels)
    assert limit == pytest.approx(mean_squared_error(x, [means[name] for name in labels]))


def test_refuses():
    x = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[3, 2\]"):
        within_class_variance(x, ["a", "b"])
    with pytest.raises(TypeError, match="together"):
        within_class_variance(x, ["a", "b", "a"], x)
    with pytest.raises(ValueError, match=r"no sample of \['b'\]"):
        within_class_variance(x, ["a", "b", "a"], x, ["a", "a", "c"])
    with pytest.raises(ValueError, match="different number of output"):
        within_class_variance(x, ["a", "b", "a"], x[:, :1], ["a", "b", "c"])
