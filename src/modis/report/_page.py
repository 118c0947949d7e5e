from __future__ import annotations

import base64
import platform
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from ._captions import captions
from ._cautions import FEW, cautions
from ._cohort import UNLABELED
from ._figures import DPI
from ._importance import leading_features
from ._predictions import COMBINED, SEVERAL

if TYPE_CHECKING:
    from pathlib import Path

    from ._fit import Results
    from ._settings import Settings

__all__ = ["Card", "write_page"]

_PACKAGES = ("modis-omics", "scvi-tools", "torch", "lightning", "mudata", "anndata", "scanpy")

_CSS_PIXELS_PER_INCH = 96


@dataclass(frozen=True)
class Card:
    """One headline figure."""

    title: str
    value: str
    about: str


def write_page(
    results: Results,
    settings: Settings,
    out: Path,
    *,
    source: str | None,
    command: str,
    notes: list[str],
) -> None:
    """Write ``report.html``: one file, without anything to load.

    Parameters
    ----------
    results
        What the run found; its figures are in `out`.
    settings
        What the run was asked to do.
    out
        Folder of the results.
    source
        Name of the data file, `None` for simulated data.
    command
        What the user typed.
    notes
        What the user was told on the screen.
    """
    environment = Environment(
        loader=PackageLoader(__package__, ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    texts = captions(results)
    figures = [
        {
            "name": name,
            "image": base64.b64encode((out / name).read_bytes()).decode(),
            "width": _width(out / name),
            **texts[name],
        }
        for name in texts
        if name in results.figures
    ]
    page = environment.get_template("template.html.j2").render(
        title="MODIS demo" if source is None else f"MODIS: {source}",
        simulated=source is None,
        sentences=_sentences(results, source),
        cards=_cards(results.metrics),
        chance=_chance(results.metrics),
        cautions=cautions(results),
        notes=notes,
        counts=_counts(results),
        recalls=_recalls(results),
        few=FEW,
        translations=_translations(results),
        importance=None if results.importance is None else leading_features(results.importance),
        figures=figures,
        settings=_settings(results, settings),
        versions=[(name, version(name)) for name in _PACKAGES]
        + [("Python", platform.python_version())],
        command=command,
        date=date.today().isoformat(),
        version=version("modis-omics"),
        modalities=results.cohort.modalities,
        has_classes=results.predictions is not None,
    )
    (out / "report.html").write_text(page, encoding="utf-8")


def _width(path: Path) -> int:
    """Width on the page, in CSS pixels, at which letters are as large in all figures."""
    return round(plt.imread(path).shape[1] * _CSS_PIXELS_PER_INCH / DPI)


def _sentences(results: Results, source: str | None) -> list[str]:
    cohort = results.cohort
    n_all = int((cohort.n_modalities > 0).sum())
    single = int((cohort.n_modalities == 1).sum())
    names = _listed(cohort.modalities)
    if source is None:
        first = f"{n_all:,} samples with {names} were simulated, in five classes"
    else:
        first = f"{source} holds {n_all:,} observations of {names}"
    if len(cohort.modalities) > 1:
        first += (
            f"; {single:,} of them were measured in one of these omics only, "
            f"{n_all - single:,} in two or more"
        )
    n_train, n_test = (int((cohort.part == part).sum()) for part in ("train", "test"))
    second = (
        f"MODIS learned from {n_train:,} of them a latent space shared by all omics: each omics "
        "has its own encoder into it and its own decoder out of it"
    )
    if results.predictions is not None:
        classes = sorted(set(cohort.label.dropna()))
        second += f", and a classifier tells {len(classes)} classes apart in it"
        known = int((cohort.label.notna() & (cohort.part == "train")).sum())
        if known < n_train:
            second += f", taught by the {known:,} of them whose class is known"
    if not n_test:
        third = "No observation was held out, so nothing here tells how good predictions are."
    else:
        third = (
            f"The other {n_test:,} were kept away from training, and every test figure below "
            "comes from them: each was given to the model as a new sample would be."
        )
    return [f"{first}.", f"{second}.", third]


def _cards(metrics: pd.DataFrame) -> list[Card]:
    overall = metrics[(metrics["split"] == "test") & (metrics["class"] == "")]
    title = {COMBINED: "From all that a sample has", SEVERAL: "Samples with several omics"}
    cards = []
    for source, own in overall.groupby("modality", sort=False):
        values = own.set_index("metric")["value"]
        if "balanced_accuracy" not in values:
            continue
        n_samples = int(values["n_samples"])
        about = f"{n_samples:,} test samples, {share(values['accuracy'])} of them correct"
        cards.append(
            Card(title.get(str(source), str(source)), share(values["balanced_accuracy"]), about)
        )
    # what a sample's whole record tells comes first
    return sorted(cards, key=lambda card: card.title not in title.values())


def _chance(metrics: pd.DataFrame) -> str | None:
    known = metrics[(metrics["split"] == "test") & (metrics["metric"] == "recall")]
    return f"{1 / known['class'].nunique():.0%}" if len(known) else None


def share(value: float) -> str:
    """Percent, of which 0 and 100 are never the result of rounding."""
    number = f"{100 * value:.1f}"
    if number in ("100.0", "0.0"):
        number = {1.0: "100", 0.0: "0"}.get(value, "> 99.9" if value > 0.5 else "< 0.1")
    return f"{number}\N{NO-BREAK SPACE}%"


def _counts(results: Results) -> dict[str, Any]:
    """Samples per class and modality, training and test."""
    train, test = results.cohort.counts("train"), results.cohort.counts("test")
    total = train + test
    classes = [name for name in total if name != UNLABELED or total[name].any()]
    rows = [
        {
            "name": name,
            "is_class": name != UNLABELED,
            "cells": [
                (int(train.loc[modality, name]), int(test.loc[modality, name]))
                for modality in total.index
            ],
        }
        for name in classes
    ]
    sums = [(int(train.loc[name].sum()), int(test.loc[name].sum())) for name in total.index]
    features = [results.cohort.mdata.mod[name].n_vars for name in total.index]
    return {"modalities": list(total.index), "rows": rows, "sums": sums, "features": features}


def _recalls(results: Results) -> dict[str, Any] | None:
    """Test samples found, of how many, by class and source."""
    metrics = results.metrics
    known = metrics[(metrics["split"] == "test") & (metrics["class"] != "")]
    if known.empty:
        return None
    tables = {
        name: own.pivot_table(index="class", columns="modality", values="value")
        for name, own in known.groupby("metric")
    }
    recall, n = tables["recall"], tables["n_samples"]
    sources = [
        name
        for name in [*results.cohort.modalities, COMBINED, SEVERAL]
        if name in recall.columns and name != SEVERAL
    ]
    rows = []
    for name in recall.index:
        cells: list[dict[str, Any] | None] = []
        for source in sources:
            value, size = recall.loc[name, source], n.loc[name, source]
            if np.isnan(value):
                cells.append(None)
                continue
            hits = round(value * size)
            cells.append(
                {"value": share(value), "hits": hits, "n": int(size), "level": float(value)}
            )
        rows.append({"name": name, "cells": cells})
    heads = ["all that it has" if name == COMBINED else name for name in sources]
    return {"sources": heads, "rows": rows}


def _translations(results: Results) -> dict[str, Any] | None:
    judged = results.translations
    if judged is None or not judged.across:
        return None
    rows: list[dict[str, Any]] = [
        {
            "name": f"from {source}",
            "cells": [
                None
                if np.isnan(error := judged.errors.loc[source, target])
                else (f"{error:#.3g}", int(judged.n_samples.loc[source, target]))
                for target in judged.errors.columns
            ],
        }
        for source in judged.errors.index
    ]
    references = []
    if judged.class_average is not None:
        name = "limit" if judged.simulated else "average of its class"
        references.append((name, judged.class_average))
    references.append(("average of all", judged.average))
    for name, values in references:
        cells = [
            None if np.isnan(values[target]) else (f"{values[target]:#.3g}", None)
            for target in judged.errors.columns
        ]
        rows.append({"name": name, "cells": cells, "reference": True})
    return {"targets": list(judged.errors.columns), "rows": rows, "simulated": judged.simulated}


def _settings(results: Results, settings: Settings) -> list[tuple[str, str]]:
    cohort, model = results.cohort, results.model
    epochs = len(next(iter(model.history.values())))
    best = "" if model.best_epoch_ is None else f", weights kept from epoch {model.best_epoch_}"
    if settings.split_key is not None:
        held_out = f"column {settings.split_key}"
    elif (cohort.part == "test").any():
        whom = "the labelled observations" if settings.labels_key else "all observations"
        held_out = f"drawn, {settings.test_size:.0%} of {whom}"
    else:
        held_out = "none"
    rows = [
        ("Labels", settings.labels_key or "none"),
        ("Batches", settings.batch_key or "none"),
        ("Test part", held_out),
        ("Seed", str(settings.seed)),
        ("Architecture", settings.architecture),
        ("Latent dimensions", str(model.module.architecture.n_latent)),
        ("Training", f"{epochs} epochs in {results.seconds:.0f} s{best}"),
    ]
    linked = model.link_summary
    if linked is not None:
        used = [f"{a} and {b} {n:,}" for (a, b), n in linked["used"].items()]
        rows.append(("Feature links", ", ".join(used)))
    for name in cohort.modalities:
        values = f"layer {cohort.layer[name]}" if cohort.layer[name] else "X"
        rows.append((name, f"{values}, likelihood {cohort.likelihood[name]}"))
    return rows


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
