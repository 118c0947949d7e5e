"""Small models that the tests of this room share; nobody may change them."""

import numpy as np
import pytest
import scvi

from modis import MODIS

from .._make import make_mdata, quick_linear_models
from ._made import BRIEFLY

LIKELIHOODS = {"rna seq": "gaussian", "CpG-îlots": "beta", "a_protein": "nb"}


@pytest.fixture
def quick():
    """For tests of what is around a model; those that share one have it as it is."""
    with quick_linear_models():
        yield


@pytest.fixture(scope="session")
def mdata():
    """Mosaic of three modalities and three classes."""
    return make_mdata(list(LIKELIHOODS.values()), "mosaic", ["a", "b", "c"])


@pytest.fixture(scope="session")
def build():
    def build(data, model=None, **setup):
        scvi.settings.seed = 0
        MODIS.setup_mudata(data, **({"labels_key": "label"} | setup))
        return MODIS(data, **({"n_latent": 5, "n_hidden": 8} | (model or {})))

    return build


@pytest.fixture(scope="session")
def fit(build):
    def fit(data, *, train=None, **options):
        fitted = build(data, **options)
        fitted.train(**BRIEFLY | (train or {}))
        return fitted

    return fit


@pytest.fixture(scope="session")
def model(mdata, fit):
    """By default; nobody may change it."""
    return fit(mdata, likelihood=LIKELIHOODS)


@pytest.fixture(scope="session")
def networks(mdata, fit):
    """Networks alone, without linear models."""
    return fit(mdata.copy(), likelihood=LIKELIHOODS, model={"linear_models": False})


@pytest.fixture(scope="session")
def shifted(fit):
    """Two batches, 20 apart, and a covariate whose second category is 40 higher."""
    data = make_mdata(pairing="unpaired")
    for adata in data.mod.values():
        numbers = np.arange(adata.n_obs)
        adata.obs["run"] = np.where(numbers % 3 == 0, "small", "large")
        adata.obs["sex"] = np.where(numbers % 5 == 0, "a", "b")
        adata.X[(adata.obs["run"] == "small").to_numpy()] += 20
        adata.X[(adata.obs["sex"] == "b").to_numpy()] += 40
    obs = data.mod["rna seq"].obs
    obs["run"] = obs["run"].replace("small", "other")
    options = {"batch_key": "run", "categorical_covariate_keys": ["sex"]}
    train = {"max_epochs": 80, "train_size": 1.0, "plan_kwargs": {"lr": 0.005}}
    return fit(data, **options, train=train)
