"""Held-out log-likelihood of RNA counts per cell: MODIS with a negative binomial against SCVI.

    python benchmarks/counts_likelihood.py DATA.h5mu --out benchmarks/results/counts_likelihood.csv

Both have the same latent dimensions, the same epochs and the same training cells, and everything
else as it is by default. A cell's counts are judged by log p(x | z) at the mean of its posterior
and at its own library size. `--develop` leaves the test part alone and holds out a quarter of the
training part.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import mudata
import numpy as np
import pandas as pd
import scvi
import torch
from quiet import run_quietly

from modis import MODIS

# modalities and column of the labels of each MODIS model
VARIANTS = {
    "modis, rna": (["rna"], None),
    "modis, rna, labels": (["rna"], "label"),
    "modis, rna and protein": (["rna", "protein"], None),
    "modis, rna and protein, labels": (["rna", "protein"], "label"),
}


def parts(data, split_key, n_train, develop):
    """Names of the cells to train on, and of those held out."""
    names = data.obs_names[data.obs[split_key] == "train"]
    held_out = data.obs_names[data.obs[split_key] == "test"]
    shuffled = np.random.default_rng(0).permutation(names)
    if develop:
        n_held_out = len(names) // 4
        held_out, shuffled = shuffled[:n_held_out], shuffled[n_held_out:]
    return shuffled[:n_train], held_out


def minibatches(mdata):
    counts = mdata["rna"].layers["counts"]
    for start in range(0, counts.shape[0], 512):
        yield torch.from_numpy(counts[start : start + 512].toarray().astype(np.float32))


def with_scvi(train, held_out, n_latent, epochs):
    adata = train["rna"].copy()
    scvi.model.SCVI.setup_anndata(adata, layer="counts")
    model = scvi.model.SCVI(adata, n_latent=n_latent, gene_likelihood="nb")
    model.train(max_epochs=epochs, accelerator="cpu", enable_progress_bar=False)
    module = model.module.eval()
    scores = []
    for x in minibatches(held_out):
        batch = torch.zeros(len(x), 1)
        encoded = module.inference(x, batch)
        px = module.generative(encoded["qz"].mean, encoded["library"], batch)["px"]
        scores.append(px.log_prob(x).sum(dim=1))
    return torch.cat(scores)


def with_modis(train, held_out, epochs, modalities, labels_key, options):
    MODIS.setup_mudata(
        train,
        modalities=modalities,
        labels_key=labels_key,
        layer={"rna": "counts"},
        likelihood={"rna": "nb"},
    )
    model = MODIS(train, **options.model)
    model.train(
        max_epochs=epochs, accelerator="cpu", enable_progress_bar=False, plan_kwargs=options.plan
    )
    module = model.module.eval()
    scores = []
    for x in minibatches(held_out):
        encoded = module.encode("rna", x)
        px = module.decoders["rna"](encoded.qz.mean, None, encoded.library)
        scores.append(px.log_prob(x).sum(dim=1))
    return torch.cat(scores)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--split-key", default="split70_seed0")
    parser.add_argument("--epochs", type=int, nargs="+", default=[20, 100])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--n-train", type=int, help="training cells, all by default")
    parser.add_argument("--develop", action="store_true")
    parser.add_argument("--methods", nargs="+", default=["scvi", *VARIANTS])
    parser.add_argument("--model", type=json.loads, default={}, help="JSON: arguments of MODIS")
    parser.add_argument("--plan", type=json.loads, default={}, help="JSON: plan_kwargs of train")
    options = parser.parse_args()
    run_quietly()
    data = mudata.read(options.data)
    names, held_out_names = parts(data, options.split_key, options.n_train, options.develop)
    train, held_out = data[names].copy(), data[held_out_names].copy()
    rows = []
    for epochs in options.epochs:
        for seed in range(options.seeds):
            for method in options.methods:
                scvi.settings.seed = seed
                started = time.perf_counter()
                if method == "scvi":
                    score = with_scvi(train, held_out, 32, epochs)
                else:
                    score = with_modis(train, held_out, epochs, *VARIANTS[method], options)
                row = {
                    "method": method,
                    "epochs": epochs,
                    "seed": seed,
                    "n_train": len(names),
                    "n_held_out": len(held_out_names),
                    "log_likelihood_per_cell": float(score.mean()),
                    "seconds": time.perf_counter() - started,
                }
                rows.append(row)
                print(row, flush=True)
                pd.DataFrame(rows).to_csv(options.out, index=False, float_format="%.2f")
    table = pd.DataFrame(rows).groupby(["epochs", "method"])["log_likelihood_per_cell"]
    print(table.agg(["mean", "min", "max"]).to_string())


if __name__ == "__main__":
    main()
