"""What each part of MODIS is worth on real data: train with another in its place.

    python benchmarks/ablation.py --out RUNS --results benchmarks/results/ablation.csv [--jobs 2]

Reads the folder that MODIS_SHARED_DATA names, or shared/data beside the repository. All splits are
made of training parts. Finished runs are kept in RUNS. A row of the results is a variant on a data
set: the mean of a metric over modalities or directions and splits, and the mean and standard
deviation over splits of the difference to the defaults.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pandas as pd
from real import SUITE, data_folder

from modis.studies import benchmark

ONE_TRAINING = ("classes", "translation", "matching")
#: Rows of the suite, and their tasks.
DATA = {
    "brca_tcga_unpaired": ONE_TRAINING,
    "brca_tcga_partial": ("few", *ONE_TRAINING),
    "tcga_rare": ONE_TRAINING,
    "pbmc10k_cite_unpaired": ONE_TRAINING,
}
METRICS = {
    "classes": ("balanced_accuracy", "accuracy", "log_loss"),
    "few": ("balanced_accuracy",),
    "translation": ("mse",),
    "matching": ("foscttm",),
}


def without(**weights: float) -> dict[str, Any]:
    return {"train_kwargs": {"plan_kwargs": {"loss_weights": weights}}}


VARIANTS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "no linear models": {"model_kwargs": {"linear_models": False}},
    # the networks as they are at the start, and linear models as ever
    "one epoch of the networks": {"train_kwargs": {"max_epochs": 1}},
    "no adversarial game": without(adversarial=0.0, modality=0.0),
    "no classes in the discriminator": without(classification=0.0),
    "no gradient penalty": without(gradient_penalty=0.0),
    "no cycle term": without(cycle=0.0),
    "no pairing term": without(pairing=0.0),
    "no link term": without(link=0.0),
    "clustering loss at full weight": without(clustering=1.0),
    # nothing is held out, so the weights of the last epoch stay
    "last weights, not the best": {"train_kwargs": {"train_size": 1.0}},
    "relativistic game": {"model_kwargs": {"adversarial": "relativistic"}},
}
#: Terms that these data do not have.
IDLE = {
    "no pairing term": ("brca_tcga_unpaired", "pbmc10k_cite_unpaired"),
    "no link term": ("brca_tcga_unpaired", "brca_tcga_partial", "tcga_rare"),
}


def compare(results: pd.DataFrame) -> pd.DataFrame:
    """Means, and differences to the defaults over splits."""
    wanted = pd.concat(
        [
            results[(results["task"] == task) & results["metric"].isin(metrics)]
            for task, metrics in METRICS.items()
        ]
    )
    # from one modality each; what is combined has a row of its own
    together = wanted["source"] == "combined"
    wanted = wanted.assign(task=wanted["task"].where(~together, wanted["task"] + ", combined"))
    index = ["data", "task", "metric", "seed"]
    means = wanted.pivot_table("value", index, "variant", sort=False)
    rows = []
    for variant in means.columns:
        apart = means[variant] - means["defaults"]
        for where, own in means[variant].dropna().groupby(level=[0, 1, 2], sort=False):
            change = apart.loc[own.index]
            rows.append([variant, *where, own.mean(), change.mean(), change.std(), len(own)])
    names = ["variant", *index[:3], "mean", "difference", "sd", "splits"]
    return pd.DataFrame(rows, columns=names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=DATA, default=list(DATA))
    options = parser.parse_args()
    found = []
    for name in options.only:
        file, _, how = SUITE[name]
        for variant, changes in VARIANTS.items():
            if name in IDLE.get(variant, ()):
                continue
            comparison = benchmark(
                data_folder() / f"{file}.h5mu",
                "label",
                options.out / name,
                methods=["modis"],
                splits=options.splits,
                validation=True,
                jobs=options.jobs,
                **(how | {"tasks": DATA[name]} | changes),
            )
            found.append(comparison.results.assign(data=name, variant=variant))
        compare(pd.concat(found)).to_csv(options.results, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
