"""What the choices for small cohorts are worth: train with another one in the place of each.

    python benchmarks/small_cohort.py FOLDER --seeds 3 --out benchmarks/results/small_cohort.csv

FOLDER holds the data sets of :data:`TASKS`. Only their training parts are used: 30 % of it, drawn
by class and seed, is judged, and the test part is left alone. Balanced accuracy per modality,
beside that of logistic regression and random forests on the same samples. Runs that are in the
file already are not made again; delete it when the package or the data change.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from modis.studies import benchmark

SPLIT = {"split_key": "split70_seed0"}
TASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "tumours": ("brca_tcga", SPLIT | {"unpaired": True}),
    "tumours, 5 labels": ("brca_tcga", SPLIT | {"unpaired": True, "tasks": ["few"]}),
    "tumours, mosaic": ("brca_tcga_partial", SPLIT),
    "bone marrow cells": (
        "bmmc_multiome",
        {"split_key": "split", "unpaired": True, "batch_key": "batch"},
    ),
    "blood cells, mosaic, 5 labels": ("pbmc_mosaic", SPLIT | {"tasks": ["few"]}),
}


def weights(**terms: float) -> dict[str, Any]:
    return {"plan_kwargs": {"loss_weights": terms}}


# model's and training's arguments
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "defaults": ({}, {}),
    "hidden layer on the features": ({"n_layers": 1, "n_components": None}, {}),
    "hidden layer on the components": ({"n_layers": 1}, {"train_size": 1.0}),
    "20 components": ({"n_components": 20}, {}),
    "no ridge penalty": ({}, weights(ridge=0.0)),
    "a quarter of the ridge penalty": ({}, weights(ridge=30.0)),
    "no component dropped": ({"component_dropout": 0.0}, {}),
    "a tenth held out": ({}, {"train_size": 0.9}),
    "classes not balanced": ({}, {"balance_classes": False}),
    "no pairing term": ({}, weights(pairing=0.0)),
    "no modality game": ({}, weights(adversarial=0.0, modality=0.0, gradient_penalty=0.0)),
}
BASELINES = ("lr", "rf")


def measure(folder: Path, task: str, variant: str, seeds: int) -> pd.DataFrame:
    """Balanced accuracy per method, modality and seed."""
    name, design = TASKS[task]
    model_kwargs, train_kwargs = VARIANTS[variant]
    methods = ["modis", *BASELINES] if variant == "defaults" else ["modis"]
    found = benchmark(
        folder / f"{name}.h5mu",
        "label",
        methods=methods,
        splits=seeds,
        validation=True,
        model_kwargs=model_kwargs,
        train_kwargs=train_kwargs,
        **({"tasks": ["classes"]} | design),
    ).results
    found = found[(found["metric"] == "balanced_accuracy") & (found["source"] != "combined")]
    rows = found[["method", "source", "seed", "value"]].rename(
        columns={"source": "modality", "value": "balanced_accuracy"}
    )
    return rows.assign(task=task, variant=rows["method"].where(rows["method"] != "modis", variant))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    done = pd.read_csv(arguments.out) if arguments.out.exists() else None
    for variant in VARIANTS:
        for task in TASKS:
            if done is not None and ((done["task"] == task) & (done["variant"] == variant)).any():
                continue
            rows = measure(arguments.folder, task, variant, arguments.seeds)
            rows = rows[["task", "variant", "modality", "seed", "balanced_accuracy"]]
            done = rows if done is None else pd.concat([done, rows], ignore_index=True)
            done.round(4).to_csv(arguments.out, index=False)
    means = done.pivot_table("balanced_accuracy", "variant", "task", sort=False)
    print(means.round(3).to_string())


if __name__ == "__main__":
    main()
