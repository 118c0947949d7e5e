from dataclasses import replace
from pathlib import Path

import mudata as md
import numpy as np
import pandas as pd

from ..datasets import intersim, split, unpair
from ..datasets._selection import membership, rebuild
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
    keep = membership(paired)
    for name, adata in unpair(train, seed=seed).mod.items():
        keep[name] = keep.index.isin(adata.obs_names.union(test.obs_names))
    part = np.where(keep.index.isin(test.obs_names), "test", "train")
    return rebuild(paired, keep, {"split": pd.Series(part, index=keep.index)})


def run_demo(n_samples: int, settings: Settings, out: Path, screen: Screen) -> Results:
    """Simulate samples, a quarter of them to test, and then as :func:`fit_file`."""
    screen.stage(f"Simulating {n_samples} samples with methylation, expression and protein")
    mdata = simulate(n_samples, settings.seed)
    settings = replace(settings, labels_key="label", split_key="split")
    return fit(mdata, settings, out, screen, source=None)
