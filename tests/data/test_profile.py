import numpy as np
import pytest

from modis.data import STATISTICS, fit_profile


def _counts(rng, n):
    rate = np.random.default_rng(1).gamma(0.5, 4, 300)
    return rng.poisson(rate * rng.uniform(0.7, 1.4, (n, 1))).astype(float)


def _lognorm(x):
    return np.log1p(1e4 * x / x.sum(axis=1, keepdims=True))


def test_samples_like_those_of_the_training_are_usual(rng):
    profile = fit_profile(_lognorm(_counts(rng, 200)))
    outside, found = profile.outside(_lognorm(_counts(rng, 100)))
    assert outside.mean() < 0.01
    assert found.shape == (100, len(STATISTICS))


@pytest.mark.parametrize(
    ("train", "new", "advice"),
    [
        (_lognorm, lambda x: x, "counts per 10,000, then log1p"),
        (_lognorm, lambda x: 1e4 * x / x.sum(axis=1, keepdims=True), "log1p(x)"),
        (lambda x: np.log2(x + 1), lambda x: x, "log2(x + 1)"),
        (lambda x: x / 100, lambda x: x, "x / 100"),
        (lambda x: x, np.log1p, "expm1(x)"),
        (_lognorm, np.zeros_like, None),
        (_lognorm, lambda x: _lognorm(x)[:, ::-1], None),
    ],
)
def test_what_would_make_samples_usual(rng, train, new, advice):
    profile = fit_profile(train(_counts(rng, 200)))
    x = new(_counts(rng, 50))
    assert profile.outside(x)[0].any(axis=1).all()
    assert profile.advice(x) == advice
