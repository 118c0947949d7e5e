import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modis.nn import SCALINGS, FeatureScaler


def features(n=80):
    """Features of very different location and spread."""
    rng = np.random.default_rng(2)
    return (rng.normal(size=(n, 4)) * [1, 1e-3, 200, 5] + [0, 0.5, 1e3, -7]).astype(np.float32)


def fitted(scaling, *chunks):
    scaler = FeatureScaler(chunks[0].shape[1], scaling)
    scaler.fit(iter(chunks))
    return scaler


@given(
    scaling=st.sampled_from(SCALINGS),
    cuts=st.lists(st.integers(1, 79), max_size=6, unique=True).map(sorted),
)
def test_fit_in_pieces_is_the_fit_of_the_whole(scaling, cuts):
    x = features()
    whole, pieces = fitted(scaling, x), fitted(scaling, *np.split(x, cuts))
    torch.testing.assert_close(pieces.location, whole.location, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(pieces.scale, whole.scale, rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(pieces.center, whole.center, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(pieces.spread, whole.spread, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("level", [0.0, 3.5, -1e4])
def test_scaling_back_and_features_that_are_constant(scaling, level):
    x = features()
    x[:, 1] = level
    scaler = fitted(scaling, x)
    scaled = scaler(torch.from_numpy(x))
    np.testing.assert_allclose(scaler.inverse(scaled).numpy(), x, rtol=1e-5, atol=1e-4)
    assert (scaled[:, 1] == (level if scaling == "none" else 0)).all()
    assert (scaler.standardize(scaled)[:, 1] == 0).all()
    assert torch.isfinite(scaler.standardize(scaler(torch.from_numpy(x + 1)))).all()


@pytest.mark.parametrize("scaling", SCALINGS)
def test_standardize_gives_z_scores_whatever_the_scaling(scaling):
    x, new = features(), features(7) * 1.2
    scaler, wide = fitted(scaling, x), x.astype(np.float64)
    # what was learnt travels with the weights
    other = FeatureScaler(4, scaling)
    other.load_state_dict(scaler.state_dict())
    assert list(other.parameters()) == []
    for rows in (x, new):
        standard = other.standardize(other(torch.from_numpy(rows))).numpy()
        expected = (rows - wide.mean(axis=0)) / wide.std(axis=0)
        if scaling == "standard":
            expected = expected.clip(-10, 10)
        np.testing.assert_allclose(standard, expected, rtol=1e-4, atol=2e-3)


def test_outliers_are_clipped_in_units_of_spread():
    x = features()
    scaler = fitted("standard", x)
    far = torch.from_numpy(x.mean(axis=0) + 50 * x.std(axis=0) * np.float32([1, -1, 1, -1]))
    assert scaler(far[None]).tolist() == [[10, -10, 10, -10]]
    assert FeatureScaler(1, max_value=2)(torch.tensor([[9.0]])).item() == 2


@pytest.mark.parametrize("scaling", SCALINGS)
def test_without_a_fit_it_is_the_identity(scaling):
    x = torch.linspace(-3, 3, 8).reshape(2, 4)
    scaler = FeatureScaler(4, scaling)
    assert torch.equal(scaler(x), x)
    assert torch.equal(scaler.standardize(x), x)
