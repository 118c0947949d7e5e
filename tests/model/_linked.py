"""A small unpaired cohort whose modalities have feature links."""

from __future__ import annotations

import mudata as md
import numpy as np
import pandas as pd

from modis.datasets import intersim, unpair

SMALL = {"methylation": 60, "expression": 30, "protein": 24}


def cohort(n_samples: int = 120, seed: int = 0) -> tuple[md.MuData, pd.DataFrame]:
    """Data and links; protein and expression are linked backwards, methylation forwards."""
    mdata = unpair(intersim(n_samples=n_samples, n_features=SMALL, seed=seed))
    return mdata, mdata.uns["feature_links"].copy()


def shuffled(links: pd.DataFrame, *sources: str) -> pd.DataFrame:
    """Links from these modalities to features that are not theirs."""
    wrong, rng = links.copy(), np.random.default_rng(0)
    for source in sources or links["source_modality"].unique():
        rows = links["source_modality"] == source
        wrong.loc[rows, "target_feature"] = rng.permutation(links.loc[rows, "target_feature"])
    return wrong


def backwards(links: pd.DataFrame) -> pd.DataFrame:
    """The same links from target to source."""
    turned = {"source": "target", "target": "source"}
    names = [f"{side}_{what}" for side in turned for what in ("modality", "feature")]
    return links.rename(columns={name: f"{turned[name[:6]]}{name[6:]}" for name in names})
