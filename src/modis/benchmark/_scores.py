from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from sklearn.metrics import accuracy_score, f1_score, recall_score

from ._names import ALL, COMBINED, SEVERAL

if TYPE_CHECKING:
    from ._cohort import Cohort
    from ._fold import Fold

__all__ = ["Row", "predictions_table", "score"]

Row = dict[str, Any]


def predictions_table(cohort: Cohort, predicted: dict[str, pd.Series]) -> pd.DataFrame:
    """One row per test observation and what its class was predicted from.

    Parameters
    ----------
    cohort
        The data.
    predicted
        Class names by modality, indexed by observation.

    Returns
    -------
    DataFrame with ``observation``, ``modality`` (or ``"combined"``), ``n_modalities`` (of the
    observation), ``label`` and ``predicted``.
    """
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "observation": series.index.astype(str),
                    "modality": name,
                    "n_modalities": cohort.n_modalities.reindex(series.index).to_numpy(),
                    "label": cohort.label.reindex(series.index).to_numpy(dtype=object),
                    "predicted": series.to_numpy(dtype=object),
                }
            )
            for name, series in predicted.items()
        ],
        ignore_index=True,
    )


def score(predictions: pd.DataFrame, fold: Fold) -> list[Row]:
    """Measure the predictions of a run.

    Parameters
    ----------
    predictions
        As from :func:`predictions_table`.
    fold
        What the run trained on.

    Returns
    -------
    Tidy rows: ``modality``, ``subset`` (all test observations, or those with several
    modalities), ``metric``, ``class`` (of a recall) and ``value``.
    """
    rows: list[Row] = []
    for name, own in predictions.groupby("modality", sort=False):
        several = own[own["n_modalities"] > 1]
        for subset, part in ((ALL, own), (SEVERAL, several)):
            if part.empty or (name == COMBINED and subset == ALL):
                continue
            where = {"modality": name, "subset": subset}
            rows += [where | row for row in _measure(part)]
        if name in fold.train:
            where = {"modality": name, "subset": ALL}
            n_train, n_labeled = len(fold.train[name]), len(fold.labeled(name))
            rows.append({**where, "metric": "n_train", "value": n_train})
            rows.append({**where, "metric": "n_labeled", "value": n_labeled})
    return rows


def _measure(part: pd.DataFrame) -> list[Row]:
    true, predicted = part["label"].to_numpy(), part["predicted"].to_numpy()
    macro_f1 = f1_score(true, predicted, average="macro", zero_division=0)
    classes = sorted(set(true))
    balanced = recall_score(true, predicted, labels=classes, average="macro")
    rows: list[Row] = [
        {"metric": "balanced_accuracy", "value": float(balanced)},
        {"metric": "accuracy", "value": float(accuracy_score(true, predicted))},
        {"metric": "macro_f1", "value": float(macro_f1)},
        {"metric": "n_test", "value": len(part)},
    ]
    found = part["label"] == part["predicted"]
    for name, recall in found.groupby(part["label"]).mean().items():
        rows.append({"metric": "recall", "class": name, "value": float(recall)})
    return rows
