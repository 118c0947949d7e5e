from __future__ import annotations

from typing import TYPE_CHECKING

import mudata as md

from ..datasets import intersim, split, unpair
from ..studies import without_pulling
from ._fit import fit
from ._results import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from ._console import Screen
    from ._results import Results

__all__ = ["run_demo", "simulate"]

_TEST_SIZE = 0.25


def simulate(n_samples: int, seed: int) -> md.MuData:
    """Samples of five classes: three quarters unpaired, to train on; the others paired, to test.

    Returns
    -------
    MuData with ``label`` and ``split`` in the obs of all.
    """
    paired = intersim(n_samples, seed=seed)
    train, test = split(paired, _TEST_SIZE, seed=seed)
    unpaired = unpair(train, seed=seed)
    parts = {}
    for name, adata in paired.mod.items():
        keep = adata.obs_names.isin(unpaired.mod[name].obs_names.union(test.obs_names))
        parts[name] = adata[keep].copy()
    obs = paired.obs[["label"]].copy()
    obs["split"] = "train"
    obs.loc[test.obs_names, "split"] = "test"
    obs["split"] = obs["split"].astype("category")
    with without_pulling():
        mdata = md.MuData(parts)
    mdata.obs = obs.loc[mdata.obs_names]
    return mdata


def run_demo(
    out: Path,
    screen: Screen,
    *,
    n_samples: int = 2000,
    max_epochs: int | None = None,
    seed: int = 0,
    command: str = "",
) -> Results:
    """Simulate, train, judge and report.

    Parameters
    ----------
    out, screen, command
        As in :func:`~modis.report.fit_file`.
    n_samples
        Samples to simulate; a quarter of them tests.
    max_epochs, seed
        As in :class:`~modis.report.Settings`.

    Returns
    -------
    The results.
    """
    screen.stage(f"Simulating {n_samples} samples with methylation, expression and protein")
    settings = Settings(labels_key="label", split_key="split", max_epochs=max_epochs, seed=seed)
    mdata = simulate(n_samples, seed)
    return fit(mdata, settings, out, screen, source=None, command=command)
