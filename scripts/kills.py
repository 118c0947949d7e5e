"""Kill processes that save, train, fit and compare at random moments: the kills of fuzz.py."""

from __future__ import annotations

import io
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import scvi
from odd_data import cohort
from rich.console import Console

from modis import MODIS
from modis.report import Screen, Settings, _figures, fit_file
from modis.studies import benchmark

BRIEFLY = {"max_epochs": 1, "batch_size": 16, "accelerator": "cpu", "enable_progress_bar": False}
N_SAVES = 10  # kills of a process that saves, for each kill of the others

# UMAP compiles itself anew in every process
_figures._FEWEST_FOR_UMAP = 10**6


def build(**setup: str) -> MODIS:
    mdata = cohort()
    scvi.settings.seed = 0
    MODIS.setup_mudata(mdata, labels_key="label", **setup)
    return MODIS(mdata, n_latent=3, n_hidden=4)


def trained() -> MODIS:
    model = build(batch_key="run")
    model.train(**BRIEFLY)
    return model


def kill(call: Callable[[], object], seconds: float) -> None:
    child = os.fork()
    if not child:
        call()
        os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def kill_saves(seed: int, folder: Path) -> list[str]:
    """A whole model is left, the old or the new one, and in the end nothing else."""
    first, second = trained(), trained()
    second.train(**BRIEFLY)
    first.save(folder)
    expected = [each.predict(soft=True) for each in (first, second)]

    def save_for_ever() -> None:
        while True:
            second.save(folder, overwrite=True)
            first.save(folder, overwrite=True)

    problems, rng = [], np.random.default_rng([seed, 4])
    for k in range(N_SAVES):
        kill(save_for_ever, rng.uniform(0, 0.1))
        found = MODIS.load(folder, False).predict(cohort(), soft=True)
        if not any(np.allclose(found, each) for each in expected):
            problems.append(f"save {k}: another model")
    first.save(folder, overwrite=True)
    return problems + (["files are left over"] if len(list(folder.iterdir())) != 2 else [])


def kill_trainings(seed: int, folder: Path) -> list[str]:
    """A training that was killed twice ends as one that was not."""
    how = BRIEFLY | {"max_epochs": 30}
    whole, rng = build(), np.random.default_rng([seed, 5])
    whole.train(**how)
    for _ in range(2):
        kill(lambda: build().train(**how, checkpoint_dir=folder), rng.uniform(0, 1))
    # a process that was killed in its first epoch left nothing: the seed is set before
    again = build()
    again.train(**how, checkpoint_dir=folder)
    same = again.predict(soft=True).equals(whole.predict(soft=True))
    return [] if same else ["the training ended differently"]


def kill_fits(seed: int, folder: Path) -> list[str]:
    """Earlier results stay until the new ones are whole, which are those of no kill."""
    folder.mkdir()
    data, out, rng = folder / "data.h5mu", folder / "out", np.random.default_rng([seed, 6])
    cohort().write(data)

    def fit() -> None:
        settings = Settings(labels_key="label", max_epochs=20, n_latent=3, resume=True)
        fit_file(data, settings, out, Screen(Console(file=io.StringIO())))

    def results() -> tuple[str, bool, set[str]]:
        model = MODIS.load(out / "model", False).predict(cohort(), soft=True)
        found = {path.name for path in out.iterdir()} - {".draft", "checkpoint"}
        return (out / "metrics.csv").read_text(), model.equals(expected), found

    fit()
    expected = MODIS.load(out / "model", False).predict(cohort(), soft=True)
    whole, problems = results(), []
    for _ in range(2):
        kill(fit, rng.uniform(0, 4))
        problems += [] if results() == whole else ["earlier results were lost"]
    fit()
    left = {path.name for path in out.iterdir()} & {".draft", "checkpoint"}
    return problems + ([] if results() == whole and not left else ["fit ended differently"])


def kill_comparisons(seed: int, folder: Path) -> list[str]:
    """A comparison that was killed twice finds what one finds that was not."""
    rng = np.random.default_rng([seed, 7])

    def compare(out: Path | None = folder) -> pd.DataFrame:
        how = {"methods": ["lr", "lr-mean"], "tasks": ["classes"], "splits": 2}
        quiet = Console(file=io.StringIO())
        found = benchmark(cohort(), "label", out, console=quiet, **how).results
        return found[found["metric"] != "seconds"].reset_index(drop=True)

    whole = compare(None)
    for _ in range(2):
        kill(compare, rng.uniform(0, 2))
    return [] if compare().round(6).equals(whole.round(6)) else ["the comparison differs"]


def try_kills(n: int, seed: int, folder: Path) -> tuple[Counter, list[str]]:
    counts, problems = Counter(), []
    for k in range(n):
        for trial in (kill_saves, kill_trainings, kill_fits, kill_comparisons):
            place = folder / f"{trial.__name__}{k}"
            problems += [f"{trial.__name__} {k}: {own}" for own in trial(1000 * seed + k, place)]
            counts[trial.__name__] += N_SAVES if trial is kill_saves else 2
            shutil.rmtree(place)
        # an hour may pass, and whatever ends it should lose nothing
        print(f"kills: {k + 1} of {n}, problems: {problems}", flush=True)
    return counts, problems
