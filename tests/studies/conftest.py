from __future__ import annotations

import mudata as md
import numpy as np
import pytest

from modis.datasets import intersim
from modis.studies import make_cohort, without_pulling

SIZES = {"methylation": 20, "expression": 10, "protein": 12}


@pytest.fixture(scope="session")
def paired():
    """Five classes of 24; a fourth tests."""
    mdata = intersim(n_samples=120, n_features=SIZES, seed=0)
    rank = mdata.obs.groupby("label", observed=True).cumcount()
    mdata.obs["part"] = np.where(rank % 4 == 0, "test", "train")
    return mdata


@pytest.fixture
def mosaic(paired):
    """Counts and other values; a third of the observations in each modality alone."""
    rows = {"methylation": slice(0, 80), "protein": slice(40, 120)}
    parts = {name: paired.mod[name][chosen].copy() for name, chosen in rows.items()}
    for name, adata in parts.items():
        adata.obs = paired.obs.loc[adata.obs_names, ["label", "part"]].copy()
        if name == "protein":
            adata.layers["counts"] = np.random.default_rng(0).poisson(5.0, adata.shape)
    with without_pulling():
        return md.MuData(parts)


@pytest.fixture(scope="session")
def cohort(paired):
    return make_cohort(paired, "label", split_key="part")
