from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from ..studies import without_pulling
from ._predictions import COMBINED

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData
    from mudata import MuData

    from ..model import MODIS
    from ..studies import Cohort
    from ._settings import Settings
    from ._translations import Translations

__all__ = ["Results"]

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


@dataclass
class Results:
    """What a run found.

    Parameters
    ----------
    source
        Name of the data file, `None` for simulated data.
    settings
        What the run was asked to do.
    mdata, cohort
        The data as they were read, and what of them is used.
    model
        The trained model.
    seconds
        Time that training took.
    predictions
        As from :func:`~modis.report._predictions.predict_all`; `None` without classes.
    translations
        `None` without test observations.
    importance
        As from :func:`~modis.report._importance.explain`; `None` without classes.
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
