from collections.abc import Mapping

import numpy as np

from ._reference import Omics, OmicsNoise, mix

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


def synthetic_reference(n_features: Mapping[str, int] | None = None) -> dict[str, Omics]:
    """Parameters of the InterSIM model made up to look like those of a tumour cohort.

    The same sizes always give the same parameters, and the size of one modality does not change
    the noise and the own means of another.
    """
    sizes = DEFAULT_N_FEATURES | dict(n_features or {})
    for name, size in sizes.items():
        if name not in DEFAULT_N_FEATURES:
            raise ValueError(
                f"n_features names {name!r}; the modalities are {list(DEFAULT_N_FEATURES)}."
            )
        if size < 1:
            raise ValueError(f"n_features[{name!r}] must be at least 1, found {size}.")
    n_cpgs, n_genes, n_proteins = sizes.values()

    rng = np.random.default_rng([_SEED, 0])
    # Promoter CpGs are unmethylated (beta near 0.04), others mostly methylated (near 0.8).
    modes = rng.choice(3, size=n_cpgs, p=(0.62, 0.14, 0.24))
    mean_cpg = rng.normal(np.array([-3.2, -0.8, 1.3])[modes], np.array([0.6, 0.6, 0.7])[modes])
    noise = _factor_noise("methylation", n_cpgs, rng)
    cpg_gene = _genes_of(n_cpgs, n_genes, rng)
    methylation = Omics(_numbered("cpg", n_cpgs), mean_cpg, noise, cpg_gene)

    rng = np.random.default_rng([_SEED, 1])
    mean_gene = rng.normal(-0.2, 1.0, n_genes)
    noise = _factor_noise("expression", n_genes, rng)
    # Methylation of its CpGs silences a gene, weakly in most; a gene without a CpG is average.
    rho = np.clip(rng.normal(-0.09, 0.13, n_genes), -0.9, 0.25)
    counts = np.bincount(cpg_gene, minlength=n_genes)
    sums = np.bincount(cpg_gene, weights=mean_cpg, minlength=n_genes)
    upstream = np.where(counts > 0, sums / np.maximum(counts, 1), mean_cpg.mean())
    baseline = mix(rho, upstream, mean_gene)
    expression = Omics(_numbered("gene", n_genes), baseline, noise, np.arange(n_genes))

    rng = np.random.default_rng([_SEED, 2])
    mean_protein = rng.normal(0.02, 0.08, n_proteins)
    noise = _factor_noise("protein", n_proteins, rng)
    protein_gene = _genes_of(n_proteins, n_genes, rng)
    # Levels of transcript and protein agree.
    rho = np.clip(rng.normal(0.34, 0.25, n_proteins), -0.2, 0.85)
    baseline = mix(rho, mean_gene[protein_gene], mean_protein)
    protein = Omics(_numbered("protein", n_proteins), baseline, noise, protein_gene)
    return {"methylation": methylation, "expression": expression, "protein": protein}


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


def _numbered(stem: str, size: int) -> list[str]:
    width = max(3, len(str(size)))
    return [f"{stem}_{number:0{width}d}" for number in range(1, size + 1)]
