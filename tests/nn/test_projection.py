"""Principal components: those of scikit-learn, of centred samples, divided by one number."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from modis.nn import PrincipalComponents


def standardised(n=60, n_features=9, seed=0) -> np.ndarray:
    """Features that share a few directions, each of mean 0 and variance 1."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4)) * [5, 3, 2, 1] @ rng.normal(size=(4, n_features))
    x += 0.3 * rng.normal(size=x.shape)
    return ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)


def centred(x: np.ndarray) -> np.ndarray:
    """Samples less their own means."""
    return x - x.mean(axis=1, keepdims=True)


def fitted(x: np.ndarray, n_components: int) -> PrincipalComponents:
    projection = PrincipalComponents(x.shape[1], n_components)
    # a division by zero is no way to find a component
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        projection.fit(x)
    return projection


def scores(projection: PrincipalComponents, x: np.ndarray) -> np.ndarray:
    return projection(torch.from_numpy(x)).numpy()


@pytest.mark.parametrize("n_components", [1, 4, 8])
def test_scores_are_those_of_scikit_learn_up_to_sign_and_one_scale(n_components):
    x, new = standardised(), standardised(n=11, seed=1)
    projection = fitted(x, n_components)
    reference = PCA(n_components, svd_solver="full").fit(centred(x.astype(np.float64)))
    # the mean variance is 1, and the leading ones stay larger
    scale = np.sqrt(reference.explained_variance_.mean())
    sign = np.sign((scores(projection, x) * reference.transform(centred(x))).sum(axis=0))
    for rows in (x, new):
        expected = reference.transform(centred(rows)) / scale
        np.testing.assert_allclose(scores(projection, rows) * sign, expected, atol=2e-4)


@pytest.mark.parametrize("shift", [40.0, "by sample"])
def test_what_shifts_all_features_of_a_sample_has_no_part(shift):
    """Whatever the mean of the features: dropout may then put 0 in place of a score."""
    x, new = standardised(), standardised(n=20, seed=1)
    if shift == "by sample":
        shift = 4 * np.random.default_rng(1).normal(size=(60, 1)).astype(np.float32)
    plain, shifted = fitted(x, 3), fitted(x + shift, 3)
    found = scores(shifted, x + shift)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-4)
    for first, second in [
        (found, scores(plain, x)),
        (scores(plain, x + shift), scores(plain, x)),
        (scores(shifted, new), scores(shifted, new + 7)),
    ]:
        np.testing.assert_allclose(np.abs(first), np.abs(second), atol=1e-3)


@pytest.mark.parametrize("offset", [0.0, 0.1])
def test_features_that_are_all_alike_tell_nothing(offset):
    """Their differences are rounding, or none at all, which is no component."""
    x = np.repeat(standardised()[:, :1], 9, axis=1) * (offset > 0) + np.float32(offset)
    projection = fitted(x, 3)
    assert (projection.components == 0).all()
    assert (scores(projection, x) == 0).all()


@pytest.mark.parametrize("n", [1, 2, 5])
def test_fewer_samples_than_components(n):
    """So many samples differ in one direction fewer; the others say nothing, also of new data."""
    x = standardised(n=60)[:n]
    x = x - x.mean(axis=0)
    projection = fitted(x, 7)
    assert projection.components.shape == (7, 9)
    assert torch.isfinite(projection.components).all()
    found = scores(projection, standardised(n=20, seed=2))
    assert (np.abs(found[:, : n - 1]).max(axis=0) > 0.01).all()
    assert (found[:, n - 1 :] == 0).all()


def test_all_components_leave_out_the_one_that_is_the_mean_of_a_sample():
    projection = fitted(standardised(), 9)
    assert (projection.components[8] == 0).all()
    assert (projection.components[:8].abs().amax(dim=1) > 0.1).all()


def test_constant_features_have_no_part():
    x = standardised()
    x[:, [2, 5]] = 0
    projection = fitted(x, 3)
    np.testing.assert_allclose(projection.components[:, [2, 5]].numpy(), 0, atol=1e-6)
    without = fitted(np.delete(x, [2, 5], axis=1), 3)
    np.testing.assert_allclose(
        np.abs(scores(projection, x)),
        np.abs(scores(without, np.delete(x, [2, 5], axis=1))),
        atol=1e-3,
    )


@pytest.mark.parametrize("n_components", [0, 10])
def test_impossible_numbers_of_components(n_components):
    with pytest.raises(ValueError, match=f"n_components={n_components} must be from 1 to 9"):
        PrincipalComponents(9, n_components)


def test_it_travels_with_the_weights_and_does_not_learn():
    x = standardised()
    projection, other = fitted(x + 1, 4), PrincipalComponents(9, 4)
    assert repr(other) == "PrincipalComponents(9 features, 4 components)"
    # before it is fitted it keeps lengths
    torch.testing.assert_close(other.components @ other.components.T, torch.eye(4))
    other.load_state_dict(projection.state_dict())
    np.testing.assert_array_equal(scores(other, x), scores(projection, x))
    assert list(projection.parameters()) == []


def test_fitting_twice_gives_the_same():
    """Also where scikit-learn draws random vectors to find the components."""
    x = standardised(700, 600)
    first, second = fitted(x, 4), fitted(x, 4)
    assert torch.equal(first.components, second.components)
