"""A small unpaired cohort whose modalities have feature links, and what models learnt."""

import mudata as md
import numpy as np
import pandas as pd
import torch

from modis import MODIS
from modis.datasets import intersim, unpair

SMALL = {"methylation": 60, "expression": 30, "protein": 24}
BRIEFLY = {"max_epochs": 2, "batch_size": 16, "accelerator": "cpu", "enable_progress_bar": False}


def cohort(n_samples: int = 120) -> tuple[md.MuData, pd.DataFrame]:
    """Data and links; protein and expression are linked backwards, methylation forwards."""
    mdata = unpair(intersim(n_samples=n_samples, n_features=SMALL, seed=0))
    return mdata, mdata.uns["feature_links"].copy()


def shuffled(links: pd.DataFrame, *sources: str) -> pd.DataFrame:
    """Links from these modalities to features that are not theirs."""
    wrong, rng = links.copy(), np.random.default_rng(0)
    for source in sources or links["source_modality"].unique():
        rows = links["source_modality"] == source
        wrong.loc[rows, "target_feature"] = rng.permutation(links.loc[rows, "target_feature"])
    return wrong


def weights(model: MODIS, *, linear: bool = True) -> dict[str, torch.Tensor]:
    """All that a model learnt, or the networks' part of it."""
    state = model.module.state_dict()
    kept = [name for name in state if linear or not name.startswith("linear.")]
    return {name: state[name].clone() for name in kept}


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    assert first.keys() == second.keys()
    return all(torch.equal(first[name], second[name]) for name in first)
