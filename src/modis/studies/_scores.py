"""How methods are evaluated: scores of single test observations, and their means."""

import warnings
from collections.abc import Iterator
from itertools import combinations, permutations
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.metrics import jaccard_score
from sklearn.neighbors import KNeighborsClassifier

from ._design import MATCHING, TRANSFER, TRANSLATION, Fold
from ._rivals import Rival
from ._runs import Row

_N_VOTERS = 15
_N_RESAMPLES = 500
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

    Rows of values, and a table with their means over resampled observations too. These are drawn
    within their class, the same for all methods and splits, so that differences are paired.
    """
    rows: list[Row] = []
    drawn = []
    weights = _weights(fold.cohort.label)
    for task in (own for own in fold.scenario.tasks if own in rival.tasks):
        parts = {TRANSLATION: _translations, MATCHING: _matchings}.get(task, _classes)
        for where, own, more in parts(rival, fold):
            where = {"task": task} | where
            mine = weights[:, fold.cohort.label.index.get_indexer(own.index)].astype(np.float32)
            for name, metric in METRICS.items():
                if metric.score in own and own[metric.score].notna().any():
                    value, draws = _mean(own[metric.score], own["group"], metric.balanced, mine)
                    rows.append(where | {"metric": name, "value": value})
                    drawn.append(rows[-1] | {f"draw_{k}": v for k, v in enumerate(draws)})
            rows += [where | row for row in more]
            rows.append(where | {"metric": "n_test", "value": len(own)})
    return rows, pd.DataFrame(drawn)


def _weights(label: pd.Series) -> np.ndarray:
    """How often each observation is drawn, ``(n_resamples, n_obs)``."""
    rng = np.random.default_rng(0)
    weights = np.empty((_N_RESAMPLES, len(label)), dtype=np.uint8)
    for _, members in sorted(label.groupby(label.to_numpy()).indices.items()):
        share = np.full(len(members), 1 / len(members))
        weights[:, members] = rng.multinomial(len(members), share, size=_N_RESAMPLES)
    return weights


def _mean(
    scores: pd.Series, groups: pd.Series, balanced: bool, weights: np.ndarray
) -> tuple[float, np.ndarray]:
    """Mean of scores, or of the groups' means, as they are and in each resample."""
    x = scores.to_numpy(dtype=np.float32)
    parts = groups.groupby(groups.to_numpy() if balanced else np.zeros(len(x))).indices.values()
    parts = [rows[np.isfinite(x[rows])] for rows in parts]
    parts = [rows for rows in parts if len(rows)]
    means = np.array([x[rows].mean() for rows in parts])
    n = np.stack([weights[:, rows].sum(axis=1) for rows in parts], axis=1)
    sums = np.stack([weights[:, rows] @ x[rows] for rows in parts], axis=1)
    # a group of which nothing was drawn counts as it is
    draws = np.where(n > 0, sums / np.maximum(n, 1), means).mean(axis=1)
    return float(means.mean()), draws


def _frame(fold: Fold, names: pd.Index) -> pd.DataFrame:
    label = fold.cohort.label.reindex(names)
    return pd.DataFrame({"label": label, "group": label})


def _classes(rival: Rival, fold: Fold) -> Iterator[tuple[Row, pd.DataFrame, list[Row]]]:
    for name, soft in rival.probabilities().items():
        own = _frame(fold, soft.index)
        own["right"] = (own["label"] == soft.idxmax(axis=1)).astype(float)
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
        # with NaN where a value is missing, which then does not count
        measured = fold.profiles(target, names, fold.cohort.values(target, names))
        truth, own = np.nan_to_num(measured), _frame(fold, names)
        own["error"] = np.nanmean((measured - translated) ** 2, axis=1)
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
        within = np.full(len(own), np.nan)
        for rows in own.groupby("label").indices.values():
            if len(rows) > 1:
                within[rows] = match_scores(distance[np.ix_(rows, rows)])[0]
        own["foscttm_within"] = within
        yield {"source": first, "target": second}, own, []


def _some(names: pd.Index) -> pd.Index:
    if len(names) <= _MOST_PAIRS:
        return names
    return names[np.sort(np.random.default_rng(0).permutation(len(names))[:_MOST_PAIRS])]


def match_scores(distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of samples closer than the true match, and chance that it is among the 10 nearest.

    `distance` has true matches on the diagonal; means over both directions, ``(n_samples,)``.
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
    """Correlation over samples of the deviations from the class mean, mean over features."""
    a, b = (
        x - pd.DataFrame(x).groupby(labels.to_numpy()).transform("mean").to_numpy()
        for x in (truth, other)
    )
    norm = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    return float(
        np.mean(np.divide((a * b).sum(axis=0), norm, out=np.zeros_like(norm), where=norm > 1e-9))
    )


def rate_classes(true: pd.Series, predicted: pd.Series) -> tuple[dict[str, float], pd.DataFrame]:
    """Accuracy, balanced accuracy and Jaccard index; and ``recall`` and ``n_samples`` by class."""
    right = pd.Series(true.to_numpy() == predicted.to_numpy())
    by_class = right.groupby(true.to_numpy()).agg(recall="mean", n_samples="size")
    # scikit-learn's balanced_accuracy_score warns of classes that are only predicted
    whole = {"accuracy": right.mean(), "balanced_accuracy": by_class["recall"].mean()}
    return whole | {"jaccard": jaccard_score(true, predicted, average="macro")}, by_class


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Mean distance of confidence and share of right predictions, over ten bins of confidence."""
    bins = np.clip(np.digitize(confidence, _BINS) - 1, 0, len(_BINS) - 2)
    parts = pd.DataFrame({"c": confidence, "r": right}).groupby(bins)
    gaps = (parts["c"].mean() - parts["r"].mean()).abs() * parts.size() / len(right)
    return float(gaps.sum())


def vote(z: np.ndarray, labels: np.ndarray) -> KNeighborsClassifier:
    """Classes by the 15 nearest points; by all of them if there are fewer."""
    voters = KNeighborsClassifier(min(_N_VOTERS, len(z)))
    with warnings.catch_warnings():
        # scikit-learn takes many classes for numbers
        warnings.simplefilter("ignore")
        return voters.fit(np.asarray(z, dtype=np.float64), labels.astype(str))
