"""Scores of single test observations, and how much a result hangs on observations and splits."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import combinations, permutations
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.metrics import accuracy_score, recall_score
from sklearn.neighbors import KNeighborsClassifier

from ._design import MATCHING, TRANSFER, TRANSLATION, Fold
from ._rivals import Rival
from ._runs import Row

_N_VOTERS = 15
_N_NEAREST = 10
# probabilities are judged as if none were smaller
_LEAST = 1e-6
_BINS = np.linspace(0, 1, 11)
# fewer pairs measure nothing, more only cost time
_FEWEST_PAIRS, _MOST_PAIRS = 5, 2000


class Metric(NamedTuple):
    """A mean of scores of single observations."""

    title: str
    score: str
    #: Mean of the means of the classes, or of all observations.
    balanced: bool = False
    #: 1 if higher is better, else -1.
    sign: int = 1


METRICS = {
    "balanced_accuracy": Metric("balanced accuracy", "right", balanced=True),
    "accuracy": Metric("accuracy", "right"),
    "log_loss": Metric("log loss", "log_loss", sign=-1),
    "mse": Metric("squared error / variance", "error", sign=-1),
    "foscttm": Metric("FOSCTTM", "foscttm", sign=-1),
    "foscttm_within_class": Metric("FOSCTTM within classes", "foscttm_within", sign=-1),
    "match_among_10": Metric("share of matches among the 10 nearest", "nearest"),
}


def judge(rival: Rival, fold: Fold) -> tuple[list[Row], pd.DataFrame]:
    """Measure a rival by the tasks of the fold's scenario.

    Rows have ``task``, ``source``, ``target``, ``metric``, ``class`` (of a recall) and ``value``.
    The table has a row per test observation, task, source and target: ``group`` (its class, or
    whether its class is the unseen one), ``label``, ``predicted`` and the scores of
    :data:`METRICS`.
    """
    rows: list[Row] = []
    tables = []
    for task in fold.scenario.tasks:
        if task in rival.tasks:
            parts = {TRANSLATION: _translations, MATCHING: _matchings}.get(task, _classes)
            for where, own, more in parts(rival, fold):
                where = {"task": task} | where
                own = own.assign(**where)
                tables.append(own)
                for name, metric in METRICS.items():
                    if metric.score in own:
                        mean = own.groupby("group")[metric.score].mean().mean()
                        value = mean if metric.balanced else own[metric.score].mean()
                        rows.append(where | {"metric": name, "value": float(value)})
                rows += [where | row for row in more]
                rows.append(where | {"metric": "n_test", "value": len(own)})
    return rows, pd.concat([pd.DataFrame(), *tables], ignore_index=True)


def _frame(fold: Fold, names: pd.Index) -> pd.DataFrame:
    label = fold.cohort.label.reindex(names).to_numpy(dtype=object)
    return pd.DataFrame({"observation": names.astype(str), "label": label, "group": label})


def _classes(rival: Rival, fold: Fold) -> Iterator[tuple[Row, pd.DataFrame, list[Row]]]:
    for name, soft in rival.probabilities().items():
        own = _frame(fold, soft.index)
        own["predicted"] = soft.idxmax(axis=1).to_numpy(dtype=object)
        own["right"] = (own["label"] == own["predicted"]).astype(float)
        columns = soft.columns.get_indexer(own["label"])
        given = soft.to_numpy(dtype=float)[np.arange(len(own)), columns]
        own["log_loss"] = -np.log(np.maximum(np.where(columns < 0, 0.0, given), _LEAST))
        more: list[Row] = [
            {"metric": "recall", "class": group, "value": float(value)}
            for group, value in own.groupby("label")["right"].mean().items()
        ]
        if fold.unseen is not None:
            is_unseen = own["label"] == fold.unseen[0]
            own["group"] = np.where(is_unseen, "unseen", "others")
            means = own.groupby("group")["right"].mean()
            more = [{"metric": f"recall_{k}", "value": float(v)} for k, v in means.items()]
            more.append({"metric": "recall", "class": fold.unseen[0], "value": means["unseen"]})
        error = calibration_error(soft.max(axis=1).to_numpy(), own["right"].to_numpy())
        more.append({"metric": "calibration_error", "value": error})
        if name in fold.train:
            more.append({"metric": "n_labeled", "value": len(fold.labeled(name))})
        where = {"source": name, "target": ""}
        if fold.scenario.name == TRANSFER:
            (source,) = set(fold.train) - {name}
            where = {"source": source, "target": name}
        yield where, own, more


def _translations(rival: Rival, fold: Fold) -> Iterator[tuple[Row, pd.DataFrame, list[Row]]]:
    for source, target in permutations(fold.test, 2):
        names = fold.pairs(source, target, test=True)
        if len(names) < _FEWEST_PAIRS or target not in fold.train:
            continue
        names = _some(names)
        translated = rival.translate(source, target, names)
        if translated is None:
            continue
        truth, own = fold.profiles(target, names), _frame(fold, names)
        own["error"] = ((truth - translated) ** 2).mean(axis=1)
        value = within_class_correlation(truth, translated, own["label"])
        more: list[Row] = [{"metric": "correlation_within_class", "value": value}]
        more.append({"metric": "n_pairs", "value": len(fold.pairs(source, target))})
        yield {"source": source, "target": target}, own, more


def _matchings(rival: Rival, fold: Fold) -> Iterator[tuple[Row, pd.DataFrame, list[Row]]]:
    for first, second in combinations(fold.test, 2):
        names = _some(fold.pairs(first, second, test=True))
        points = rival.match(first, second, names) if len(names) >= _FEWEST_PAIRS else None
        if points is None:
            continue
        own = _frame(fold, names)
        distance = cdist(*(np.asarray(z, dtype=np.float64) for z in points))
        own["foscttm"], own["nearest"] = match_scores(distance)
        within = pd.Series(np.nan, index=own.index)
        for rows in own.groupby("label").indices.values():
            if len(rows) > 1:
                within.iloc[rows] = match_scores(distance[np.ix_(rows, rows)])[0]
        own["foscttm_within"] = within
        yield {"source": first, "target": second}, own, []


def _some(names: pd.Index) -> pd.Index:
    if len(names) <= _MOST_PAIRS:
        return names
    return names[np.sort(np.random.default_rng(0).permutation(len(names))[:_MOST_PAIRS])]


def match_scores(distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of samples closer than the true match, and chance that it is among the 10 nearest.

    `distance` has shape ``(n_samples, n_samples)``, true matches on the diagonal; both results
    are means over the two directions, ``(n_samples,)``. Ties count half, or by chance.
    """
    n, own = len(distance), np.diagonal(distance)
    shares, nearest = [], []
    for table in (distance, distance.T):
        closer = (table < own[:, None]).sum(axis=1)
        tied = (table == own[:, None]).sum(axis=1)
        shares.append((closer + (tied - 1) / 2) / (n - 1))
        nearest.append(np.clip((_N_NEAREST - closer) / tied, 0, 1))
    return np.mean(shares, axis=0), np.mean(nearest, axis=0)


def within_class_correlation(truth: np.ndarray, other: np.ndarray, labels: pd.Series) -> float:
    """Correlation over samples of the deviations from the class mean, mean over features.

    0 where a feature does not vary in the other table, as of a prediction by class alone.
    """
    a, b = (
        x - pd.DataFrame(x).groupby(labels.to_numpy()).transform("mean").to_numpy()
        for x in (truth, other)
    )
    norm = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    return float(
        np.mean(np.divide((a * b).sum(axis=0), norm, out=np.zeros_like(norm), where=norm > 1e-9))
    )


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Mean distance of confidence and share of right predictions, over ten bins of confidence."""
    bins = np.clip(np.digitize(confidence, _BINS) - 1, 0, len(_BINS) - 2)
    parts = pd.DataFrame({"c": confidence, "r": right}).groupby(bins)
    gaps = (parts["c"].mean() - parts["r"].mean()).abs() * parts.size() / len(right)
    return float(gaps.sum())


def rate(true: pd.Series, predicted: pd.Series) -> Iterator[Row]:  # numpydoc ignore=YD01
    """Scores of predicted classes, and the recall of each true class."""
    true, predicted = true.astype(str), predicted.astype(str)
    classes = sorted(set(true))
    recall = recall_score(true, predicted, labels=classes, average=None, zero_division=0)
    # not scikit-learn's, which warns of classes that are only predicted
    yield {"metric": "balanced_accuracy", "value": float(np.mean(recall))}
    yield {"metric": "accuracy", "value": float(accuracy_score(true, predicted))}
    for name, value in zip(classes, recall, strict=True):
        yield {"metric": "recall", "class": name, "value": float(value)}


def vote(z: np.ndarray, labels: np.ndarray) -> KNeighborsClassifier:
    """Classes by the 15 nearest points; by all of them if there are fewer."""
    voters = KNeighborsClassifier(min(_N_VOTERS, len(z)))
    with warnings.catch_warnings():
        # scikit-learn takes many classes for numbers
        warnings.simplefilter("ignore")
        return voters.fit(np.asarray(z, dtype=np.float64), labels.astype(str))


class Key(NamedTuple):
    """What was measured of which method."""

    task: str
    metric: str
    method: str
    source: str
    target: str


class Entry(NamedTuple):
    """A mean of scores in one split: as it is, and in each resample, ``(n_resamples,)``."""

    value: float
    draws: np.ndarray


def resample(
    scores: pd.DataFrame, n_resamples: int = 1000, seed: int = 0
) -> dict[Key, dict[int, Entry]]:
    """Means of scores by split, as they are and over resampled observations.

    Observations are drawn with replacement within their class, the same for all methods; so
    differences are paired.
    """
    rng = np.random.default_rng(seed)
    label = scores.drop_duplicates("observation").set_index("observation")["label"]
    weights = np.empty((n_resamples, len(label)), dtype=np.uint8)
    for members in label.groupby(label.to_numpy()).indices.values():
        share = np.full(len(members), 1 / len(members))
        weights[:, members] = rng.multinomial(len(members), share, size=n_resamples)
    found: dict[Key, dict[int, Entry]] = {}
    keys = ["task", "source", "target", "method", "seed"]
    for (task, source, target, method, split), own in scores.groupby(keys, sort=False):
        drawn = weights[:, label.index.get_indexer(own["observation"])].astype(np.float32)
        groups = own.groupby("group").indices.values()
        for name, metric in METRICS.items():
            if metric.score not in own or own[metric.score].isna().all():
                continue
            x = own[metric.score].to_numpy(dtype=np.float32)
            known = np.isfinite(x)
            parts = groups if metric.balanced else [np.arange(len(x))]
            parts = [rows[known[rows]] for rows in parts if known[rows].any()]
            n = np.stack([drawn[:, rows].sum(axis=1) for rows in parts])
            sums = np.stack([drawn[:, rows] @ x[rows] for rows in parts])
            means = np.array([x[rows].mean() for rows in parts])
            # a class of which nothing was drawn counts as it is
            draws = np.where(n > 0, sums / np.maximum(n, 1), means[:, None]).mean(axis=0)
            value = means.mean()
            key = Key(task, name, method, source, target)
            found.setdefault(key, {})[split] = Entry(float(value), draws)
    return found
