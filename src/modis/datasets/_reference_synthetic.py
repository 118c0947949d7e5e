from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ._reference import OmicsNoise, Reference

DEFAULT_N_FEATURES = {"methylation": 367, "expression": 131, "protein": 160}

# Part of the reference itself: another value would be another reference.
_SEED = 20160107

# Share of the variance that each common factor carries. Tumours differ by purity and cell types,
# which moves all of methylation together; in expression and protein no factor rules alone.
_FACTOR_SHARES = {
    "methylation": (0.40, 0.06, 0.04, 0.04, 0.03, 0.03),
    "expression": (0.09, 0.08, 0.06, 0.05, 0.04, 0.04),
    "protein": (0.14, 0.09, 0.07, 0.06, 0.05, 0.04),
}
# Median, and spread in log units, of the features' variances.
_VARIANCES = {"methylation": (0.5, 0.6), "expression": (0.5, 0.65), "protein": (0.14, 0.9)}


def synthetic_reference(n_features: Mapping[str, int] | None = None) -> Reference:
    """Parameters of the InterSIM model made up to look like those of a tumour cohort.

    The same sizes always give the same parameters, and the size of one omics does not change the
    noise and the own means of another.
    """
    sizes = DEFAULT_N_FEATURES | dict(n_features or {})
    unknown = sorted(set(sizes) - set(DEFAULT_N_FEATURES))
    if unknown:
        raise ValueError(
            f"n_features names {unknown[0]!r}; the simulated omics are {list(DEFAULT_N_FEATURES)}."
        )
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"n_features[{name!r}] must be at least 1, found {size}.")
    n_cpgs, n_genes, n_proteins = (sizes[name] for name in DEFAULT_N_FEATURES)

    rng_methylation, rng_expression, rng_protein = (
        np.random.default_rng([_SEED, part]) for part in range(3)
    )
    mean_methylation = _bimodal(n_cpgs, rng_methylation)
    mean_expression = rng_expression.normal(-0.2, 1.0, n_genes)
    mean_protein = rng_protein.normal(0.02, 0.08, n_proteins)
    noise = {
        name: _factor_noise(name, sizes[name], rng)
        for name, rng in zip(
            DEFAULT_N_FEATURES, (rng_methylation, rng_expression, rng_protein), strict=True
        )
    }
    cpg_gene = _genes_of(n_cpgs, n_genes, rng_methylation)
    protein_gene = _genes_of(n_proteins, n_genes, rng_protein)
    # Methylation of its CpGs silences a gene, weakly in most; transcript and protein levels agree.
    rho_methylation = np.clip(rng_expression.normal(-0.09, 0.13, n_genes), -0.9, 0.25)
    rho_protein = np.clip(rng_protein.normal(0.34, 0.25, n_proteins), -0.2, 0.85)

    return Reference(
        cpgs=_numbered("cpg", n_cpgs),
        genes=_numbered("gene", n_genes),
        proteins=_numbered("protein", n_proteins),
        cpg_gene=cpg_gene,
        protein_gene=protein_gene,
        mean_methylation=mean_methylation,
        mean_methylation_of_gene=_mean_by_gene(mean_methylation, cpg_gene, n_genes),
        mean_expression=mean_expression,
        mean_expression_of_protein=mean_expression[protein_gene],
        mean_protein=mean_protein,
        rho_methylation_expression=rho_methylation,
        rho_expression_protein=rho_protein,
        noise_methylation=noise["methylation"],
        noise_expression=noise["expression"],
        noise_protein=noise["protein"],
    )


def _bimodal(size: int, rng: np.random.Generator) -> np.ndarray:
    # Promoter CpGs are unmethylated (beta near 0.04), others mostly methylated (near 0.8).
    modes = rng.choice(3, size=size, p=(0.62, 0.14, 0.24))
    return rng.normal(np.array([-3.2, -0.8, 1.3])[modes], np.array([0.6, 0.6, 0.7])[modes])


def _factor_noise(name: str, size: int, rng: np.random.Generator) -> OmicsNoise:
    median, spread = _VARIANCES[name]
    variance = median * np.exp(spread * rng.standard_normal(size))
    shares = np.array(_FACTOR_SHARES[name])
    # Each feature has its own mixture of factors; on average they carry the shares above.
    weights = rng.gamma(2.0, shares / 2.0, size=(size, len(shares)))
    common = weights.sum(axis=1, keepdims=True)
    weights *= np.minimum(1.0, 0.95 / common)
    signs = rng.choice((-1.0, 1.0), size=weights.shape)
    if name == "methylation":
        signs[:, 0] = 1.0
    loadings = signs * np.sqrt(weights * variance[:, None])
    return OmicsNoise(loadings, np.sqrt(variance * (1 - weights.sum(axis=1))))


def _genes_of(n_features: int, n_genes: int, rng: np.random.Generator) -> np.ndarray:
    # Every gene gets a feature as far as they go; the others crowd on few genes, as CpGs do.
    first = rng.permutation(n_genes)[: min(n_features, n_genes)]
    popularity = rng.gamma(0.7, size=n_genes) + 1e-6
    others = rng.choice(n_genes, size=n_features - len(first), p=popularity / popularity.sum())
    return np.sort(np.concatenate([first, others]))


def _mean_by_gene(values: np.ndarray, gene: np.ndarray, n_genes: int) -> np.ndarray:
    counts = np.bincount(gene, minlength=n_genes)
    sums = np.bincount(gene, weights=values, minlength=n_genes)
    # A gene without a CpG is taken as average.
    return np.where(counts > 0, sums / np.maximum(counts, 1), values.mean())


def _numbered(stem: str, size: int) -> list[str]:
    width = max(3, len(str(size)))
    return [f"{stem}_{number:0{width}d}" for number in range(1, size + 1)]
