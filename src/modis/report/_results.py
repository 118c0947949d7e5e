from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from ..studies import without_pulling
from ._predictions import COMBINED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from anndata import AnnData
    from mudata import MuData

    from ..model import MODIS
    from ..studies import Cohort
    from ._translations import Translations

__all__ = ["Results", "Settings"]

#: Everything that a run may leave in its folder, beside the model.
_OUTPUTS = (
    "integrated.h5mu",
    "metrics.csv",
    "feature_importance.csv",
    "report.html",
    "latent_umap.png",
    "confusion.png",
    "translation.png",
    "feature_importance.png",
    "history.png",
    "class_counts.png",
)


@dataclass(frozen=True)
class Settings:
    """What a run was asked to do: the options of ``modis fit`` under their names.

    Parameters
    ----------
    labels_key, modalities, batch_key, unlabeled_category
        As in :meth:`modis.MODIS.setup_mudata`.
    layer, likelihood
        ``name`` for all modalities or ``modality=name`` for one.
    split_key
        Column with ``train`` and ``test``; by default test observations are drawn.
    test_size
        Share of the labelled observations to hold out.
    max_epochs
        Passes over the largest modality; the model's own choice by default.
    seed
        Seed of the draw of test observations and of training.
    architecture, n_latent
        As in :class:`~modis.MODIS`.
    links
        File with linked features.
    """

    labels_key: str | None = None
    modalities: Sequence[str] | None = None
    batch_key: str | None = None
    layer: Sequence[str] | None = None
    likelihood: Sequence[str] | None = None
    unlabeled_category: str = "unknown"
    split_key: str | None = None
    test_size: float = 0.2
    max_epochs: int | None = None
    seed: int = 0
    architecture: str = "default"
    n_latent: int | None = None
    links: Path | None = None


@dataclass
class Results:
    """What a run found.

    Parameters
    ----------
    source
        Name of the data file, `None` for simulated data.
    mdata, cohort
        The data as they were read, and what of them is used.
    seconds
        Time that training took.
    predictions
        As from :func:`~modis.report._predictions.predict_all`; `None` without classes.
    translations
        `None` without test observations.
    importance
        As from :func:`~modis.report._predictions.explain`; `None` without classes.
    metrics
        All measures: ``split``, ``modality``, ``metric``, ``class`` and ``value``.
    embedding
        Joint embedding of the observations, or of a random part of them.
    mixing
        Modality mixing in the embedding, within classes where these are known; `None` where
        nothing can mix.
    figures
        Names of the figures' files.
    """

    source: str | None
    settings: Settings
    mdata: MuData
    cohort: Cohort
    model: MODIS
    seconds: float
    predictions: pd.DataFrame | None
    translations: Translations | None
    importance: pd.DataFrame | None
    metrics: pd.DataFrame
    embedding: AnnData
    mixing: float | None
    figures: list[str] = field(default_factory=list)

    @property
    def part(self) -> pd.Series:
        """``"train"`` or ``"test"`` by observation."""
        assert self.cohort.part is not None
        return self.cohort.part

    def write(self, out: Path) -> None:
        """Write the model, the tables, and the data with latent space, predictions and split.

        The results of an earlier run in the folder are removed, and nothing else.
        """
        for name in _OUTPUTS:
            (out / name).unlink(missing_ok=True)
        self.model.save(str(out / "model"), overwrite=True)
        self.metrics.to_csv(out / "metrics.csv", index=False)
        if self.importance is not None:
            self.importance.to_csv(out / "feature_importance.csv", index=False)
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
