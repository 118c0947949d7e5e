import numpy as np
import pytest
from sklearn.linear_model import Ridge

from modis.linear import class_means, fit_ridge
from modis.linear._translation import chosen_rows


def left_out(x, y, penalty):
    """Errors of each row by a regression on the others; the mean with an infinite penalty."""
    errors = []
    for row in range(len(x)):
        rest = np.delete(np.arange(len(x)), row)
        if np.isinf(penalty):
            errors.append(y[row] - y[rest].mean(axis=0))
        else:
            model = Ridge(penalty).fit(x[rest], y[rest])
            errors.append(y[row] - model.predict(x[[row]])[0])
    return np.array(errors)


@pytest.mark.parametrize(("n_features", "signal"), [(4, 1.0), (30, 1.0), (4, 0.0), (30, 0.0)])
def test_ridge_is_that_of_the_least_error_left_out(rng, n_features, signal):
    x, noise = 5 + rng.normal(size=(14, n_features)), rng.normal(size=(14, 3))
    y = 2 + signal * x @ rng.normal(size=(n_features, 3)) + noise
    unit = np.square(x - x.mean(axis=0)).sum() / 14
    tried = {}
    for penalty in [np.inf, *(unit * 10 ** np.arange(-3.0, 3.1, 0.25))]:
        errors = left_out(x, y, penalty)
        tried[np.square(errors).sum()] = penalty, errors
    penalty, expected = tried[min(tried)]
    coefficients, intercept, errors = fit_ridge(x, y)
    np.testing.assert_allclose(errors, expected[chosen_rows(14)], rtol=1e-5, atol=1e-7)
    # of rows that tell nothing of each other the mean is all there is
    assert np.isinf(penalty) or signal
    model = Ridge(min(penalty, 1e12)).fit(x, y)
    np.testing.assert_allclose(coefficients, model.coef_.T, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(intercept, model.intercept_, rtol=1e-5, atol=1e-7)


def test_class_means_by_hand():
    """Of labels and of probabilities; the overall mean of a class without any."""
    y, members = np.array([[1.0], [3.0], [8.0]]), np.array([[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0]])
    np.testing.assert_allclose(class_means(members, y), [[2.5 / 1.5], [9.5 / 1.5], [4.0]])
