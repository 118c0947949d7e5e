from __future__ import annotations

import numpy as np
import pytest

from modis.datasets import intersim

SIZES = {"methylation": 20, "expression": 10, "protein": 12}


@pytest.fixture(scope="session")
def paired():
    mdata = intersim(n_samples=240, n_features=SIZES, seed=0)
    rng = np.random.default_rng(0)
    split = np.where(rng.random(mdata.n_obs) < 0.3, "test", "train")
    observed = rng.choice(list(SIZES), mdata.n_obs)
    mdata.obs["split"], mdata.obs["observed_modality"] = split, observed
    return mdata


@pytest.fixture(scope="session")
def data_file(paired, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "paired.h5mu"
    paired.write(path)
    return path
