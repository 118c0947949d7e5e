import io

import mudata as md
import numpy as np
import pytest
from rich.console import Console

from modis.datasets import intersim
from modis.studies import make_cohort, without_pulling

from .._make import quick_linear_models

SIZES = {"methylation": 20, "expression": 10, "protein": 12}


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


@pytest.fixture
def quickly():
    with quick_linear_models():
        yield


@pytest.fixture(scope="session")
def paired():
    """Five classes of 24; a fourth tests."""
    mdata = intersim(n_samples=120, n_features=SIZES, seed=0)
    rank = mdata.obs.groupby("label", observed=True).cumcount()
    mdata.obs["part"] = mdata.obs["split"] = np.where(rank % 4 == 0, "test", "train")
    mdata.obs["observed_modality"] = np.array(list(SIZES))[rank % 3]
    return mdata


@pytest.fixture(scope="session")
def data_file(paired, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "paired.h5mu"
    paired.write(path)
    return path


@pytest.fixture
def mosaic(paired):
    """Counts and other values; a third of the observations in each modality alone."""
    rows = {"methylation": slice(0, 80), "protein": slice(40, 120)}
    parts = {name: paired.mod[name][chosen].copy() for name, chosen in rows.items()}
    for name, adata in parts.items():
        adata.obs = paired.obs.loc[adata.obs_names, ["label", "part"]].astype(str)
        if name == "protein":
            adata.layers["counts"] = np.random.default_rng(0).poisson(5.0, adata.shape)
    with without_pulling():
        return md.MuData(parts)


@pytest.fixture(scope="session")
def cohort(paired):
    return make_cohort(paired, "label", split_key="part")
