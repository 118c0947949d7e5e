from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Literal

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit, logit, softmax

from ._reference import Omics, feature_links, synthetic_reference, tcga_ov_reference
from ._selection import allot, assemble, check_share

# From the smallest float32 to the one next below 1: a rounded 1 is at least as large.
_BETA_VALUES = (float(np.finfo(np.float32).tiny), 1 - 2.0**-24)


def intersim(
    n_samples: int = 500,
    class_proportions: Sequence[float] = (0.2, 0.2, 0.2, 0.2, 0.2),
    *,
    delta_methylation: float = 2.0,
    delta_expression: float = 2.0,
    delta_protein: float = 2.0,
    p_dmp: float = 0.2,
    reference: Literal["synthetic", "tcga-ov"] = "synthetic",
    n_features: Mapping[str, int] | None = None,
    reference_path: str | PathLike[str] | None = None,
    seed: int = 0,
) -> md.MuData:
    r"""Simulate methylation, expression and protein of samples from known classes (InterSIM).

    All noise is Gaussian, with the covariance of the reference, and independent between the
    modalities given the class. For class :math:`k`, with :math:`d_k` 1 for differential features
    and 0 for others:

    .. math::

        M &\sim N(\mu_M + \delta_M d^M_k,\ \Sigma_M) \\
        E &\sim N(\rho_E\,\bar\mu_M + \sqrt{1-\rho_E^2}\,\mu_E + \delta_E d^E_k,\ \Sigma_E) \\
        P &\sim N(\rho_P\,\bar\mu_E + \sqrt{1-\rho_P^2}\,\mu_P + \delta_P d^P_k,\ \Sigma_P)

    Here :math:`\bar\mu_M` is the mean M-value at each gene's CpGs, :math:`\bar\mu_E` the mean
    expression of each protein's gene, and every gene and protein has its correlation :math:`\rho`.

    Parameters
    ----------
    n_samples
        Number of samples, each with all three modalities.
    class_proportions
        Share of each class; they sum to 1.
    delta_methylation, delta_expression, delta_protein
        Shift of a differential feature's mean: in M-values (log odds of the beta value), in units
        of expression, in units of the protein level.
    p_dmp
        Probability that a CpG is differential in a class. A gene is differential where one of its
        CpGs is, a protein where its gene is.
    reference
        Where means, covariances, correlations and gene maps come from. `"synthetic"`: made up,
        part of this package, of any size. `"tcga-ov"`: the R package's estimates from TCGA ovarian
        cancer, read from `reference_path` or downloaded once (about 1 MB).
    n_features
        For `"synthetic"`: number of features of `"methylation"`, `"expression"` and `"protein"`,
        by default 367, 131 and 160 as in the R package.
    reference_path
        For `"tcga-ov"`: folder with the `.rda` files of the R package.
    seed
        Seed of the simulation. The synthetic reference does not depend on it.

    Returns
    -------
    MuData
        Paired modalities `"methylation"` (beta values between 0 and 1), `"expression"` and
        `"protein"`, float32, rows in random order. `obs["label"]`, in the MuData and in every
        modality, holds `"class_1"`, `"class_2"` and so on. `mod.varm["differential"]`, boolean
        `(n_features, n_classes)`, tells which features are shifted in which class;
        `uns["feature_links"]` lists every CpG's and protein's gene (columns `source_modality`,
        `source_feature`, `target_modality`, `target_feature`).

    Raises
    ------
    ValueError
        If a proportion, a probability or a size is out of range, or a class would get no sample.
    FileNotFoundError, ConnectionError, ValueError
        If the files of `"tcga-ov"` are missing, cannot be downloaded or are damaged.

    References
    ----------
    Chalise, Raghavan, Fridley (2016). InterSIM: simulation tool for multiple integrative 'omic
    datasets. Computer Methods and Programs in Biomedicine 128, 69-74.

    Examples
    --------
    >>> import modis
    >>> mdata = modis.datasets.intersim(100, (0.7, 0.3))
    >>> mdata.shape, mdata.obs["label"].value_counts().tolist()
    ((100, 658), [70, 30])
    """
    class_sizes = _class_sizes(n_samples, class_proportions)
    check_share("p_dmp", p_dmp)
    parameters = load_reference(reference, n_features, reference_path)

    rng = np.random.default_rng(seed)
    n_classes = len(class_sizes)
    differential = _differential(parameters, n_classes, p_dmp, rng)
    classes = rng.permutation(np.repeat(np.arange(n_classes), class_sizes))
    deltas = (delta_methylation, delta_expression, delta_protein)
    width = max(3, len(str(n_samples)))
    names = pd.Index([f"sample_{number:0{width}d}" for number in range(1, n_samples + 1)])
    modalities = {}
    for (name, omics), delta in zip(parameters.items(), deltas, strict=True):
        shift = delta * differential[name].T[classes]
        values = omics.baseline + shift + omics.noise(n_samples, rng)
        modalities[name] = ad.AnnData(
            (expit(values) if name == "methylation" else values).astype(np.float32),
            obs=pd.DataFrame(index=names.copy()),
            var=pd.DataFrame(index=pd.Index(omics.features)),
            varm={"differential": differential[name]},
        )
    labels = pd.Categorical.from_codes(classes, class_names(n_classes))
    obs = pd.DataFrame({"label": labels}, index=names)
    return assemble(modalities, obs, uns={"feature_links": feature_links(parameters)})


def load_reference(
    reference: str,
    n_features: Mapping[str, int] | None,
    reference_path: str | PathLike[str] | None,
) -> dict[str, Omics]:
    """Parameters of the model, by modality."""
    if reference not in ("synthetic", "tcga-ov"):
        raise ValueError(f'reference must be "synthetic" or "tcga-ov", found {reference!r}.')
    is_synthetic = reference == "synthetic"
    if (reference_path if is_synthetic else n_features) is not None:
        raise ValueError('n_features is only for "synthetic", reference_path for "tcga-ov".')
    return synthetic_reference(n_features) if is_synthetic else tcga_ov_reference(reference_path)


def class_names(n_classes: int) -> list[str]:
    """Names of the simulated classes."""
    return [f"class_{number}" for number in range(1, n_classes + 1)]


def bayes_probabilities(
    mdata: md.MuData,
    *,
    reference: str = "synthetic",
    reference_path: str | PathLike[str] | None = None,
    **deltas: float,
) -> dict[str, pd.DataFrame]:
    """Class probabilities of simulated samples by Bayes' rule: no classifier is more accurate.

    The arguments are those of :func:`intersim`, with equal classes; ``(n_obs, n_classes)`` by
    modality. Methylation is compared as M-values, whose noise is Gaussian.
    """
    is_synthetic = reference == "synthetic"
    sizes = {name: adata.n_vars for name, adata in mdata.mod.items()} if is_synthetic else None
    probabilities = {}
    for name, omics in load_reference(reference, sizes, reference_path).items():
        adata = mdata.mod[name]
        values = np.asarray(adata.X, dtype=float)
        if name == "methylation":
            values = logit(np.clip(values, *_BETA_VALUES))
        means = deltas[f"delta_{name}"] * np.asarray(adata.varm["differential"], dtype=float)
        weights = cho_solve(cho_factor(omics.covariance), means)
        # log density of each class up to a constant per sample
        score = (values - omics.baseline) @ weights - 0.5 * np.sum(means * weights, axis=0)
        names = class_names(means.shape[1])
        probabilities[name] = pd.DataFrame(softmax(score, axis=1), adata.obs_names, names)
    return probabilities


def _class_sizes(n_samples: int, class_proportions: Sequence[float]) -> np.ndarray:
    shares = np.asarray(class_proportions, dtype=float)
    if not (shares > 0).all() or not np.isclose(shares.sum(), 1):
        raise ValueError(
            f"class_proportions must be positive numbers that sum to 1, found {class_proportions}."
        )
    sizes = allot(shares, n_samples)
    if (sizes < 1).any():
        raise ValueError(
            f"With n_samples={n_samples}, class_{np.argmin(sizes) + 1} gets no sample. "
            "Ask for more samples or fewer classes."
        )
    return sizes


def _differential(
    parameters: dict[str, Omics], n_classes: int, p_dmp: float, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Which features are shifted in which class, `(n_features, n_classes)` by modality."""
    cpgs = rng.random((len(parameters["methylation"].features), n_classes)) < p_dmp
    genes = np.zeros((len(parameters["expression"].features), n_classes), dtype=bool)
    np.logical_or.at(genes, parameters["methylation"].gene, cpgs)
    return {"methylation": cpgs, "expression": genes, "protein": genes[parameters["protein"].gene]}
