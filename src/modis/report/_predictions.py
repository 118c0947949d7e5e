from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from sklearn.metrics import accuracy_score, jaccard_score, recall_score

if TYPE_CHECKING:
    from mudata import MuData

    from ..model import MODIS
    from ..studies import Cohort

__all__ = [
    "COMBINED",
    "N_FEATURES",
    "SEVERAL",
    "explain",
    "leading_features",
    "predict_all",
    "scores",
    "scores_on_test",
]

#: Names that stand for a modality in tables: predictions from all modalities of an observation,
#: and the same for observations with at least two modalities.
COMBINED = "combined"
SEVERAL = "combined, several modalities"
#: Features named on the page by class and modality; the table in the folder has all.
N_FEATURES = 5
_ARROWS = {"up": "\N{UPWARDS ARROW}", "down": "\N{DOWNWARDS ARROW}"}


def predict_all(model: MODIS, mdata: MuData, cohort: Cohort) -> pd.DataFrame:
    """Predict every observation from each of its modalities and from all of them.

    Returns
    -------
    DataFrame with ``observation``, ``source`` (a modality or ``"combined"``), ``part``,
    ``n_modalities``, ``label`` (missing where not known), ``predicted`` and ``probability`` (of
    the predicted class).
    """
    assert cohort.part is not None
    frames = []
    for source in [*cohort.modalities, COMBINED]:
        modality = None if source == COMBINED else source
        soft = model.predict(mdata, modality=modality, soft=True).dropna()
        columns = {
            "observation": soft.index,
            "source": source,
            "part": cohort.part.reindex(soft.index).to_numpy(),
            "n_modalities": cohort.n_modalities.reindex(soft.index).to_numpy(),
            "label": cohort.label.reindex(soft.index).to_numpy(dtype=object),
            "predicted": soft.idxmax(axis=1).to_numpy(dtype=object),
            "probability": soft.max(axis=1).to_numpy(),
        }
        frames.append(pd.DataFrame(columns))
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
    groups = [(*key, own) for key, own in known.groupby(["part", "source"], sort=False)]
    for part, source, own in list(groups):
        several = own[own["n_modalities"] > 1]
        if source == COMBINED and 0 < len(several) < len(own):
            groups.append((part, SEVERAL, several))
    rows = []
    for part, source, own in groups:
        true, predicted = own["label"].astype(str), own["predicted"].astype(str)
        n_samples = true.value_counts().sort_index()
        recall = recall_score(true, predicted, labels=n_samples.index, average=None)
        measured = [
            ("accuracy", "", accuracy_score(true, predicted)),
            # scikit-learn's balanced_accuracy_score warns of classes that are only predicted
            ("balanced_accuracy", "", recall.mean()),
            ("jaccard", "", jaccard_score(true, predicted, average="macro")),
            ("n_samples", "", len(own)),
        ]
        for name, value in zip(n_samples.index, recall, strict=True):
            measured += [("recall", name, value), ("n_samples", name, n_samples[name])]
        rows += [(part, source, metric, name, float(value)) for metric, name, value in measured]
    return pd.DataFrame(rows, columns=["split", "modality", "metric", "class", "value"])


def scores_on_test(metrics: pd.DataFrame) -> pd.DataFrame:
    """Scores over all classes on the test part, sources in rows, metrics in columns."""
    overall = metrics[(metrics["split"] == "test") & (metrics["class"] == "")]
    sources = overall.loc[overall["metric"] == "balanced_accuracy", "modality"]
    return overall.pivot_table("value", "modality", "metric").loc[sources]


def explain(model: MODIS) -> pd.DataFrame | None:
    """Rank the features of every modality by their contribution to the predicted classes.

    Returns
    -------
    As from :meth:`modis.MODIS.feature_importance` on the training data, modality by modality;
    `None` without classes.
    """
    if not model.module.n_classes:
        return None
    tables = []
    for modality in model.get_var_names():
        try:
            tables.append(model.feature_importance(modality))
        except ValueError:
            # a modality with a single class distinguishes nothing
            continue
    return pd.concat(tables, ignore_index=True) if tables else None


def leading_features(importance: pd.DataFrame) -> pd.DataFrame:
    """Lists of the first features with their direction, classes in rows, modalities in columns."""
    first = importance[importance["rank"] <= N_FEATURES]
    marked = first["feature"] + "\N{NO-BREAK SPACE}" + first["direction"].map(_ARROWS)
    table = first.assign(marked=marked).pivot_table("marked", "class", "modality", aggfunc=list)
    # classes sorted, modalities in their order
    table = table[list(first["modality"].unique())]
    return table.where(table.notna(), None)
