"""Wall time of model.train() over that of a plain PyTorch loop, for the same steps.

    python benchmarks/throughput.py DATA.h5mu --out benchmarks/results/throughput.csv

The two run in turn, so that the machine's drift hits both; quote the ratios.
"""

from __future__ import annotations

import argparse
import logging
import time
import warnings
from pathlib import Path

import mudata
import pandas as pd
import scvi
import torch
from plain_loop import train_plainly

from modis import MODIS
from modis.data import DataSpec, read_registered
from modis.studies._settings import split_paired


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[32, 128])
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    scvi.settings.verbosity = logging.WARNING
    scvi.settings.seed = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        train, _ = split_paired(mudata.read(options.data))
    MODIS.setup_mudata(train, labels_key="label")
    rows = []
    for threads in options.threads:
        torch.set_num_threads(threads)
        for batch_size in options.batch_sizes:
            for round_ in range(options.rounds):
                model = MODIS(train)
                started = time.perf_counter()
                model.train(
                    max_epochs=options.epochs,
                    batch_size=batch_size,
                    train_size=1.0,
                    enable_progress_bar=False,
                )
                ours = time.perf_counter() - started
                other = MODIS(train)
                data = read_registered(train, DataSpec.from_registry(other.registry))
                for name, item in data.items():
                    other.module.fit_scaler(name, item.matrix.chunks())
                plain = train_plainly(
                    other.module,
                    data,
                    epochs=options.epochs,
                    batch_size=batch_size,
                    lr=1e-3,
                    lr_discriminator=1e-3,
                    weights=other.preset.loss_weights,
                )
                row = {
                    "threads": threads,
                    "batch_size": batch_size,
                    "epochs": options.epochs,
                    "round": round_,
                    "model_train_s": ours,
                    "plain_loop_s": plain,
                    "ratio": ours / plain,
                }
                rows.append(row)
                print(row, flush=True)
                pd.DataFrame(rows).to_csv(options.out, index=False, float_format="%.4f")
    print(
        pd.DataFrame(rows)
        .groupby(["threads", "batch_size"])["ratio"]
        .agg(["median", "min", "max"])
    )


if __name__ == "__main__":
    main()
