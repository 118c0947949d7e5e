"""Data of which it is known what each method should reach."""

from typing import Any

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd

from modis.studies import make_cohort
from modis.studies._design import Design, Fold, Scenario, make_fold
from modis.studies._scores import judge

SHARES = {"a": 0.5, "b": 0.3, "c": 0.2}
LINKS = pd.DataFrame(
    {
        "source_modality": "one",
        "source_feature": [f"one{k}" for k in range(12)],
        "target_modality": "two",
        "target_feature": [f"two{k}" for k in range(12)],
        "sign": [1.0, -1.0] * 6,
    }
)


def make_mdata(n: int = 600, shared: float = 0.0, distance: float = 6.0) -> md.MuData:
    """Two paired modalities of 12 and 15 features, classes at a distance.

    Beyond the class they share a signal with this standard deviation, in linked features with the
    sign of the link; noise has standard deviation 1.
    """
    rng = np.random.default_rng(0)
    label = np.repeat(list(SHARES), [round(n * share) for share in SHARES.values()])
    code = pd.factorize(label)[0]
    centers = rng.normal(size=(3, 12))
    centers *= distance / np.linalg.norm(centers, axis=1, keepdims=True)
    signal = centers[code] + shared * rng.normal(size=(n, 12))
    sign = np.concatenate([LINKS["sign"], np.zeros(3)])
    values = {
        "one": signal + rng.normal(size=(n, 12)),
        "two": np.pad(signal, ((0, 0), (0, 3))) * sign + rng.normal(size=(n, 15)),
    }
    parts = {}
    for name, x in values.items():
        parts[name] = ad.AnnData(
            x.astype(np.float32),
            obs=pd.DataFrame({"label": label}, index=[f"s{k}" for k in range(n)]),
            var=pd.DataFrame(index=[f"{name}{k}" for k in range(x.shape[1])]),
        )
    return md.MuData(parts)


def simulate(
    *tasks: str, scenario: str = "standard", seed: int = 0, links: bool = True, **kwargs: Any
) -> Fold:
    cohort = make_cohort(make_mdata(**kwargs), "label", links=LINKS if links else None)
    return make_fold(cohort, Design(("lr",)), Scenario(scenario, 0, tasks), seed)


def measure(rival: type, fold: Fold) -> pd.Series:
    """Values by source, target and metric."""
    rows = pd.DataFrame(judge(rival(fold), fold)[0])
    rows = rows[~rows["metric"].isin(["recall", "n_test"])]
    return rows.set_index(["source", "target", "metric"])["value"].sort_index()
