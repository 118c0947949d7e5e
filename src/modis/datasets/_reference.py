from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class OmicsNoise:
    """Zero-mean Gaussian noise with covariance `loadings @ loadings.T + diag(unique_sd ** 2)`."""

    loadings: np.ndarray
    unique_sd: np.ndarray

    @classmethod
    def from_covariance(cls, covariance: np.ndarray) -> OmicsNoise:
        """Noise with a given positive definite covariance."""
        return cls(np.linalg.cholesky(covariance), np.zeros(len(covariance)))

    @property
    def covariance(self) -> np.ndarray:
        """Covariance, `(n_features, n_features)`."""
        return self.loadings @ self.loadings.T + np.diag(self.unique_sd**2)

    def sample(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        """Draw `(n_samples, n_features)`."""
        noise = rng.standard_normal((n_samples, self.loadings.shape[1])) @ self.loadings.T
        if self.unique_sd.any():
            noise += rng.standard_normal(noise.shape) * self.unique_sd
        return noise


class Omics(NamedTuple):
    """Features of one modality, their means where none is differential, and their noise."""

    features: list[str]
    baseline: np.ndarray
    noise: OmicsNoise


@dataclass(frozen=True)
class Reference:
    """Parameters of the InterSIM model.

    `cpg_gene` and `protein_gene` hold the position of each CpG's and protein's gene in `genes`.
    Methylation is on the scale of M-values (log odds of the beta value).
    """

    cpgs: list[str]
    genes: list[str]
    proteins: list[str]
    cpg_gene: np.ndarray
    protein_gene: np.ndarray
    mean_methylation: np.ndarray
    mean_methylation_of_gene: np.ndarray
    mean_expression: np.ndarray
    mean_expression_of_protein: np.ndarray
    mean_protein: np.ndarray
    rho_methylation_expression: np.ndarray
    rho_expression_protein: np.ndarray
    noise_methylation: OmicsNoise
    noise_expression: OmicsNoise
    noise_protein: OmicsNoise

    @property
    def omics(self) -> dict[str, Omics]:
        """What samples of a class are made of, by modality."""
        return {
            "methylation": Omics(self.cpgs, self.mean_methylation, self.noise_methylation),
            "expression": Omics(self.genes, self.baseline_expression, self.noise_expression),
            "protein": Omics(self.proteins, self.baseline_protein, self.noise_protein),
        }

    @property
    def baseline_expression(self) -> np.ndarray:
        """Mean expression of a class in which the gene is not differential."""
        return _mix(
            self.mean_methylation_of_gene, self.mean_expression, self.rho_methylation_expression
        )

    @property
    def baseline_protein(self) -> np.ndarray:
        """Mean protein level of a class in which the protein is not differential."""
        return _mix(
            self.mean_expression_of_protein, self.mean_protein, self.rho_expression_protein
        )

    def feature_links(self) -> pd.DataFrame:
        """One row per CpG and protein with its gene, by name."""
        links = [
            pd.DataFrame(
                {
                    "source_modality": modality,
                    "source_feature": features,
                    "target_modality": "expression",
                    "target_feature": np.asarray(self.genes, dtype=object)[gene],
                }
            )
            for modality, features, gene in (
                ("methylation", self.cpgs, self.cpg_gene),
                ("protein", self.proteins, self.protein_gene),
            )
        ]
        return pd.concat(links, ignore_index=True)


def _mix(upstream: np.ndarray, own: np.ndarray, rho: np.ndarray) -> np.ndarray:
    return rho * upstream + np.sqrt(1 - rho**2) * own
