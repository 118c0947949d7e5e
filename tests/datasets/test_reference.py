import numpy as np
import pytest

from modis.datasets._reference import OmicsNoise
from modis.datasets._reference_synthetic import synthetic_reference

OMICS = ("methylation", "expression", "protein")


@pytest.fixture(scope="module")
def reference():
    return synthetic_reference()


def test_the_synthetic_reference_is_fixed(reference):
    # Another value here is another reference, and every published figure with it would change.
    baselines = [reference[name].baseline.sum() for name in OMICS]
    np.testing.assert_allclose(baselines, [-608.514362, -1.958553, -5.365539], rtol=1e-6)
    variances = [np.trace(reference[name].noise.covariance) for name in OMICS]
    np.testing.assert_allclose(variances, [213.913690, 84.033976, 32.332129], rtol=1e-6)
    genes = [reference[name].gene @ np.arange(len(reference[name].gene)) for name in OMICS]
    assert genes == [5651269, 740805, 1119194]


def test_the_size_of_one_modality_does_not_move_another(reference):
    other = synthetic_reference({"protein": 12, "expression": 40})
    found, expected = other["methylation"], reference["methylation"]
    np.testing.assert_array_equal(found.baseline, expected.baseline)
    np.testing.assert_array_equal(found.noise.loadings, expected.noise.loadings)


@pytest.mark.parametrize("kind", ["factors", "full"])
def test_noise_has_its_covariance(kind):
    rng = np.random.default_rng(0)
    noise = OmicsNoise(rng.normal(size=(4, 2)), np.array([0.5, 1.0, 0.2, 0.8]))
    if kind == "full":
        noise = OmicsNoise.from_covariance(noise.covariance)
    sample = noise.sample(20_000, rng)
    whitened = np.linalg.solve(np.linalg.cholesky(noise.covariance), sample.T)
    # Entries of a Wishart matrix around the identity, five standard errors.
    np.testing.assert_allclose(np.cov(whitened), np.eye(4), atol=5 * np.sqrt(2 / 20_000))
