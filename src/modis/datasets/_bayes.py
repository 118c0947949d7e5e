from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Literal

import mudata as md
import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve
from scipy.special import logit, softmax

from ._intersim import _parameters
from ._rebuild import check_mudata

# The float32 next below 1: a rounded beta value of 1 is as large as that at least.
_LARGEST_BETA = 1 - 2.0**-24
_SMALLEST_BETA = float(np.finfo(np.float32).tiny)


def bayes_probabilities(
    mdata: md.MuData,
    class_proportions: Sequence[float] | None = None,
    *,
    delta_methylation: float = 2.0,
    delta_expression: float = 2.0,
    delta_protein: float = 2.0,
    reference: Literal["synthetic", "tcga-ov"] = "synthetic",
    reference_path: str | PathLike[str] | None = None,
) -> dict[str, pd.DataFrame]:
    r"""Class probabilities of simulated samples, from the very model that made them.

    No classifier that sees one omics of a sample can be right more often than the one that names
    the most probable of these classes (Bayes' rule). It knows what :func:`intersim` knew: the mean
    :math:`\mu_k` of each class, the covariance :math:`\Sigma` of the noise, and the share
    :math:`\pi_k` of each class:

    .. math::

        \log P(k \mid x) = \log \pi_k - \tfrac{1}{2} (x - \mu_k)^\top \Sigma^{-1} (x - \mu_k)
        + \text{const}

    Methylation is judged as M-values, on which its noise is Gaussian.

    Parameters
    ----------
    mdata
        Samples from :func:`intersim`, or some of them, paired or not. It is not changed.
    class_proportions
        What :func:`intersim` was called with; equal classes by default.
    delta_methylation, delta_expression, delta_protein
        Likewise: the shift of differential features.
    reference, reference_path
        Likewise: where means and covariances come from.

    Returns
    -------
    dict of DataFrame
        By modality, the probabilities of shape `(n_obs, n_classes)`: rows as in the modality,
        columns `"class_1"`, `"class_2"` and so on.

    Raises
    ------
    ValueError
        If the data do not look simulated with this reference, or proportions are of no use.

    Examples
    --------
    >>> import modis
    >>> mdata = modis.datasets.intersim(100, delta_expression=0.2)
    >>> probabilities = modis.datasets.bayes_probabilities(mdata, delta_expression=0.2)
    >>> best = probabilities["expression"].idxmax(axis=1)
    >>> (best == mdata.obs["label"].astype(str)).mean().item()
    0.8
    """
    check_mudata(mdata)
    deltas = {
        "methylation": delta_methylation,
        "expression": delta_expression,
        "protein": delta_protein,
    }
    absent = [name for name in deltas if name not in mdata.mod]
    unmarked = [name for name in deltas if name not in absent]
    unmarked = [name for name in unmarked if "differential" not in mdata.mod[name].varm]
    if absent or unmarked:
        what = f"modality {absent[0]!r}" if absent else f"varm['differential'] of {unmarked[0]!r}"
        raise ValueError(
            f"The {what} is missing; only data from modis.datasets.intersim have a known model."
        )
    sizes = {name: mdata.mod[name].n_vars for name in deltas}
    parameters = _parameters(
        reference, sizes if reference == "synthetic" else None, reference_path
    )
    probabilities = {}
    for name, (features, baseline, noise) in parameters.omics.items():
        adata = mdata.mod[name]
        if list(adata.var_names) != list(features):
            raise ValueError(
                f"The features of {name!r} are not those of reference={reference!r}; pass what "
                "modis.datasets.intersim was called with."
            )
        differential = np.asarray(adata.varm["differential"], dtype=float)
        log_prior = _log_prior(class_proportions, differential.shape[1])
        values = np.asarray(adata.X, dtype=float)
        if name == "methylation":
            values = logit(np.clip(values, _SMALLEST_BETA, _LARGEST_BETA))
        score = _discriminants(values - baseline, deltas[name] * differential, noise.covariance)
        classes = [f"class_{number}" for number in range(1, differential.shape[1] + 1)]
        probabilities[name] = pd.DataFrame(
            softmax(score + log_prior, axis=1), index=adata.obs_names, columns=classes
        )
    return probabilities


def _discriminants(values: np.ndarray, means: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Log density of each class up to a constant per sample, `(n_obs, n_classes)`."""
    weights = cho_solve(cho_factor(covariance), means)
    return values @ weights - 0.5 * np.sum(means * weights, axis=0)


def _log_prior(class_proportions: Sequence[float] | None, n_classes: int) -> np.ndarray:
    shares = np.asarray(class_proportions or [1 / n_classes] * n_classes, dtype=float)
    if shares.shape != (n_classes,) or not (shares > 0).all() or not np.isclose(shares.sum(), 1):
        raise ValueError(
            f"class_proportions must be {n_classes} positive numbers that sum to 1, one per "
            f"class, found {class_proportions}."
        )
    return np.log(shares)
