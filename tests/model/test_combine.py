from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from modis.model._combine import combine_posteriors, combine_probabilities


def test_by_hand():
    # row 0 in both, row 1 in b only, row 2 in a only, row 3 in none
    posteriors = {
        "a": (np.array([[1.0, 0.0], [7.0, 8.0]]), np.array([[1.0, 2.0], [3.0, 4.0]])),
        "b": (np.array([[5.0, 3.0], [4.0, 2.0]]), np.array([[0.5, 2.0], [1.0, 1.0]])),
    }
    positions = {"a": np.array([2, 0]), "b": np.array([0, 1])}
    mean, scale = combine_posteriors(posteriors, positions, 4)
    # 1/9 * 7 + 4 * 5 over 1/9 + 4; 1/16 * 8 + 1/4 * 3 over 1/16 + 1/4
    expected = [[187 / 37, 4.0], [4.0, 2.0], [1.0, 0.0], [np.nan, np.nan]]
    np.testing.assert_allclose(mean, expected, rtol=1e-6)
    variance = [[9 / 37, 16 / 5], [1.0, 1.0], [1.0, 4.0], [np.nan, np.nan]]
    np.testing.assert_allclose(scale**2, variance, rtol=1e-6)
    assert mean.dtype == scale.dtype == np.float32
    assert mean.shape == scale.shape == (4, 2)


@pytest.mark.parametrize("n_copies", [2, 5])
def test_equal_posteriors_narrow_as_independent_ones(n_copies):
    mean, scale = np.array([[1.0, -2.0]]), np.array([[0.5, 2.0]])
    posteriors = {str(k): (mean, scale) for k in range(n_copies)}
    positions = {str(k): np.array([0]) for k in range(n_copies)}
    combined, narrowed = combine_posteriors(posteriors, positions, 1)
    np.testing.assert_allclose(combined, mean, rtol=1e-6)
    np.testing.assert_allclose(narrowed, scale / np.sqrt(n_copies), rtol=1e-6)


@given(
    arrays(float, (3, 4, 2), elements=st.floats(-5, 5)),
    arrays(float, (3, 4, 2), elements=st.floats(0.01, 20)),
)
def test_between_the_modalities_whatever_their_order(means, scales):
    positions = dict.fromkeys("abc", np.arange(4))
    posteriors = dict(zip("abc", zip(means, scales, strict=True), strict=True))
    mean, scale = combine_posteriors(posteriors, positions, 4)
    assert (mean >= means.min(axis=0) - 1e-4).all()
    assert (mean <= means.max(axis=0) + 1e-4).all()
    assert (scale <= scales.min(axis=0) * 1.0001).all()
    backwards, _ = combine_posteriors(dict(reversed(posteriors.items())), positions, 4)
    np.testing.assert_allclose(mean, backwards, rtol=1e-5, atol=1e-6)


def test_probabilities_by_hand():
    # row 0 in both, row 1 in b only, row 2 in a only, row 3 in none
    probabilities = {
        "a": np.array([[0.5, 0.5], [1.0, 0.0]]),
        "b": np.array([[0.2, 0.8], [0.3, 0.7]]),
    }
    positions = {"a": np.array([2, 0]), "b": np.array([0, 1])}
    combined = combine_probabilities(probabilities, positions, 4)
    # row 0: mean of logarithms times the root of 2; a zero counts as one in a million
    both = np.exp(np.sqrt(2) * np.log([[1.0, 1e-6], [0.2, 0.8]]).mean(axis=0))
    expected = [both / both.sum(), [0.3, 0.7], [0.5, 0.5], [np.nan, np.nan]]
    np.testing.assert_allclose(combined, expected, rtol=1e-6)


@pytest.mark.parametrize("n_modalities", [2, 4])
def test_between_dependent_and_independent_modalities(n_modalities):
    """Modalities that say the same add confidence, but less than independent ones would."""
    probability = np.array([[0.6, 0.4]])
    names = [str(k) for k in range(n_modalities)]
    combined = combine_probabilities(
        dict.fromkeys(names, probability), dict.fromkeys(names, np.array([0])), 1
    )
    odds = np.log(combined[0, 0] / combined[0, 1])
    assert odds == pytest.approx(np.sqrt(n_modalities) * np.log(1.5), rel=1e-4)


def test_one_that_cannot_tell_changes_no_class():
    probabilities = {"sure": np.array([[0.9, 0.1, 0.0]]), "unsure": np.full((1, 3), 1 / 3)}
    positions = dict.fromkeys(probabilities, np.array([0]))
    combined = combine_probabilities(probabilities, positions, 1)
    assert combined.argsort().tolist() == [[2, 1, 0]]
    np.testing.assert_allclose(combined.sum(), 1, rtol=1e-6)
