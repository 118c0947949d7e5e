"""Memory that sparse counts take from setup to predictions, beside that of their dense matrix.

    python benchmarks/memory.py --out benchmarks/results/memory.csv

Simulated cells with a sparse RNA modality and a small protein modality are written to a file. A
fresh process reads it, sets the data up, trains for an epoch and encodes and classifies all cells.
How far its peak of resident memory rises above that of the data just read is what MODIS takes;
weights, gradients and optimiser are part of it, and are named beside it.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import mudata
import numpy as np
import pandas as pd
from anndata import AnnData
from quiet import run_quietly
from scipy import sparse

from modis import MODIS

MEGABYTE = 2**20
N_PROTEINS, BATCH_SIZE = 50, 256


def simulate(path: Path, n_obs: int, n_vars: int, density: float) -> None:
    """Write counts of which `density` are not zero, and proteins, with five types of cells."""
    rng = np.random.default_rng(0)
    per_row = round(density * n_vars)
    # one gene of every stretch of equal length
    stretch = n_vars // per_row
    genes = np.arange(per_row) * stretch
    indices = [genes + rng.integers(0, stretch, per_row) for _ in range(n_obs)]
    values = rng.geometric(0.5, size=n_obs * per_row).astype(np.float32)
    counts = sparse.csr_matrix(
        (values, np.concatenate(indices), np.arange(n_obs + 1) * per_row), shape=(n_obs, n_vars)
    )
    protein = rng.normal(size=(n_obs, N_PROTEINS)).astype(np.float32)
    mdata = mudata.MuData({"rna": AnnData(counts), "protein": AnnData(protein)})
    mdata.obs["label"] = [f"type {k % 5}" for k in range(n_obs)]
    mdata.write(path)


def peak() -> float:
    """Highest resident memory of this process so far, MB."""
    # Linux counts in kilobytes, macOS in bytes
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MEGABYTE


def measure(path: Path) -> dict[str, float]:
    """Peaks by stage, MB; meant for a process that has done nothing else."""
    mdata = mudata.read(path)
    peaks = {"loaded": peak()}
    MODIS.setup_mudata(mdata, labels_key="label", likelihood={"rna": "nb"})
    peaks["setup"] = peak()
    model = MODIS(mdata)
    model.train(max_epochs=1, batch_size=BATCH_SIZE, accelerator="cpu", enable_progress_bar=False)
    peaks["training"] = peak()
    model.get_latent_representation(modality="rna")
    model.predict()
    peaks["inference"] = peak()
    # single precision: weights, their gradients and Adam's two moments
    n_weights = sum(weights.numel() for weights in model.module.parameters())
    return peaks | {"networks": n_weights * 16 / MEGABYTE}


def in_fresh_process(*arguments: str) -> str:
    """Run this script again, and give back the last line that it prints."""
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return (done.stdout.strip().splitlines() or [""])[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--n-obs", type=int, default=20_000)
    parser.add_argument("--n-vars", type=int, nargs="+", default=[4_000, 30_000])
    parser.add_argument("--density", type=float, default=0.05)
    parser.add_argument("--simulate", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    run_quietly()
    if options.simulate is not None:
        simulate(options.simulate, options.n_obs, *options.n_vars, options.density)
    elif options.measure is not None:
        print(json.dumps(measure(options.measure)))
    elif options.out is None:
        parser.error("--out is needed")
    else:
        compare(options)


def compare(options: argparse.Namespace) -> None:
    """Measure every size, and write the table."""
    rows = []
    for n_vars in options.n_vars:
        size = {"n_obs": options.n_obs, "n_vars": n_vars, "density": options.density}
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "cells.h5mu")
            given = ["--n-obs", options.n_obs, "--n-vars", n_vars, "--density", options.density]
            in_fresh_process("--simulate", path, *map(str, given))
            peaks = json.loads(in_fresh_process("--measure", path))
        loaded = peaks["loaded"]
        row = size | {
            "dense_mb": options.n_obs * n_vars * 4 / MEGABYTE,
            "loaded_mb": loaded,
            **{f"{name}_mb": peaks[name] - loaded for name in ("setup", "training", "inference")},
            "networks_mb": peaks["networks"],
        }
        rows.append(row)
        print(row, flush=True)
        pd.DataFrame(rows).to_csv(options.out, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
