from __future__ import annotations

import numpy as np
import pytest

from modis.datasets._reference import OmicsNoise
from modis.datasets._reference_synthetic import synthetic_reference

OMICS = ("methylation", "expression", "protein")


@pytest.fixture(scope="module")
def reference():
    return synthetic_reference()


@pytest.mark.parametrize("name", OMICS)
def test_covariances_are_proper_and_have_strong_factors(reference, name):
    covariance = getattr(reference, f"noise_{name}").covariance
    eigenvalues = np.linalg.eigvalsh(covariance)[::-1]
    assert eigenvalues[-1] > 0
    share = eigenvalues[0] / eigenvalues.sum()
    assert (0.3 < share < 0.5) if name == "methylation" else (0.06 < share < 0.25)
    assert eigenvalues[:6].sum() > 0.3 * eigenvalues.sum()


def test_correlations_between_omics_are_realistic(reference):
    assert -0.9 <= reference.rho_methylation_expression.min()
    assert -0.2 < np.median(reference.rho_methylation_expression) < 0
    assert 0.2 < np.median(reference.rho_expression_protein) < 0.5
    assert reference.rho_expression_protein.max() <= 0.85


def test_means_of_genes_follow_their_cpgs(reference):
    for gene in (0, 60, 130):
        own = reference.mean_methylation[reference.cpg_gene == gene]
        assert reference.mean_methylation_of_gene[gene] == pytest.approx(own.mean())
    np.testing.assert_array_equal(
        reference.mean_expression_of_protein, reference.mean_expression[reference.protein_gene]
    )


def test_baselines_mix_upstream_and_own_mean(reference):
    rho = reference.rho_methylation_expression[7]
    expected = (
        rho * reference.mean_methylation_of_gene[7]
        + (1 - rho**2) ** 0.5 * reference.mean_expression[7]
    )
    assert reference.baseline_expression[7] == pytest.approx(expected)


def test_the_size_of_one_omics_does_not_move_another(reference):
    other = synthetic_reference({"protein": 12, "expression": 40})
    np.testing.assert_array_equal(other.mean_methylation, reference.mean_methylation)
    np.testing.assert_array_equal(
        other.noise_methylation.loadings, reference.noise_methylation.loadings
    )


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
