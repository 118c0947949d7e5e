"""What each part of the training is worth: train without it, or with another in its place.

    python benchmarks/ablation.py DATA.h5mu --links-file LINKS.csv --seeds 3 \
        --out benchmarks/results/ablation.csv

Only the training part of the paired data is used: a fifth of it, stratified by class and by the
modality that a sample keeps, is the evaluation part. Runs that are in the file already are not
made again; delete it when the package or the data change.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import mudata
import numpy as np
import pandas as pd
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging
from quiet import run_quietly

from modis.dataloaders import BalancedMinibatchSampler, _splitter
from modis.studies import SETTINGS
from modis.studies._experiment import evaluate
from modis.studies._methods import Method
from modis.studies._settings import LABELS_KEY
from modis.studies._source import split_paired
from modis.train import _training_plan

LINKS = "+links"
DEFAULT_SETTINGS = (
    "labels-0.2+links",
    "missing-2+links",
    "reference-2",
    "labels-0.5",
    "missing-2",
)
# by column: the metric, and which of a run's values stands for it
COLUMNS = {
    "accuracy": ("accuracy", "all modalities"),
    "worst_recall": ("recall", "min"),
    "label_transfer": ("label_transfer", "min"),
    "worst_mse_over_limit": ("mse_over_limit", "max"),
    "train_seconds": ("train_seconds", "max"),
}


class Unweighted(BalancedMinibatchSampler):
    """Labelled and unlabelled rows count as often as they are drawn."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.row_weights = np.ones_like(self.row_weights)


class GuidanceFirst(Callback):
    """No adversary in the first tenth of the training; at full weight from 30 % on."""

    step = 0

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        share = self.step / trainer.estimated_stepping_batches
        self.step += 1
        pl_module.loss_weights["adversarial"] = min(max((share - 0.1) / 0.2, 0.0), 1.0)


@dataclass(frozen=True)
class Variant:
    """One change from the defaults.

    `callbacks` are made anew for every run; each of `patches` is an object, an attribute of it,
    and what stands there during the training.
    """

    model: dict[str, Any] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    callbacks: tuple[Callable[[], Callback], ...] = ()
    patches: tuple[tuple[Any, str, Any], ...] = ()
    needs_links: bool = False


def plan(**kwargs: Any) -> dict[str, Any]:
    return {"plan_kwargs": kwargs}


def weigh(**terms: float) -> dict[str, Any]:
    return plan(loss_weights=terms)


def sampler(made: Callable[..., BalancedMinibatchSampler]) -> tuple[tuple[Any, str, Any], ...]:
    return ((_splitter, "BalancedMinibatchSampler", made),)


VARIANTS = {
    "defaults": Variant(),
    # what the paper has
    "clustering loss at full weight": Variant(train=weigh(clustering=1.0)),
    # what the paper does not have
    "no gradient penalty": Variant(train=weigh(gradient_penalty=0.0)),
    "no linear models": Variant(model={"linear_models": False}),
    "no cycle term": Variant(train=weigh(cycle=0.0)),
    "no link term": Variant(train=weigh(link=0.0), needs_links=True),
    # nothing is held out, so the weights of the last epoch stay
    "last weights, not the best": Variant(train={"train_size": 1.0}),
    "row weights all 1": Variant(patches=sampler(Unweighted)),
    "half of each minibatch labelled": Variant(
        patches=sampler(partial(BalancedMinibatchSampler, min_labeled=0.5))
    ),
    "constant learning rate": Variant(
        patches=((_training_plan, "learning_rate_factor", lambda step, n_steps: 1.0),)
    ),
    # what else there is
    "relativistic game": Variant(model={"adversarial": "relativistic"}),
    "learning rates 3e-3": Variant(train=plan(lr=3e-3, lr_discriminator=3e-3)),
    "guidance first, adversary after": Variant(callbacks=(GuidanceFirst,)),
    # the average takes the place of the best weights, so nothing is held out here either
    "averaged weights (EMA, 0.99)": Variant(
        train={"train_size": 1.0}, callbacks=(partial(EMAWeightAveraging, decay=0.99),)
    ),
}


@dataclass(frozen=True)
class Data:
    """Parts of the training data, the pairs they come from, and linked features."""

    train: mudata.MuData
    held_out: mudata.MuData
    truth: mudata.MuData
    links: pd.DataFrame

    @classmethod
    def read(cls, path: Path, links_file: Path) -> Data:
        everything = mudata.read(path)
        truth = everything[(everything.obs["split"] == "train").to_numpy()].copy()
        # drawn, not the part that the column names
        del truth.obs["split"]
        train, held_out = split_paired(truth)
        return cls(train, held_out, truth, pd.read_csv(links_file))


def measure(data: Data, variant: Variant, setting: str, seed: int) -> pd.Series:
    """Train once; missing values where the training diverged."""
    name, with_links, _ = setting.partition(LINKS)
    method = Method("MODIS", variant.model, variant.train, links=bool(with_links))
    with ExitStack() as stack:
        for target, attribute, value in variant.patches:
            stack.enter_context(patch.object(target, attribute, value))
        try:
            model, seconds = method.fit(
                SETTINGS[name].apply(data.train, seed),
                seed,
                {"labels_key": LABELS_KEY if SETTINGS[name].labeled_fraction else None},
                {"feature_links": data.links} if method.links else {},
                {
                    "callbacks": [make() for make in variant.callbacks],
                    "enable_progress_bar": False,
                },
            )
        except RuntimeError as error:
            print(error, flush=True)
            return pd.Series(np.nan, index=list(COLUMNS))
    rows = evaluate(model, data.held_out, data.truth)
    table = pd.DataFrame([{"metric": "train_seconds", "value": seconds}, *rows])
    values = table.groupby("metric")["value"].agg(["min", "max"])
    over_all = table[table["source"] == "all"].groupby("metric")["value"].first()
    values["all modalities"] = over_all
    values = values.reindex([metric for metric, _ in COLUMNS.values()])
    return pd.Series({name: values.loc[where] for name, where in COLUMNS.items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--links-file", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    choices = [name + how for name in SETTINGS for how in ("", LINKS)]
    parser.add_argument("--settings", nargs="+", choices=choices, default=DEFAULT_SETTINGS)
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    options = parser.parse_args()
    run_quietly(logging.ERROR)
    data = Data.read(options.data, options.links_file)
    keys = ["variant", "setting", "seed"]
    done = set()
    if options.out.exists():
        done = set(pd.read_csv(options.out)[keys].itertuples(index=False, name=None))
    for seed in range(options.seeds):
        for setting in options.settings:
            for name in options.variants:
                variant = VARIANTS[name]
                if (name, setting, seed) in done:
                    continue
                if variant.needs_links and LINKS not in setting:
                    continue
                measured = measure(data, variant, setting, seed)
                row = dict(zip(keys, (name, setting, seed), strict=True)) | measured.to_dict()
                print(row, flush=True)
                pd.DataFrame([row]).to_csv(
                    options.out,
                    mode="a",
                    header=not options.out.exists(),
                    index=False,
                    float_format="%.4f",
                )
    results = pd.read_csv(options.out)
    print(results.groupby(["setting", "variant"], sort=False)["accuracy"].agg(["mean", "min"]))


if __name__ == "__main__":
    main()
