"""Our simulator, and the one in R, against the parameters that both are given.

Both samples (five classes of 2,300, deltas 2, p_dmp 0.2) must look like draws from the published
model. Tolerances are those of sampling error: a chi-squared test of the class means and z-scores
of the covariances, both after whitening with the parameters' covariance, where all entries are
independent. The probability of a false alarm is stated with each.
"""

from __future__ import annotations

import mudata as md
import numpy as np
import pandas as pd
import pytest
import rdata
from scipy import stats
from scipy.special import logit

from modis import datasets

# What mudata says on reading the file made in R.
pytestmark = [
    pytest.mark.filterwarnings("ignore:From 0.4 .update:FutureWarning"),
    pytest.mark.filterwarnings("ignore:var_names are not unique:UserWarning"),
    pytest.mark.filterwarnings("ignore:Cannot join columns with the same name:UserWarning"),
]

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
def samples(shared_data):
    """Per simulator and omics: classes × (2,300, n_features), methylation as M-values."""
    ours = datasets.intersim(
        11_500,
        (0.2,) * 5,
        reference="tcga-ov",
        reference_path=shared_data / "intersim_reference",
        seed=1,
    )
    from_r = md.read_h5mu(shared_data / "intersim_r.h5mu")
    found = {}
    for simulator, mdata in (("modis", ours), ("R", from_r)):
        labels = mdata.obs["label"].astype(str).to_numpy()
        for name in OMICS:
            values = mdata[name].X.astype(float)
            values = logit(values) if name == "methylation" else values
            found[simulator, name] = np.stack([values[labels == c] for c in np.unique(labels)])
        found[simulator, "names"] = {name: mdata[name].var_names for name in OMICS}
    found["truth"] = {name: ours[name].varm["differential"].T for name in OMICS}
    return found


def _differential(classes, mean):
    """Which features are shifted, `(n_classes, n_features)`: 2 is over 30 standard errors."""
    return classes.mean(axis=1) > mean + DELTA / 2


@pytest.fixture(params=["modis", "R"])
def simulator(request):
    return request.param


@pytest.mark.parametrize("name", OMICS)
def test_class_means(simulator, name, samples, parameters):
    classes, mean = samples[simulator, name], parameters["mean"][name]
    covariance = parameters["covariance"][name]
    differential = _differential(classes, mean)
    deviation = classes.mean(axis=1) - mean - DELTA * differential
    if simulator == "modis":
        np.testing.assert_array_equal(samples["truth"][name], differential)

    # Feature by feature: none is off by 5 standard errors (chance of a false alarm 0.1 %).
    z = deviation / np.sqrt(np.diag(covariance) / classes.shape[1])
    assert np.abs(z).max() < 5

    # All together: the squared whitened deviations follow chi squared (false alarm 0.01 %).
    whitened = np.linalg.solve(np.linalg.cholesky(covariance), deviation.T)
    statistic = (whitened**2).sum() * classes.shape[1]
    assert 5e-5 < stats.chi2.cdf(statistic, whitened.size) < 1 - 5e-5


@pytest.mark.parametrize("name", OMICS)
def test_pooled_covariance_within_classes(simulator, name, samples, parameters):
    classes = samples[simulator, name]
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

    # In plain units: variances within 5 standard errors of those given.
    variance = np.diag(parameters["covariance"][name])
    ratio = (centred**2).sum(axis=0) / degrees / variance
    assert np.abs(ratio - 1).max() < 5 * np.sqrt(2 / degrees)


def test_effects_carry_over(simulator, samples, parameters, shared_data):
    links = pd.read_csv(shared_data / "intersim_feature_links.csv")
    shifted = {
        name: pd.DataFrame(
            _differential(samples[simulator, name], parameters["mean"][name]).T,
            index=samples[simulator, "names"][name],
        )
        for name in OMICS
    }
    cpgs = links[links["source_modality"] == "methylation"]
    genes = shifted["methylation"].loc[cpgs["source_feature"]]
    genes = genes.groupby(cpgs["target_feature"].to_numpy()).any()
    pd.testing.assert_frame_equal(genes.loc[shifted["expression"].index], shifted["expression"])
    proteins = links[links["source_modality"] == "protein"]
    np.testing.assert_array_equal(
        shifted["protein"].loc[proteins["source_feature"]],
        shifted["expression"].loc[proteins["target_feature"]],
    )
