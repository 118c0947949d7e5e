from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class OmicsNoise:
    """Zero-mean Gaussian noise with covariance `loadings @ loadings.T + diag(unique_sd ** 2)`."""

    loadings: np.ndarray
    unique_sd: np.ndarray

    @classmethod
    def from_covariance(cls, covariance: np.ndarray) -> Self:
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
    """One modality of the InterSIM model; methylation as M-values (log odds of the beta value).

    `baseline` are the features' means where none is differential, `gene` the position of each
    feature's gene among the features of expression.
    """

    features: list[str]
    baseline: np.ndarray
    noise: OmicsNoise
    gene: np.ndarray


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
