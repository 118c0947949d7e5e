"""Our simulator against the parameters of the one in R.

A sample (five classes of 2,300, deltas 2, p_dmp 0.2) must look like a draw from the published
model. Tolerances are those of sampling error: a chi-squared test of the class means and z-scores
of the covariances, both after whitening with the parameters' covariance, where all entries are
independent. The probability of a false alarm is stated with each.
"""

from __future__ import annotations

import numpy as np
import pytest
import rdata
from scipy import stats
from scipy.special import logit

from modis import datasets

OMICS = ("methylation", "expression", "protein")
DELTA = 2.0


@pytest.fixture(scope="module")
def parameters(shared_data):
    """Baseline means and covariances by omics, from the R files and the published formulas."""

    def read(name):
        return rdata.read_rda(shared_data / "intersim_reference" / f"{name}.rda")[name]

    def mix(rho, upstream, own):
        rho, upstream, own = (np.asarray(read(name)) for name in (rho, upstream, own))
        return rho * upstream + np.sqrt(1 - rho**2) * own

    return {
        "mean": {
            "methylation": np.asarray(read("mean.M")),
            "expression": mix("rho.methyl.expr", "methyl.gene.level.mean", "mean.expr"),
            "protein": mix("rho.expr.protein", "mean.expr.with.mapped.protein", "mean.protein"),
        },
        "covariance": {
            "methylation": np.asarray(read("cov.M")),
            "expression": np.asarray(read("cov.expr")),
            "protein": np.asarray(read("cov.protein")),
        },
    }


@pytest.fixture(scope="module")
def simulated(shared_data):
    return datasets.intersim(
        11_500,
        (0.2,) * 5,
        reference="tcga-ov",
        reference_path=shared_data / "intersim_reference",
        seed=1,
    )


def _by_class(mdata, name):
    """Samples of one modality, (n_classes, 2300, n_features), methylation as M-values."""
    values = mdata[name].X.astype(float)
    values = logit(values) if name == "methylation" else values
    labels = mdata.obs["label"].astype(str).to_numpy()
    return np.stack([values[labels == c] for c in np.unique(labels)])


@pytest.mark.parametrize("name", OMICS)
def test_class_means(name, simulated, parameters):
    classes, mean = _by_class(simulated, name), parameters["mean"][name]
    covariance = parameters["covariance"][name]
    differential = simulated[name].varm["differential"].T
    deviation = classes.mean(axis=1) - mean - DELTA * differential

    # Feature by feature: none is off by 5 standard errors (chance of a false alarm 0.1 %).
    z = deviation / np.sqrt(np.diag(covariance) / classes.shape[1])
    assert np.abs(z).max() < 5

    # All together: the squared whitened deviations follow chi squared (false alarm 0.01 %).
    whitened = np.linalg.solve(np.linalg.cholesky(covariance), deviation.T)
    statistic = (whitened**2).sum() * classes.shape[1]
    assert 5e-5 < stats.chi2.cdf(statistic, whitened.size) < 1 - 5e-5


@pytest.mark.parametrize("name", OMICS)
def test_pooled_covariance_within_classes(name, simulated, parameters):
    classes = _by_class(simulated, name)
    centred = (classes - classes.mean(axis=1, keepdims=True)).reshape(-1, classes.shape[2])
    degrees = len(centred) - len(classes)
    whitened = np.linalg.solve(np.linalg.cholesky(parameters["covariance"][name]), centred.T)
    found = whitened @ whitened.T / degrees

    size = len(found)
    upper = np.triu_indices(size)
    # A Wishart matrix around the identity: variance 1/n off the diagonal, 2/n on it.
    error = np.sqrt((1 + np.eye(size)) / degrees)
    z = ((found - np.eye(size)) / error)[upper]
    # The largest of up to 67,528 (false alarm 0.2 %), and their spread (false alarm < 0.01 %).
    assert np.abs(z).max() < 5.6
    assert np.mean(z**2) == pytest.approx(1, abs=4 * np.sqrt(2 / z.size) + 0.01)
