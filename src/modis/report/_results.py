import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import pandas as pd
from anndata import AnnData
from mudata import MuData

from ..model import MODIS
from ..studies import Cohort, without_pulling, write_csv
from ._predictions import COMBINED, doubtful, rival_accuracy, scores
from ._translations import Translations

#: Everything that a run may leave in its folder, except for the model.
_OUTPUTS = (
    "integrated.h5mu",
    "metrics.csv",
    "predictions.csv",
    "feature_importance.csv",
    "report.html",
    "latent_umap.png",
    "confusion.png",
    "translation.png",
    "feature_importance.png",
    "history.png",
    "class_counts.png",
)
_METRICS = ["split", "modality", "metric", "class", "value"]


@dataclass(frozen=True)
class Settings:
    """Options of a run, by the names of ``modis fit``, and what the user typed."""

    labels_key: str | None = None
    modalities: Sequence[str] | None = None
    batch_key: str | None = None
    covariate: Sequence[str] | None = None
    continuous_covariate: Sequence[str] | None = None
    layer: Sequence[str] | None = None
    likelihood: Sequence[str] | None = None
    unlabeled_category: str = "unknown"
    split_key: str | None = None
    test_size: float = 0.2
    max_epochs: int | None = None
    seed: int = 0
    architecture: Literal["default", "paper"] = "default"
    n_latent: int | None = None
    links: Path | None = None
    resume: bool = False
    command: str = ""


@dataclass(frozen=True)
class Results:
    """What a run found."""

    #: Name of the data file, `None` for simulated data.
    source: str | None
    settings: Settings
    #: The data as they were read, and what of them is used.
    mdata: MuData
    cohort: Cohort
    model: MODIS
    #: Time that training took.
    seconds: float
    #: `None` without classes.
    predictions: pd.DataFrame | None
    #: `None` without test observations.
    translations: Translations | None
    #: `None` without classes.
    importance: pd.DataFrame | None
    #: Joint embedding of the observations, or of a random part of them.
    embedding: AnnData
    #: Modality mixing in the embedding, `None` where nothing can mix.
    mixing: float | None

    @property
    def part(self) -> pd.Series:
        """``"train"`` or ``"test"`` by observation."""
        assert self.cohort.part is not None
        return self.cohort.part

    @cached_property
    def counts(self) -> dict[str, pd.DataFrame]:
        """Samples by modality and class, of the ``"train"`` and the ``"test"`` part."""
        return {part: self.cohort.counts(part) for part in ("train", "test")}

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """All measures: ``split``, ``modality``, ``metric``, ``class`` and ``value``."""
        tables = [] if self.predictions is None else [scores(self.predictions)]
        tables += [] if self.translations is None else [self.translations.metrics()]
        tables = [table[_METRICS] for table in tables if len(table)]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=_METRICS)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Measures over all classes on the test part, by source; empty if nothing is judged."""
        overall = self.metrics[(self.metrics["split"] == "test") & (self.metrics["class"] == "")]
        sources = overall.loc[overall["metric"] == "balanced_accuracy", "modality"]
        return overall.pivot_table("value", "modality", "metric").loc[sources]

    @cached_property
    def doubtful(self) -> pd.DataFrame:
        """Test samples to look at again, with the reasons."""
        return pd.DataFrame() if self.predictions is None else doubtful(self.predictions)

    @cached_property
    def cross_validated(self) -> pd.DataFrame:
        """Balanced accuracy without test samples; empty without classes or linear models."""
        try:
            return self.model.cross_validated_accuracy()
        except ValueError:
            return pd.DataFrame()

    @cached_property
    def rival(self) -> dict[str, float]:
        """Balanced accuracy of logistic regression, cross-validated likewise."""
        return rival_accuracy(self.cohort)

    @cached_property
    def recalls(self) -> pd.DataFrame:
        """``recall``, ``n_samples`` and ``n_found`` on the test part, by source and class."""
        own = self.metrics[(self.metrics["split"] == "test") & (self.metrics["class"] != "")]
        table = own.pivot_table("value", ["modality", "class"], "metric")
        table = table.reindex([*self.cohort.modalities, COMBINED], level="modality")
        if table.empty:
            return table
        n_found = (table["recall"] * table["n_samples"]).round()
        return table.assign(n_found=n_found).astype({"n_samples": int, "n_found": int})

    def write(self, out: Path) -> None:
        """Write the tables, and the data with latent space, predictions and split."""
        write_csv(self.metrics, out / "metrics.csv", index=False)
        if self.importance is not None:
            write_csv(self.importance, out / "feature_importance.csv", index=False)
        if self.predictions is not None:
            write_csv(self.predictions, out / "predictions.csv", index=False)
        self.model.write_latent(self.mdata)
        for source in [*self.cohort.modalities, COMBINED]:
            holder = self.mdata if source == COMBINED else self.mdata.mod[source]
            names = holder.obs_names
            if self.predictions is not None:
                own = self.predictions[self.predictions["source"] == source]
                own = own.set_index("observation").reindex(names)
                classes = sorted(set(self.predictions["predicted"]))
                holder.obs["modis_predicted"] = pd.Categorical(own["predicted"], classes)
                holder.obs["modis_probability"] = own["probability"].astype("float32").to_numpy()
            part = self.part.reindex(names)
            holder.obs["modis_split"] = pd.Categorical(part, ["train", "test"])
        with without_pulling():
            self.mdata.write_h5mu(out / "integrated.h5mu")


@contextmanager
def replacing_results(out: Path) -> Iterator[Path]:
    """Folder for new results, which replace those of an earlier run when all are written."""
    draft = out / ".draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        yield draft
        for name in _OUTPUTS:
            if (draft / name).exists():
                os.replace(draft / name, out / name)
            else:
                (out / name).unlink(missing_ok=True)
    finally:
        shutil.rmtree(draft)
