from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.linalg import cholesky

from ._rda import read_rda
from ._sources import fetch_sources

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

_NAMES = (
    *("CpG.gene.map.for.DEG", "protein.gene.map.for.DEP", "methyl.gene.level.mean"),
    *("cov.M", "cov.expr", "cov.protein", "mean.M", "mean.expr", "mean.protein"),
    *("rho.expr.protein", "rho.methyl.expr"),
)


class Omics(NamedTuple):
    """One modality of the InterSIM model; methylation as M-values (log odds of the beta value).

    `baseline` are the means where no feature is differential, `gene` the position of each
    feature's gene in expression. Noise has the covariance `loadings @ loadings.T + diag(unique_sd
    ** 2)`.
    """

    features: list[str]
    baseline: np.ndarray
    gene: np.ndarray
    loadings: np.ndarray
    unique_sd: np.ndarray

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of the noise, `(n_features, n_features)`."""
        return self.loadings @ self.loadings.T + np.diag(self.unique_sd**2)

    def noise(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        """Draw `(n_samples, n_features)`."""
        noise = rng.standard_normal((n_samples, self.loadings.shape[1])) @ self.loadings.T
        if self.unique_sd.any():
            noise += rng.standard_normal(noise.shape) * self.unique_sd
        return noise


def mix(rho: np.ndarray, upstream: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Means that correlate by `rho` with those of the modality upstream."""
    return rho * upstream + np.sqrt(1 - rho**2) * own


def feature_links(reference: dict[str, Omics]) -> pd.DataFrame:
    """One row per CpG and protein with its gene, by name."""
    genes = np.asarray(reference["expression"].features, dtype=object)
    links = [
        pd.DataFrame(
            {
                "source_modality": name,
                "source_feature": reference[name].features,
                "target_modality": "expression",
                "target_feature": genes[reference[name].gene],
            }
        )
        for name in ("methylation", "protein")
    ]
    return pd.concat(links, ignore_index=True)


def synthetic_reference(n_features: Mapping[str, int] | None = None) -> dict[str, Omics]:
    """Parameters made up to look like those of a tumour cohort; the sizes decide them."""
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
    methylation = Omics(_numbered("cpg", n_cpgs), mean_cpg, cpg_gene, *noise)

    rng = np.random.default_rng([_SEED, 1])
    mean_gene = rng.normal(-0.2, 1.0, n_genes)
    noise = _factor_noise("expression", n_genes, rng)
    # Methylation of its CpGs silences a gene, weakly in most; a gene without a CpG is average.
    rho = np.clip(rng.normal(-0.09, 0.13, n_genes), -0.9, 0.25)
    counts = np.bincount(cpg_gene, minlength=n_genes)
    sums = np.bincount(cpg_gene, weights=mean_cpg, minlength=n_genes)
    upstream = np.where(counts > 0, sums / np.maximum(counts, 1), mean_cpg.mean())
    baseline = mix(rho, upstream, mean_gene)
    expression = Omics(_numbered("gene", n_genes), baseline, np.arange(n_genes), *noise)

    rng = np.random.default_rng([_SEED, 2])
    mean_protein = rng.normal(0.02, 0.08, n_proteins)
    noise = _factor_noise("protein", n_proteins, rng)
    protein_gene = _genes_of(n_proteins, n_genes, rng)
    # Levels of transcript and protein agree.
    rho = np.clip(rng.normal(0.34, 0.25, n_proteins), -0.2, 0.85)
    baseline = mix(rho, mean_gene[protein_gene], mean_protein)
    protein = Omics(_numbered("protein", n_proteins), baseline, protein_gene, *noise)
    return {"methylation": methylation, "expression": expression, "protein": protein}


def _factor_noise(name: str, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
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
    return loadings, np.sqrt(variance * (1 - weights.sum(axis=1)))


def _genes_of(n_features: int, n_genes: int, rng: np.random.Generator) -> np.ndarray:
    # Every gene gets a feature as far as they go; the others crowd on few genes, as CpGs do.
    first = rng.permutation(n_genes)[: min(n_features, n_genes)]
    popularity = rng.gamma(0.7, size=n_genes) + 1e-6
    others = rng.choice(n_genes, size=n_features - len(first), p=popularity / popularity.sum())
    return np.sort(np.concatenate([first, others]))


def _numbered(stem: str, size: int) -> list[str]:
    width = max(3, len(str(size)))
    return [f"{stem}_{number:0{width}d}" for number in range(1, size + 1)]


def tcga_ov_reference(path: str | PathLike[str] | None = None) -> dict[str, Omics]:
    """Parameters of the R package InterSIM, of ovarian tumours; downloaded without `path`."""
    remedy = "Or copy the package's data folder, and name it with reference_path."
    files = fetch_sources("intersim", remedy) if path is None else _found(Path(path))
    tables = {name: _read(files[f"{name}.rda"], name) for name in _NAMES}
    own = ("M", "expr", "protein")
    cpgs, genes, proteins = (tables[f"mean.{name}"].index.tolist() for name in own)
    position = {gene: number for number, gene in enumerate(genes)}
    gene_of_cpg = tables["CpG.gene.map.for.DEG"].astype(str).set_index("tmp.cg")["tmp.gene"]
    # The map's own column spells proteins without punctuation; its row names are the proteins'.
    gene_of_protein = tables["protein.gene.map.for.DEP"]["gene"].astype(str)
    cpg_gene = np.array([position[gene] for gene in gene_of_cpg.loc[cpgs]])
    protein_gene = np.array([position[gene] for gene in gene_of_protein.loc[proteins]])

    value = {name: np.asarray(tables[name]) for name in tables if "map" not in name}
    covariances = (value[f"cov.{name}"] for name in own)
    noise = {k: (cholesky(x), np.zeros(len(x))) for k, x in zip(own, covariances, strict=True)}
    expression = mix(value["rho.methyl.expr"], value["methyl.gene.level.mean"], value["mean.expr"])
    protein = mix(
        value["rho.expr.protein"], value["mean.expr"][protein_gene], value["mean.protein"]
    )
    return {
        "methylation": Omics(cpgs, value["mean.M"], cpg_gene, *noise["M"]),
        "expression": Omics(genes, expression, np.arange(len(genes)), *noise["expr"]),
        "protein": Omics(proteins, protein, protein_gene, *noise["protein"]),
    }


def _found(folder: Path) -> dict[str, Path]:
    files = {f"{name}.rda": folder / f"{name}.rda" for name in _NAMES}
    absent = [file.name for file in files.values() if not file.is_file()]
    if absent:
        raise FileNotFoundError(
            f"reference_path {str(folder)!r} lacks {len(absent)} of the {len(files)} files of the "
            f"R package's data folder, such as {absent[:3]}."
        )
    return files


def _read(file: Path, name: str) -> Any:
    try:
        return read_rda(file)[name]
    except Exception as error:
        # Damaged files fail in any layer of the reader, from decompression to parsing.
        raise ValueError(
            f"{name!r} cannot be read from {file}, an .rda file of R ({error}). Fetch it again."
        ) from error
