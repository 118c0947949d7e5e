import shutil
import time
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import mudata as md
import numpy as np
import pandas as pd
import scvi
from mudata import MuData

from ..datasets import intersim, split, unpair
from ..datasets._selection import membership, rebuild
from ..model import MODIS
from ..studies import Cohort, make_cohort, read_links, read_mudata
from ._console import Screen
from ._figures import draw_figures, embed, measure_mixing
from ._page import write_page
from ._predictions import explain, predict_all
from ._results import Results, Settings, replacing_results
from ._translations import judge_translations

_TEST_SIZE = 0.25


def fit_file(path: Path, settings: Settings, out: Path, screen: Screen, **tables: Any) -> Results:
    """Read a file, or tables with the options `tables`; train, judge and report into `out`."""
    screen.stage(f"Reading {path}")
    mdata = read_mudata(path, labels_key=settings.labels_key, **tables)
    if settings.labels_key is None and (path.is_dir() or tables["labels"]):
        settings = replace(settings, labels_key="label" if "label" in mdata.obs else None)
    return fit(mdata, settings, out, screen, source=path.name)


def fit(
    mdata: MuData, settings: Settings, out: Path, screen: Screen, *, source: str | None
) -> Results:
    """Train on a part of `mdata`, judge the rest and write the folder; results are added to it."""
    scvi.settings.seed = settings.seed
    cohort = _cohort(mdata, settings)
    model = _model(mdata, cohort, settings)
    _describe(cohort, model, settings, screen)
    # a folder that cannot be made should be known before an hour of training, not after
    out.mkdir(parents=True, exist_ok=True)
    screen.stage("Training")
    started, checkpoint = time.perf_counter(), out / "checkpoint"
    if not settings.resume:
        shutil.rmtree(checkpoint, ignore_errors=True)
    model.train(
        max_epochs=settings.max_epochs,
        enable_progress_bar=screen.shows_progress,
        checkpoint_dir=checkpoint,
    )
    seconds = time.perf_counter() - started

    screen.stage("Evaluating the test part")
    embedding = embed(model, mdata, settings.seed)
    results = Results(
        source,
        settings,
        mdata,
        cohort,
        model,
        seconds,
        predictions=predict_all(model, mdata, cohort) if model.module.n_classes else None,
        translations=judge_translations(model, mdata, cohort),
        importance=explain(model),
        embedding=embedding,
        mixing=measure_mixing(embedding, cohort),
    )
    screen.stage(f"Writing {out}")
    model.save(out / "model", overwrite=True)
    with replacing_results(out) as draft:
        results.write(draft)
        write_page(results, draft, figures=draw_figures(results, draft), notes=screen.notes)
    shutil.rmtree(checkpoint)
    screen.summary(results)
    screen.stage(f"Done. Open {out / 'report.html'} in a browser")
    return results


def run_demo(n_samples: int, settings: Settings, out: Path, screen: Screen) -> Results:
    """Simulate samples, a quarter of them to test, and then as :func:`fit_file`."""
    screen.stage(f"Simulating {n_samples} samples with methylation, expression and protein")
    mdata = simulate(n_samples, settings.seed)
    settings = replace(settings, labels_key="label", split_key="split")
    return fit(mdata, settings, out, screen, source=None)


def simulate(n_samples: int, seed: int) -> md.MuData:
    """Samples of five classes: three quarters unpaired, to train; the others paired, to test."""
    paired = intersim(n_samples, seed=seed)
    train, test = split(paired, _TEST_SIZE, seed=seed)
    keep = membership(paired)
    for name, adata in unpair(train, seed=seed).mod.items():
        keep[name] = keep.index.isin(adata.obs_names.union(test.obs_names))
    part = np.where(keep.index.isin(test.obs_names), "test", "train")
    return rebuild(paired, keep, {"split": pd.Series(part, index=keep.index)})


def _cohort(mdata: MuData, settings: Settings) -> Cohort:
    names = ("modalities", "split_key", "test_size", "seed", "batch_key", "layer", "likelihood")
    how = {name: getattr(settings, name) for name in (*names, "unlabeled_category")}
    links = None if settings.links is None else read_links(settings.links)
    cohort = make_cohort(mdata, settings.labels_key, links=links, **how)
    if cohort.part is None:
        cohort = replace(cohort, part=pd.Series("train", index=cohort.n_modalities.index))
    train, test = cohort.names("train"), cohort.names("test")
    for name, rows in train.items():
        if rows.empty:
            raise ValueError(
                f"Modality {name!r} has no observation that trains. Leave it out with "
                "--modalities, or change the split."
            )
        if cohort.batches is not None:
            batch = cohort.batches[name]
            only_test = sorted(set(batch[test[name]]) - set(batch[rows]))
            if only_test:
                raise ValueError(
                    f"Batch {only_test[0]!r} of modality {name!r} has only test observations, so "
                    "the model cannot learn it. Leave --batch-key out, or change the split."
                )
    return cohort


def _model(mdata: MuData, cohort: Cohort, settings: Settings) -> MODIS:
    labels = None if settings.labels_key is None else cohort.labels
    train = cohort.mudata(cohort.names("train", mdata.mod), labels, mdata.mod)
    likelihood: Any = cohort.likelihood
    covariates = {
        "categorical_covariate_keys": settings.covariate or (),
        "continuous_covariate_keys": settings.continuous_covariate or (),
    }
    for key in chain(*covariates.values()):
        # those of the modalities are there
        if key in mdata.obs:
            train.obs[key] = mdata.obs[key].reindex(train.obs_names)
    MODIS.setup_mudata(
        train,
        modalities=list(cohort.modalities),
        labels_key=settings.labels_key,
        unlabeled_category=settings.unlabeled_category,
        batch_key=settings.batch_key,
        **covariates,
        layer=cohort.layer,
        likelihood=likelihood,
    )
    return MODIS(
        train,
        architecture=settings.architecture,
        n_latent=settings.n_latent,
        feature_links=cohort.links,
    )


def _describe(cohort: Cohort, model: MODIS, settings: Settings, screen: Screen) -> None:
    sizes = [f"{name} {x.n_obs:,} × {x.n_vars:,}" for name, x in cohort.modalities.items()]
    assert cohort.part is not None
    n_train, n_test = (int((cohort.part == part).sum()) for part in ("train", "test"))
    screen.stage(f"{', '.join(sizes)}; {n_train:,} training and {n_test:,} test observations")
    if settings.labels_key is None:
        screen.note("No --labels-key: the model learns no classes and cannot predict any.")
    elif not model.module.n_classes:
        screen.note("Fewer than two classes to train on: the model cannot predict any.")
    if not n_test:
        screen.note("No test part: the quality of the predictions cannot be measured.")
