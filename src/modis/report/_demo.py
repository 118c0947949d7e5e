from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import mudata as md
import numpy as np
import pandas as pd

from ..datasets import intersim, split, unpair
from ..studies import without_pulling
from ._console import Screen
from ._fit import fit
from ._results import Results, Settings

_TEST_SIZE = 0.25


def simulate(n_samples: int, seed: int) -> md.MuData:
    """Samples of five classes: three quarters unpaired, to train on; the others paired, to test.

    ``label`` and ``split`` are in the obs of all.
    """
    paired = intersim(n_samples, seed=seed)
    train, test = split(paired, _TEST_SIZE, seed=seed)
    unpaired = unpair(train, seed=seed)
    parts = {}
    for name, adata in paired.mod.items():
        keep = adata.obs_names.isin(unpaired.mod[name].obs_names.union(test.obs_names))
        parts[name] = adata[keep].copy()
    obs = paired.obs[["label"]].copy()
    is_test = obs.index.isin(test.obs_names)
    obs["split"] = pd.Categorical(np.where(is_test, "test", "train"))
    with without_pulling():
        mdata = md.MuData(parts)
    mdata.obs = obs.loc[mdata.obs_names]
    return mdata


def run_demo(n_samples: int, settings: Settings, out: Path, screen: Screen) -> Results:
    """Simulate samples, a quarter of them to test, and then as :func:`fit_file`."""
    screen.stage(f"Simulating {n_samples} samples with methylation, expression and protein")
    mdata = simulate(n_samples, settings.seed)
    settings = replace(settings, labels_key="label", split_key="split")
    return fit(mdata, settings, out, screen, source=None)
