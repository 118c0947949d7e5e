from collections.abc import Sequence
from os import PathLike
from typing import Literal

import mudata as md
import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve
from scipy.special import logit, softmax

from ._intersim import check_proportions, class_names, load_reference
from ._selection import check_mudata

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
    r"""Class probabilities of simulated samples, from the model that simulated them.

    No classifier of one modality can be more accurate than the one that predicts the most
    probable of these classes (Bayes' rule). It uses the parameters of :func:`intersim`: the mean
    :math:`\mu_k` and the share :math:`\pi_k` of each class, and the covariance :math:`\Sigma` of
    the noise. Methylation is compared as M-values, whose noise is Gaussian.

    .. math::

        \log P(k \mid x) = \log \pi_k - \tfrac{1}{2} (x - \mu_k)^\top \Sigma^{-1} (x - \mu_k)
        + \text{const}

    Parameters
    ----------
    mdata
        Samples from :func:`intersim`, or some of them, paired or not. It is not changed.
    class_proportions
        What :func:`intersim` was called with; equal classes by default.
    delta_methylation, delta_expression, delta_protein, reference, reference_path
        Likewise.

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
    n_features = None
    if reference == "synthetic":
        n_features = {name: mdata.mod[name].n_vars for name in deltas if name in mdata.mod}
    probabilities = {}
    for name, omics in load_reference(reference, n_features, reference_path).items():
        adata = mdata.mod.get(name)
        is_simulated = adata is not None and "differential" in adata.varm
        if not is_simulated or list(adata.var_names) != omics.features:
            raise ValueError(
                f"Modality {name!r} is not one that modis.datasets.intersim made with "
                f"reference={reference!r}; the model of other data is not known."
            )
        values = np.asarray(adata.X, dtype=float)
        if name == "methylation":
            values = logit(np.clip(values, _SMALLEST_BETA, _LARGEST_BETA))
        means = deltas[name] * np.asarray(adata.varm["differential"], dtype=float)
        weights = cho_solve(cho_factor(omics.covariance), means)
        # log density of each class up to a constant per sample
        score = (values - omics.baseline) @ weights - 0.5 * np.sum(means * weights, axis=0)
        n_classes = means.shape[1]
        shares = [1 / n_classes] * n_classes if class_proportions is None else class_proportions
        score += np.log(check_proportions(shares, n_classes))
        probabilities[name] = pd.DataFrame(
            softmax(score, axis=1), index=adata.obs_names, columns=class_names(n_classes)
        )
    return probabilities
