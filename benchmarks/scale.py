"""How time and memory grow with the number of cells, of modalities and of classes.

    python benchmarks/scale.py --out benchmarks/results/scale.csv

Each row is a fresh process with one thread. Sparse counts of 2,000 genes are simulated, with 100
proteins for a fifth as many cells, half of which have both. They are trained on from memory and
from the file (``backed="r"``), 200,000 cells in all and one epoch at least, and all are encoded.
Seconds are those of the processor, of the median epoch; the machine is shared, so quote ratios.
`--what` chooses a part. `--first 150` trains on so many minibatches only, which makes a million
cells a matter of minutes.

SCVI gets the genes alone. MULTIVI, which wants a row for every cell and counts, gets both: zeros
where a cell lacks a modality, and proteins as counts, ``floor(10 exp(value))``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import mudata
import numpy as np
import pandas as pd
import scvi
from anndata import AnnData
from lightning.pytorch.callbacks import Callback
from memory import peak
from plain_loop import train_plainly
from quiet import run_quietly
from scipy import sparse

from modis import MODIS
from modis.data import DataSpec, read_registered
from modis.datasets import intersim

N_GENES, N_EXPRESSED, N_PROTEINS, N_TYPES = 2_000, 100, 100, 10
BATCH_SIZE = 256
# cells that are trained on, all epochs together
N_TRAINED = 200_000
QUIET = {"accelerator": "cpu", "enable_progress_bar": False}
LIKELIHOODS = {"rna": "nb"}


def simulate(path: Path, n_obs: int, paired: float = 0.5) -> None:
    """Write cells of ten types; of those with proteins, a share that is `paired` has both."""
    rng = np.random.default_rng(0)
    stretch = N_GENES // N_EXPRESSED
    blocks = []
    types = rng.integers(0, N_TYPES, n_obs)
    for start in range(0, n_obs, 10_000):
        own = types[start : start + 10_000]
        genes = np.arange(N_EXPRESSED) * stretch + rng.integers(
            0, stretch, (len(own), N_EXPRESSED)
        )
        rate = 0.6 - 0.3 * (genes % N_TYPES == own[:, None])
        values = rng.geometric(rate).astype(np.float32)
        ends = np.arange(len(own) + 1) * N_EXPRESSED
        shape = (len(own), N_GENES)
        blocks.append(sparse.csr_matrix((values.ravel(), genes.ravel(), ends), shape=shape))
    n_proteins = n_obs // 5
    n_both = int(paired * n_proteins)
    own = np.concatenate([types[:n_both], rng.integers(0, N_TYPES, n_proteins - n_both)])
    protein = rng.normal(size=(n_proteins, N_PROTEINS)) + np.eye(N_TYPES)[own].repeat(10, axis=1)
    names = np.array([f"cell {k}" for k in range(n_obs)])
    others = np.array([f"other {k}" for k in range(n_proteins - n_both)])
    adatas = {
        "rna": AnnData(sparse.vstack(blocks, format="csr"), obs=label(names, types)),
        "protein": AnnData(
            protein.astype(np.float32), obs=label(np.concatenate([names[:n_both], others]), own)
        ),
    }
    mudata.MuData(adatas).write(path)


def label(names: np.ndarray, types: np.ndarray) -> pd.DataFrame:
    """Column of classes."""
    return pd.DataFrame({"label": [f"type {k}" for k in types]}, index=names)


class Clock(Callback):
    """Processor and wall seconds when epochs start and end, and minibatches of the last."""

    def __init__(self) -> None:
        self.starts, self.ends, self.n_batches = [], [], 0

    def on_train_epoch_start(self, trainer, pl_module) -> None:
        """An epoch starts."""
        self.starts.append((time.process_time(), time.perf_counter()))

    def on_train_batch_end(self, trainer, *_) -> None:
        """A minibatch, and maybe an epoch, ends; the validation comes later."""
        if trainer.is_last_batch:
            self.ends.append((time.process_time(), time.perf_counter()))
            self.n_batches = trainer.num_training_batches

    @property
    def seconds(self) -> tuple[float, float]:
        """Of the median epoch, processor and wall."""
        return tuple(np.median(np.array(self.ends) - np.array(self.starts), axis=0))

    @property
    def found(self) -> dict[str, float]:
        """How long an epoch takes."""
        seconds, wall = self.seconds
        rate = self.n_batches / seconds
        return {"epoch_s": seconds, "epoch_wall_s": wall, "minibatches_per_s": rate}


def n_epochs(n_obs: int) -> int:
    """More epochs where they are short."""
    return max(1, min(10, N_TRAINED // n_obs))


def measure_cells(path: Path, from_disk: bool, limit: int) -> dict[str, float]:
    """Set-up, training and encoding of the cells in a file; `limit` minibatches, 0 for all."""
    before = peak()
    mdata = mudata.read_h5mu(path, backed="r") if from_disk else mudata.read_h5mu(path)
    loaded, started = peak(), time.process_time()
    MODIS.setup_mudata(mdata, labels_key="label", likelihood=LIKELIHOODS)
    model = MODIS(mdata)
    setup, clock = time.process_time() - started, Clock()
    how = {"max_epochs": n_epochs(mdata["rna"].n_obs)}
    if limit:
        how = {"max_epochs": 1, "limit_train_batches": limit}
    model.train(batch_size=BATCH_SIZE, callbacks=[clock], **how, **QUIET)
    after = time.process_time() - clock.ends[-1][0]
    trained = peak()
    model.get_latent_representation()
    return {
        "setup_s": setup,
        "before_first_epoch_s": clock.starts[0][0] - started - setup,
        **clock.found,
        "after_last_step_s": after,
        "loaded_mb": loaded - before,
        "training_mb": trained - before,
        "encoding_mb": peak() - before,
    }


def measure_rival(path: Path, name: str) -> dict[str, float]:
    """Epoch of SCVI, genes only, or of MULTIVI on the same cells."""
    before = peak()
    mdata, clock = mudata.read_h5mu(path), Clock()
    n_obs = mdata["rna"].n_obs
    if name == "scvi":
        scvi.model.SCVI.setup_anndata(mdata["rna"])
        model = scvi.model.SCVI(mdata["rna"])
    else:
        layers = {"rna_layer": "rna", "protein_layer": "protein"}
        mdata = with_zeros(mdata)
        scvi.model.MULTIVI.setup_mudata(mdata, modalities=layers)
        model = scvi.model.MULTIVI(mdata)
    how = {"batch_size": BATCH_SIZE, "callbacks": [clock], **QUIET}
    model.train(max_epochs=n_epochs(n_obs), **how)
    return clock.found | {"training_mb": peak() - before}


def with_zeros(mdata: mudata.MuData) -> mudata.MuData:
    """Counts of all cells in both modalities, 0 where a cell lacks one."""
    names, adatas = mdata.obs_names, {}
    for name, adata in mdata.mod.items():
        rows = names.get_indexer(adata.obs_names)
        counts = sparse.csr_matrix(adata.X if name == "rna" else np.floor(10 * np.exp(adata.X)))
        place = sparse.csr_matrix(
            (np.ones(len(rows), dtype=np.float32), (rows, np.arange(len(rows)))),
            shape=(len(names), len(rows)),
        )
        x = place @ counts
        adatas[name] = AnnData(x if name == "rna" else x.toarray(), obs=pd.DataFrame(index=names))
    return mudata.MuData(adatas)


def measure_plain(path: Path, batch_size: int) -> dict[str, float]:
    """Epoch of model.train() over that of a plain loop on tensors in memory, three of each."""
    mdata = mudata.read_h5mu(path)
    MODIS.setup_mudata(mdata, labels_key="label", likelihood=LIKELIHOODS)
    ours, plain = [], []
    for _ in range(3):
        model, clock = MODIS(mdata, linear_models=False), Clock()
        model.train(max_epochs=3, batch_size=batch_size, train_size=1, callbacks=[clock], **QUIET)
        ours.append(clock.seconds[0])
        other = MODIS(mdata)
        data = read_registered(mdata, DataSpec.from_registry(other.registry))
        for name, item in data.items():
            other.module.fit_scaler(name, item.matrix.chunks(compact=True))
        marks = [time.process_time()]
        train_plainly(
            other.module,
            data,
            epochs=3,
            batch_size=batch_size,
            lr=1e-3,
            lr_discriminator=1e-3,
            weights=other.preset.loss_weights,
            after_epoch=lambda *_, marks=marks: marks.append(time.process_time()),
        )
        plain.append(np.median(np.diff(marks)))
    ratios = np.divide(ours, plain)
    return {
        "epoch_s": np.median(ours),
        "plain_epoch_s": np.median(plain),
        "ratio": np.median(ratios),
        "ratio_min": ratios.min(),
        "ratio_max": ratios.max(),
    }


def measure_many(n_modalities: int, n_classes: int, n_obs: int) -> dict[str, float]:
    """Unpaired modalities of 100 features, `n_obs` samples each."""
    before = peak()
    rng, adatas = np.random.default_rng(0), {}
    means = rng.normal(size=(n_classes, 100))
    for k in range(n_modalities):
        own = np.arange(n_obs) % n_classes
        x = (means[own] + rng.normal(size=(n_obs, 100))).astype(np.float32)
        names = np.array([f"{k} {row}" for row in range(n_obs)])
        adatas[f"m{k}"] = AnnData(x, obs=label(names, own))
    mdata = mudata.MuData(adatas)
    started = time.process_time()
    MODIS.setup_mudata(mdata, labels_key="label")
    model, clock = MODIS(mdata), Clock()
    setup = time.process_time() - started
    model.train(max_epochs=3, batch_size=64, callbacks=[clock], **QUIET)
    return {
        "setup_s": setup,
        "before_first_epoch_s": clock.starts[0][0] - started - setup,
        "epoch_s": clock.seconds[0],
        "step_s": clock.seconds[0] / clock.n_batches,
        "after_last_step_s": time.process_time() - clock.ends[-1][0],
        "training_mb": peak() - before,
        "training_accuracy": accuracy(model, mdata),
    }


def measure_processes(n_processes: int, batch_size: int) -> dict[str, float]:
    """Wall seconds of the median of 25 epochs, shared out among processes of one thread each."""
    mdata = intersim(8_000, seed=0)
    MODIS.setup_mudata(mdata, labels_key="label")
    model, clock = MODIS(mdata, linear_models=False), Clock()
    how = {"devices": n_processes} if n_processes > 1 else {}
    how |= {"max_epochs": 25, "train_size": 1.0, "batch_size": batch_size, "callbacks": [clock]}
    model.train(early_stopping=False, **how, **QUIET)
    if os.environ.get("LOCAL_RANK", "0") != "0":
        # of several, the first tells
        sys.exit()
    return {"epoch_wall_s": clock.seconds[1]}


def accuracy(model: MODIS, mdata: mudata.MuData) -> float:
    """Share of the training samples of the first modality whose class is found."""
    adata = mdata.mod["m0"]
    return float((model.predict(modality="m0") == adata.obs["label"]).mean())


def measure(arguments: list[str]) -> dict[str, float]:
    """One row of the table; meant for a process that has done nothing else."""
    what, *given = arguments
    if what == "simulate":
        simulate(Path(given[0]), int(given[1]), float(given[2]))
        return {}
    if what in ("memory", "disk"):
        return measure_cells(Path(given[0]), what == "disk", int(given[1]))
    if what in ("scvi", "multivi"):
        return measure_rival(Path(given[0]), what)
    if what == "plain":
        return measure_plain(Path(given[0]), int(given[1]))
    if what == "processes":
        return measure_processes(*map(int, given))
    return measure_many(*map(int, given))


def in_fresh_process(*arguments: object) -> dict[str, float]:
    """Run this script again, and give back what it measured."""
    command = [sys.executable, __file__, "--measure", *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--n-obs", type=int, nargs="+", default=[10_000, 30_000, 100_000])
    parser.add_argument("--million", action="store_true", help="1,000,000 cells as well")
    parser.add_argument("--first", type=int, default=0, help="only so many minibatches")
    parser.add_argument("--what", nargs="+", default=["cells", "plain", "many", "processes"])
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    run_quietly()
    scvi.settings.seed = 0
    if options.measure is not None:
        print(json.dumps(measure(options.measure)))
    elif options.out is None:
        parser.error("--out is needed")
    else:
        compare(options)


def compare(options: argparse.Namespace) -> None:
    """Measure every part, and write the table after each row; rows of other parts stay."""
    cells, rows = f"cells, first {options.first}" if options.first else "cells", []
    if options.out.exists():
        known = pd.read_csv(options.out)
        parts = [cells if what == "cells" else what for what in options.what]
        rows = known[~known["part"].isin(parts)].to_dict("records")

    def add(part: str, method: str, size: dict[str, int], *arguments: object) -> dict[str, float]:
        found = in_fresh_process(*arguments)
        rows.append({"part": part, "method": method, **size, **found})
        print(rows[-1], flush=True)
        pd.DataFrame(rows).to_csv(options.out, index=False, float_format="%.4g")
        return found

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cells.h5mu"
        if "cells" in options.what:
            methods = ["memory", "disk", *([] if options.first else ["scvi", "multivi"])]
            seconds: dict[str, list[float]] = {method: [] for method in methods}
            sizes = [*options.n_obs, *([1_000_000] if options.million else [])]
            for n_obs in sizes:
                in_fresh_process("simulate", path, n_obs, 0.5)
                for method, own in seconds.items():
                    # theirs would take long with a million
                    if method in ("memory", "disk") or n_obs <= N_TRAINED:
                        found = add(cells, method, {"n_obs": n_obs}, method, path, options.first)
                        own.append(n_obs / found["minibatches_per_s"])
            for method, own in seconds.items():
                slope = np.polyfit(np.log(sizes[: len(own)]), np.log(own), 1)[0]
                print(f"exponent of the time per epoch, {method}: {slope:.3f}")
        if "plain" in options.what:
            in_fresh_process("simulate", path, 10_000, 0)
            for batch_size in (64, 256, 1_024):
                size = {"n_obs": 10_000, "batch_size": batch_size}
                add("plain", "model.train over plain loop", size, "plain", path, batch_size)
    if "many" in options.what:
        for given in ((2, 10, 10_000), (30, 10, 10_000), (2, 1_000, 50_000)):
            size = dict(zip(("n_modalities", "n_classes", "n_obs"), given, strict=True))
            add("many", "memory", size, "many", *given)
    if "processes" in options.what:
        for batch_size in (256, 1_024):
            for n in (1, 2):
                size = {"n_obs": 8_000, "batch_size": batch_size}
                add("processes", f"{n} of them", size, "processes", n, batch_size)


if __name__ == "__main__":
    main()
