"""Cost of an epoch of training with feature links over one without.

    python benchmarks/links_cost.py --out benchmarks/results/links_cost.csv

Models with and without links train in turn on the same data, so that the machine's drift hits
both. Times are CPU seconds of this process, which has one thread: those of the median epoch, its
validation pass included, and of the median step. The links of the large data are random, and so
are its features; what they say does not change what they cost.
"""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path
from typing import NamedTuple

import anndata
import mudata
import numpy as np
import pandas as pd
import scvi
from lightning.pytorch.callbacks import Callback
from quiet import run_quietly

from modis import MODIS
from modis.datasets import intersim, unpair


class Stopwatch(Callback):
    """CPU seconds of epochs and steps; the first epoch, which warms up, does not count."""

    def __init__(self):
        self.epochs, self.steps = [], []

    def on_train_epoch_start(self, trainer, pl_module):
        self.epoch_started = time.process_time()

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.step_started = time.process_time()

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if trainer.current_epoch:
            self.steps.append(time.process_time() - self.step_started)

    # Lightning validates before it ends the training epoch
    def on_train_epoch_end(self, trainer, pl_module):
        if trainer.current_epoch:
            self.epochs.append(time.process_time() - self.epoch_started)


class Size(NamedTuple):
    """Data with links, and how often and how long to train on them."""

    mdata: mudata.MuData
    links: pd.DataFrame
    rounds: int
    epochs: int


def small() -> Size:
    paired = intersim(3_000)
    return Size(unpair(paired), paired.uns["feature_links"], rounds=5, epochs=10)


def large(n_obs: int = 1_500, n_features: int = 20_000, n_links: int = 50_000) -> Size:
    rng = np.random.default_rng(0)
    names = ("rna", "atac")
    modalities = {}
    for name in names:
        obs = pd.DataFrame(
            {"label": rng.choice(list("abcde"), n_obs)},
            index=[f"{name}_sample_{k}" for k in range(n_obs)],
        )
        values = rng.standard_normal((n_obs, n_features), dtype=np.float32)
        var = pd.DataFrame(index=[f"{name}_{k}" for k in range(n_features)])
        modalities[name] = anndata.AnnData(values, obs=obs, var=var)
    # a draw or two of 400 million may come twice
    chosen = np.unique(rng.integers(n_features**2, size=n_links))
    columns = {}
    for side, name, codes in zip(
        ("source", "target"), names, np.divmod(chosen, n_features), strict=True
    ):
        columns[f"{side}_modality"] = name
        columns[f"{side}_feature"] = modalities[name].var_names[codes]
    return Size(mudata.MuData(modalities), pd.DataFrame(columns), rounds=3, epochs=4)


SIZES = {"658 features": small, "20,000 + 20,000 features": large}


def time_training(size: Size, *, labels: bool, links: bool) -> tuple[float, float]:
    """CPU seconds of the median epoch and of the median step."""
    scvi.settings.seed = 0
    MODIS.setup_mudata(size.mdata, labels_key="label" if labels else None)
    model = MODIS(size.mdata, feature_links=size.links if links else None)
    watch = Stopwatch()
    model.train(
        max_epochs=size.epochs + 1,
        early_stopping=False,
        accelerator="cpu",
        callbacks=[watch],
        enable_progress_bar=False,
    )
    return float(np.median(watch.epochs)), float(np.median(watch.steps))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    options = parser.parse_args()
    run_quietly(logging.ERROR)
    rows = []
    for name in options.sizes:
        size = SIZES[name]()
        for round_ in range(size.rounds):
            for labels in (True, False):
                taken = {}
                # who comes first takes turns
                for links in (False, True) if round_ % 2 == 0 else (True, False):
                    taken[links] = time_training(size, labels=labels, links=links)
                row = {"size": name, "labels": "all" if labels else "none", "round": round_}
                for part, unlinked, linked in zip(
                    ("epoch", "step"), taken[False], taken[True], strict=True
                ):
                    row |= {
                        f"{part}_unlinked_s": unlinked,
                        f"{part}_linked_s": linked,
                        f"{part}_ratio": linked / unlinked,
                    }
                rows.append(row)
                print(row, flush=True)
                pd.DataFrame(rows).to_csv(options.out, index=False, float_format="%.4f")
    ratios = pd.DataFrame(rows).groupby(["size", "labels"], sort=False)
    print(ratios[["epoch_ratio", "step_ratio"]].agg(["median", "min", "max"]))


if __name__ == "__main__":
    main()
