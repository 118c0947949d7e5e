"""What methods are judged by: tasks, and how much a score hangs on the test observations."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, f1_score, recall_score

from ._fold import Fold
from ._rivals import COMBINED, Rival
from ._runs import Row

#: Test observations: all, or those that have several modalities.
ALL, SEVERAL = "all", "several"

# by method and modality: scores as they are and in each resample, a column per seed
Scores = dict[tuple[str, str], pd.DataFrame]

# so many resamples at a time; 1,000 of 100,000 samples would not fit
_CHUNK = 100


def judge_classes(rival: Rival, fold: Fold) -> tuple[list[Row], pd.DataFrame]:
    """How well a method tells the classes of the test observations.

    Rows have ``modality``, ``subset``, ``metric``, ``class`` (of a recall) and ``value``;
    predictions ``observation``, ``modality`` (or ``"combined"``), ``n_modalities`` (of the
    observation), ``label`` and ``predicted``.
    """
    started = time.perf_counter()
    predicted = rival.predict(fold)
    seconds = time.perf_counter() - started
    if not predicted:
        raise ValueError("It predicts no class in any modality.")
    rows: list[Row] = []
    tables = []
    for name, series in predicted.items():
        own = pd.DataFrame({"observation": series.index.astype(str), "modality": name})
        own["n_modalities"] = fold.cohort.n_modalities.reindex(series.index).to_numpy()
        own["label"] = fold.cohort.label.reindex(series.index).to_numpy(dtype=object)
        own["predicted"] = series.to_numpy(dtype=object)
        tables.append(own)
        for subset, part in ((ALL, own), (SEVERAL, own[own["n_modalities"] > 1])):
            if len(part) and (name != COMBINED or subset == SEVERAL):
                where = {"modality": name, "subset": subset}
                rows += [where | row for row in rate(part["label"], part["predicted"])]
                rows.append(where | {"metric": "n_test", "value": len(part)})
        if name in fold.train:
            where = {"modality": name, "subset": ALL}
            rows.append(where | {"metric": "n_train", "value": len(fold.train[name])})
            rows.append(where | {"metric": "n_labeled", "value": len(fold.labeled(name))})
    rows.append({"subset": ALL, "metric": "seconds", "value": seconds})
    return rows, pd.concat(tables, ignore_index=True)


#: What methods can be judged by, a function each.
TASKS: dict[str, Callable[[Rival, Fold], tuple[list[Row], pd.DataFrame]]] = {
    "classes": judge_classes
}


def rate(true: pd.Series, predicted: pd.Series) -> Iterator[Row]:  # numpydoc ignore=YD01
    """Scores of predicted classes, and the recall of each true class."""
    true, predicted = true.astype(str), predicted.astype(str)
    classes = sorted(set(true))
    recall = recall_score(true, predicted, labels=classes, average=None, zero_division=0)
    # not scikit-learn's, which warns of classes that are only predicted
    yield {"metric": "balanced_accuracy", "value": float(np.mean(recall))}
    yield {"metric": "accuracy", "value": float(accuracy_score(true, predicted))}
    macro_f1 = f1_score(true, predicted, average="macro", zero_division=0)
    yield {"metric": "macro_f1", "value": float(macro_f1)}
    for name, value in zip(classes, recall, strict=True):
        yield {"metric": "recall", "class": name, "value": float(value)}


def resample(
    predictions: pd.DataFrame, *, n_resamples: int = 1000, seed: int = 0
) -> dict[str, Scores]:
    """Balanced accuracy and accuracy, as they are (first row) and in each resample.

    Test observations are drawn with replacement within each class, the same ones for all methods,
    modalities and seeds; so classes keep their size, and differences are paired. The seeds are
    not resampled, and the folds of a seed count together.
    """
    label = predictions.drop_duplicates("observation").set_index("observation")["label"]
    codes, classes = pd.factorize(label, sort=True)
    right = (predictions["label"] == predictions["predicted"]).astype(np.float32)
    keys = ["method", "modality", "seed"]
    table = predictions.assign(right=right).pivot_table(
        index="observation", columns=keys, values="right", aggfunc="first", sort=False
    )
    table = table.reindex(label.index)
    correct = table.to_numpy(dtype=np.float32)
    counted = np.stack([np.nan_to_num(correct), ~np.isnan(correct)]).astype(np.float32)
    balanced, plain = [], []
    for weights in _weights(codes, n_resamples, seed):
        of_class = [codes == code for code in range(len(classes))]
        hits, n = np.stack([weights[:, own] @ counted[:, own] for own in of_class], axis=1)
        # a class that is not among a seed's test observations has no recall
        recall = np.divide(hits, n, out=np.full_like(hits, np.nan), where=n > 0)
        balanced.append(np.nanmean(recall, axis=0))
        plain.append(hits.sum(axis=0) / n.sum(axis=0))
    runs = table.columns.to_frame(index=False).groupby(["method", "modality"], sort=False)["seed"]
    draws = {"balanced_accuracy": np.concatenate(balanced), "accuracy": np.concatenate(plain)}
    return {
        metric: {
            key: pd.DataFrame(own[:, seeds.index], columns=list(seeds)) for key, seeds in runs
        }
        for metric, own in draws.items()
    }


def _weights(codes: np.ndarray, n_resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each observation is drawn; once each in the very first row."""
    yield np.ones((1, len(codes)), dtype=np.float32)
    rng = np.random.default_rng(seed)
    for start in range(0, n_resamples, _CHUNK):
        weights = np.empty((min(_CHUNK, n_resamples - start), len(codes)), dtype=np.float32)
        for code in np.unique(codes):
            members = np.flatnonzero(codes == code)
            share = np.full(len(members), 1 / len(members))
            weights[:, members] = rng.multinomial(len(members), share, size=len(weights))
        yield weights
