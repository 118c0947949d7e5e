from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, jaccard_score, mean_squared_error, recall_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.class_weight import compute_sample_weight

from ..metrics import within_class_variance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mudata import MuData

    from ..model import MODIS

__all__ = ["Row", "evaluate", "rate_predictions", "sample_latent"]

Row = dict[str, Any]

#: The paper draws so many samples per modality.
_MOST_POINTS = 800


def evaluate(
    model: MODIS,
    test: MuData,
    truth: MuData,
    labels_key: str = "label",
    *,
    confusion: bool = False,
) -> list[Row]:
    """Measure a trained model: classes, alignment, and the errors of all translations.

    Parameters
    ----------
    model
        The model. If it learned no classes, none are predicted.
    test
        Unpaired test data.
    truth
        Paired data that hold the test observations in every modality.
    labels_key
        Column with the classes.
    confusion
        Whether to count which class is taken for which, too.

    Returns
    -------
    Tidy rows: those of the predicted classes by ``source`` (a modality or ``"all"``) and
    ``class``; ``label_transfer``, ``mse`` and ``mse_over_limit`` by ``source`` and ``target``.
    The limit is the within-class variance of the test samples: what the best prediction that
    knows the class, and only the class, leaves.

    Examples
    --------
    >>> from modis.datasets import intersim
    >>> from modis.experiments import METHODS, SETTINGS, evaluate, fit, split_paired
    >>> truth = intersim(60)
    >>> train, test = split_paired(truth, split_key=None, observed_key=None)
    >>> how = {"setting": SETTINGS["labels-100"], "method": METHODS["default"], "seed": 0}
    >>> model, _ = fit(train, **how, max_epochs=1)
    >>> rows = evaluate(model, test, truth)
    >>> len([row for row in rows if row["metric"] == "label_transfer"])
    6
    """
    labels = {name: a.obs[labels_key].astype(str).to_numpy() for name, a in test.mod.items()}
    rows: list[Row] = []
    if model.module.n_classes:
        predicted = {
            name: model.predict(test, modality=name).astype(str).to_numpy() for name in test.mod
        }
        rows += rate_predictions(labels, predicted, confusion=confusion)
    rows += _rate_alignment(model, test, labels, confusion)
    return rows + _rate_translations(model, test, truth, labels_key)


def rate_predictions(
    labels: Mapping[str, np.ndarray], predicted: Mapping[str, np.ndarray], *, confusion: bool
) -> list[Row]:
    """Rows of the classes predicted from each modality, and over all of them.

    Parameters
    ----------
    labels, predicted
        True and predicted classes by modality, each of shape ``(n_obs,)``.
    confusion
        Whether to count which class is taken for which.
    """
    pooled = np.concatenate(list(labels.values())), np.concatenate(list(predicted.values()))
    rows: list[Row] = []
    for source, (true, named) in {
        **{name: (labels[name], predicted[name]) for name in labels},
        "all": pooled,
    }.items():
        weight = compute_sample_weight("balanced", true)
        scores = {
            "accuracy": accuracy_score(true, named),
            "balanced_accuracy": recall_score(
                true, named, labels=np.unique(true), average="macro"
            ),
            "inverse_frequency_accuracy": accuracy_score(true, named, sample_weight=weight),
            "jaccard": jaccard_score(true, named, average="macro"),
        }
        for metric, value in scores.items():
            rows.append({"metric": metric, "source": source, "value": float(value)})
        recall = pd.Series(true == named, dtype=float).groupby(true).mean()
        rows += [
            {"metric": "recall", "source": source, "class": name, "value": value}
            for name, value in recall.items()
        ]
        if confusion and source != "all":
            rows += _confusion("confusion", true, named, source=source)
    return rows


def sample_latent(model: MODIS, test: MuData, labels_key: str = "label") -> pd.DataFrame:
    """Latent points of at most 800 test samples per modality.

    Parameters
    ----------
    model, test, labels_key
        As in :func:`evaluate`.

    Returns
    -------
    DataFrame with ``modality``, ``label`` and one column per latent dimension.
    """
    parts = []
    for name, adata in test.mod.items():
        n_drawn = min(_MOST_POINTS, adata.n_obs)
        chosen = np.sort(np.random.default_rng(0).permutation(adata.n_obs)[:n_drawn])
        latent = model.get_latent_representation(test, modality=name, indices=chosen.tolist())
        part = pd.DataFrame(latent).add_prefix("latent_")
        part.insert(0, "modality", name)
        part.insert(1, "label", adata.obs[labels_key].astype(str).to_numpy()[chosen])
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _rate_alignment(
    model: MODIS, test: MuData, labels: Mapping[str, np.ndarray], confusion: bool
) -> list[Row]:
    latent = {name: model.get_latent_representation(test, modality=name) for name in test.mod}
    rows: list[Row] = []
    for source in latent:
        for target in latent:
            if source != target:
                n_neighbors = min(15, len(latent[source]))
                nearest = KNeighborsClassifier(n_neighbors).fit(latent[source], labels[source])
                carried = nearest.predict(latent[target])
                where = {"source": source, "target": target}
                value = float(np.mean(labels[target] == carried))
                rows.append({"metric": "label_transfer", **where, "value": value})
                if confusion:
                    rows += _confusion("transfer_confusion", labels[target], carried, **where)
    return rows


def _rate_translations(model: MODIS, test: MuData, truth: MuData, labels_key: str) -> list[Row]:
    rows: list[Row] = []
    observed = np.concatenate([adata.obs_names.to_numpy() for adata in test.mod.values()])
    known = truth.obs[labels_key].reindex(observed).astype(str).to_numpy()
    for target in test.mod:
        paired = truth.mod[target]
        limit = within_class_variance(paired[observed].X, known)
        for source, adata in test.mod.items():
            translated = model.translate(source, target, test).X
            error = mean_squared_error(paired[adata.obs_names].X, translated)
            where = {"source": source, "target": target}
            rows.append({"metric": "mse", **where, "value": error})
            rows.append({"metric": "mse_over_limit", **where, "value": error / limit})
    return rows


def _confusion(metric: str, true: np.ndarray, named: np.ndarray, **where: str) -> list[Row]:
    counts = pd.DataFrame({"class": true, "predicted": named}).value_counts(sort=False)
    return [
        {"metric": metric, **where, **row}
        for row in counts.rename("value").reset_index().to_dict("records")
    ]
