from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, jaccard_score, recall_score

if TYPE_CHECKING:
    from ..model import MODIS
    from ._cohort import Cohort

__all__ = ["COMBINED", "SEVERAL", "predict_all", "scores"]

#: Names that stand for a modality in tables: an observation judged from all that it has, and
#: the same for those that have at least two modalities.
COMBINED = "combined"
SEVERAL = "combined, several modalities"


def predict_all(model: MODIS, cohort: Cohort) -> pd.DataFrame:
    """Predict every observation from each of its modalities and from all of them.

    Returns
    -------
    DataFrame with ``observation``, ``source`` (a modality or ``"combined"``), ``part``,
    ``n_modalities``, ``label`` (missing where not known), ``predicted`` and ``probability`` (of
    the predicted class).
    """
    frames = []
    for source in [*cohort.modalities, COMBINED]:
        modality = None if source == COMBINED else source
        soft = model.predict(cohort.mdata, modality=modality, soft=True)
        soft = soft.dropna()
        values = soft.to_numpy()
        frames.append(
            pd.DataFrame(
                {
                    "observation": soft.index,
                    "source": source,
                    "part": cohort.part.reindex(soft.index).to_numpy(),
                    "n_modalities": cohort.n_modalities.reindex(soft.index).to_numpy(),
                    "label": cohort.label.reindex(soft.index).to_numpy(dtype=object),
                    "predicted": soft.columns.to_numpy(dtype=object)[values.argmax(axis=1)],
                    "probability": values.max(axis=1),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def scores(predictions: pd.DataFrame) -> pd.DataFrame:
    """Score the predictions of labelled observations, by part and source.

    Returns
    -------
    DataFrame with ``split``, ``modality``, ``metric``, ``class`` (empty for metrics over all
    classes) and ``value``: accuracy, balanced accuracy, Jaccard index and number of samples, and
    by class recall and number of samples.
    """
    known = predictions.dropna(subset="label")
    groups = [
        (part, str(source), group)
        for (part, source), group in known.groupby(["part", "source"], sort=False)
    ]
    for part, source, group in list(groups):
        several = group[group["n_modalities"] > 1]
        if source == COMBINED and 0 < len(several) < len(group):
            groups.append((part, SEVERAL, several))
    rows: list[tuple[str, str, str, str, float]] = []
    for part, source, group in groups:
        true, predicted = group["label"].to_numpy(), group["predicted"].to_numpy()
        classes = sorted(set(true))
        balanced = recall_score(true, predicted, labels=classes, average="macro")
        jaccard = jaccard_score(true, predicted, average="macro")
        rows += [
            (part, source, "accuracy", "", accuracy_score(true, predicted)),
            (part, source, "balanced_accuracy", "", balanced),
            (part, source, "jaccard", "", jaccard),
            (part, source, "n_samples", "", len(group)),
        ]
        for name in classes:
            own = true == name
            rows += [
                (part, source, "recall", name, float(np.mean(predicted[own] == name))),
                (part, source, "n_samples", name, int(own.sum())),
            ]
    return pd.DataFrame(rows, columns=["split", "modality", "metric", "class", "value"])
