from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import scvi

from ..model import MODIS
from ..studies._reading import read_links, read_mudata
from ._cohort import Cohort, make_cohort
from ._figures import draw_figures, embed
from ._files import clear_output_folder, write_mudata
from ._importance import explain
from ._page import write_page
from ._predictions import COMBINED, predict_all, scores
from ._summary import show_summary
from ._translations import Translations, judge_translations

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData
    from mudata import MuData

    from ._console import Screen
    from ._settings import Settings

__all__ = ["Results", "fit", "fit_file"]


@dataclass
class Results:
    """What a run found; the same as in its folder.

    Parameters
    ----------
    model, cohort, embedding
        The trained model, its data and their joint embedding.
    predictions
        As from :func:`~modis.report._predictions.predict_all`; `None` without classes.
    metrics
        Table of all metrics.
    translations
        `None` without test observations.
    importance
        As from :func:`~modis.report._importance.explain`; `None` without classes.
    figures
        Names of the figures' files.
    seconds
        Time that training took.
    """

    model: MODIS
    cohort: Cohort
    embedding: AnnData
    predictions: pd.DataFrame | None
    metrics: pd.DataFrame
    translations: Translations | None
    importance: pd.DataFrame | None
    figures: list[str]
    seconds: float


def fit_file(
    path: Path,
    settings: Settings,
    out: Path,
    screen: Screen,
    *,
    command: str = "",
) -> Results:
    """Read a file, train, judge and report.

    Parameters
    ----------
    path
        The ``.h5mu`` file; it is only read.
    settings
        What to do.
    out
        Folder for the results; those of an earlier run in it are replaced.
    screen
        What the user sees.
    command
        What the user typed, for the report.

    Returns
    -------
    The results.

    Raises
    ------
    KeyError, ValueError
        If the file or the settings cannot be used; before any training.
    """
    screen.stage(f"Reading {path}")
    mdata = read_mudata(path)
    return fit(mdata, settings, out, screen, source=path.name, command=command)


def fit(
    mdata: MuData,
    settings: Settings,
    out: Path,
    screen: Screen,
    *,
    source: str | None,
    command: str,
) -> Results:
    """Train on a part of the data, judge the rest and write the folder.

    Parameters
    ----------
    mdata
        The data, which the run may write into.
    settings
        What to do.
    out
        Folder for the results.
    screen
        What the user sees.
    source
        Name of the file, `None` for simulated data.
    command
        What the user typed, for the report.

    Returns
    -------
    The results.
    """
    scvi.settings.seed = settings.seed
    cohort = make_cohort(mdata, settings)
    model = _model(cohort, settings)
    screen.stage(_describe(cohort))
    if settings.labels_key is None:
        screen.note("No --labels-key: the model is trained without classes, and can predict none.")
    elif not model.module.n_classes:
        screen.note("Fewer than two classes to train on: the model can predict none.")
    if not (cohort.part == "test").any():
        screen.note("No test part: nothing tells how good the predictions are.")
    # a folder that cannot be made should be known before an hour of training, not after
    out.mkdir(parents=True, exist_ok=True)
    screen.stage("Training")
    started = time.perf_counter()
    model.train(max_epochs=settings.max_epochs, enable_progress_bar=screen.shows_progress)
    seconds = time.perf_counter() - started

    screen.stage("Judging the test part")
    predictions = predict_all(model, cohort) if model.module.n_classes else None
    translations = judge_translations(model, cohort, simulated=source is None)
    importance = explain(model)
    screen.stage("Drawing")
    embedding = embed(model, cohort, settings.seed)
    screen.stage(f"Writing {out}")
    clear_output_folder(out)
    model.save(str(out / "model"), overwrite=True)
    metrics = _metrics(predictions, translations)
    metrics.to_csv(out / "metrics.csv", index=False)
    if importance is not None:
        importance.to_csv(out / "feature_importance.csv", index=False)
    figures = draw_figures(model, cohort, embedding, predictions, translations, importance, out)
    _write_results(model, cohort, predictions)
    write_mudata(cohort.mdata, out / "integrated.h5mu")
    results = Results(
        model, cohort, embedding, predictions, metrics, translations, importance, figures, seconds
    )
    write_page(results, settings, out, source=source, command=command, notes=screen.notes)
    show_summary(results, out, screen)
    return results


def _model(cohort: Cohort, settings: Settings) -> MODIS:
    MODIS.setup_mudata(
        cohort.train,
        modalities=cohort.modalities,
        labels_key=settings.labels_key,
        unlabeled_category=settings.unlabeled_category,
        batch_key=settings.batch_key,
        layer=cohort.layer,
        likelihood=cohort.likelihood,
    )
    return MODIS(
        cohort.train,
        architecture=settings.architecture,
        n_latent=settings.n_latent,
        feature_links=None if settings.links is None else read_links(settings.links),
    )


def _describe(cohort: Cohort) -> str:
    sizes = [
        f"{name} {cohort.mdata.mod[name].n_obs:,} × {cohort.mdata.mod[name].n_vars:,}"
        for name in cohort.modalities
    ]
    n_train, n_test = ((cohort.part == part).sum() for part in ("train", "test"))
    return f"{', '.join(sizes)}; {n_train:,} observations train, {n_test:,} test"


def _metrics(predictions: pd.DataFrame | None, translations: Translations | None) -> pd.DataFrame:
    tables = [] if predictions is None else [scores(predictions)]
    if translations is not None:
        tables.append(translations.metrics())
    columns = ["split", "modality", "metric", "class", "value"]
    tables = [table for table in tables if len(table)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _write_results(model: MODIS, cohort: Cohort, predictions: pd.DataFrame | None) -> None:
    """Put latent space, predictions and split into the MuData and its modalities."""
    mdata = cohort.mdata
    model.write_latent(mdata)
    classes = None if predictions is None else sorted(set(predictions["predicted"]))
    for source in [*cohort.modalities, COMBINED]:
        holder = mdata if source == COMBINED else mdata.mod[source]
        names = holder.obs_names
        if predictions is not None:
            own = predictions[predictions["source"] == source].set_index("observation")
            own = own.reindex(names)
            predicted = pd.Categorical(own["predicted"], categories=classes)
            holder.obs["modis_predicted"] = predicted
            holder.obs["modis_probability"] = own["probability"].astype("float32").to_numpy()
        part = cohort.part.reindex(names)
        holder.obs["modis_split"] = pd.Categorical(part, categories=["train", "test"])
