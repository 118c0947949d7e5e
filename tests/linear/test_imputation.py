import numpy as np
import pytest
from sklearn.decomposition import FactorAnalysis

from modis.linear import fit_imputation


def _low_rank(rng, n=300, p=40, k=3, noise=0.3):
    loadings = rng.normal(size=(k, p))
    return rng.normal(size=(n, k)) @ loadings + noise * rng.normal(size=(n, p)) + np.arange(p)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.4])
def test_missing_values_get_their_expectation(rng, share):
    x = _low_rank(rng)
    train = np.where(rng.random((200, 40)) < share, np.nan, x[:200])
    fill = fit_imputation(train)
    missing = rng.random((100, 40)) < 0.3
    filled = fill(np.where(missing, np.nan, x[200:]))
    np.testing.assert_array_equal(filled[~missing], x[200:][~missing])
    error = np.square(filled - x[200:])[missing].mean()
    # what no method can know is the noise, 0.09; the mean leaves 3.09
    assert 0.09 < error < 0.16


def test_expectation_is_that_of_the_gaussian(rng):
    x = _low_rank(rng, n=4000, p=6, k=2, noise=0.5)
    fill = fit_imputation(x)
    covariance = FactorAnalysis(2).fit((x - x.mean(0)) / x.std(0)).get_covariance()
    row = (x[:1] - x.mean(0)) / x.std(0)
    expected = covariance[0, 1:] @ np.linalg.solve(covariance[1:, 1:], row[0, 1:])
    found = fill(np.concatenate([[[np.nan]], x[:1, 1:]], axis=1))[0, 0]
    assert found == pytest.approx(expected * x.std(0)[0] + x.mean(0)[0], abs=0.1)


def test_noise_is_filled_with_the_mean_and_nothing_leaves_the_range(rng):
    fill = fit_imputation(rng.normal(size=(60, 30)))
    assert len(fill.loadings) == 0
    np.testing.assert_allclose(fill(np.full((1, 30), np.nan))[0], fill.location)
    x = rng.random((50, 8)).astype(np.float32)
    x[:, 3], x[:, 5] = 2, np.nan
    x[:10, 0] = np.nan
    filled = fit_imputation(x)(x * np.where(np.arange(8) == 1, 1e6, 1))
    assert np.isfinite(filled).all()
    assert (filled[:10, 0] <= np.nanmax(x[:, 0])).all()
    assert (filled[:, 5] == 0).all()
