"""The table of a benchmark, and what follows from it, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from ._design import CLASSES, FEW, MATCHING, TASKS, TRANSFER, TRANSLATION, UNSEEN
from ._methods import RIVALS
from ._rivals import COMBINED
from ._runs import Row
from ._scores import METRICS

#: Stands among the modalities: the mean over modalities, directions or pairs.
AVERAGE = "average"
AHEAD, LEVEL, BEHIND = "ahead", "level", "behind"

#: What decides about a task: MODIS must be ahead in all of them.
PRIMARY = {
    CLASSES: ("balanced_accuracy", "accuracy"),
    FEW: ("balanced_accuracy", "accuracy"),
    TRANSFER: ("balanced_accuracy", "accuracy"),
    UNSEEN: ("balanced_accuracy",),
    TRANSLATION: ("mse",),
    MATCHING: ("foscttm",),
}
# measured over all observations of a split, so that they have no interval
_WHOLE = {
    "calibration_error": "calibration error",
    "correlation_within_class": "correlation within classes",
    "recall_unseen": "recall of the unseen class",
    "recall_others": "recall of the others",
}
_COLUMNS = ["task", "source", "target", "metric", "method", "reference", "mean", "low", "high"]
_COLUMNS += ["splits", "n_labeled", "n_test", "seconds"]
_OURS, _VARIANTS = "modis", ("modis", "paper")
_NOTE = (
    "Mean over splits [95 % confidence interval: splits and test observations resampled]. "
    "Differences are paired by split and observation. Methods that do not stand in a table cannot "
    "do the task with these data."
)


class Verdict(NamedTuple):
    """What follows for one task: ``"ahead"``, ``"level"`` or ``"behind"``, and why."""

    task: str
    place: str
    side: str
    text: str

    @property
    def title(self) -> str:
        """The task, and from what."""
        return TASKS[self.task] + (" from all modalities" if self.place == COMBINED else "")


def tabulate_comparison(results: pd.DataFrame, drawn: pd.DataFrame) -> pd.DataFrame:
    """Mean and interval of every method by task, and how far MODIS is from every other method.

    With a ``reference`` the row is MODIS minus it, paired by split and observation. The source
    :data:`AVERAGE` is the mean over modalities, directions or pairs, for a difference over those
    that both methods can do.
    """
    keys = ["task", "metric", "source", "target", "seed"]
    whole = results[results["metric"].isin(_WHOLE)]
    every = pd.concat([drawn, whole]).set_index(["method", *keys])
    every = every[["value", *drawn.columns[drawn.columns.str.startswith("draw_")]]]
    of_method = {name: every.xs(name) for name in every.index.unique("method")}
    parts = {(name, ""): own for name, own in of_method.items()}
    ours = of_method.get(_OURS, every.iloc[:0])
    for name, own in of_method.items():
        if name != _OURS and _OURS in of_method:
            shared = ours.index.intersection(own.index)
            parts[_OURS, name] = ours.loc[shared] - own.loc[shared]
    splits = sorted(drawn["seed"].unique())
    share = np.full(len(splits), 1 / len(splits))
    weights = np.random.default_rng(1).multinomial(len(splits), share, size=every.shape[1] - 1)
    by_split = pd.DataFrame(weights.T, index=splits)
    tables = []
    for (method, reference), own in parts.items():
        own = own.reset_index()
        single = own[own["source"] != COMBINED].drop(columns=["source", "target"])
        average = single.groupby(["task", "metric", "seed"], sort=False, as_index=False).mean()
        own = pd.concat([own, average.assign(source=AVERAGE, target="")])
        for where, rows in own.groupby(keys[:-1], sort=False):
            found = _interval(rows.drop(columns=keys).to_numpy(float), by_split.loc[rows["seed"]])
            named = {"method": method, "reference": reference}
            tables.append(dict(zip(keys, where, strict=False)) | named | found)
    table = pd.DataFrame(tables)
    sizes = results[results["metric"].isin(["n_labeled", "n_test"])]
    sizes = sizes.pivot_table("value", ["task", "source", "target", "method"], "metric")
    seconds = results[results["metric"] == "seconds"].groupby("method")["value"].mean()
    table = table.join(sizes.reindex(columns=["n_labeled", "n_test"]), on=sizes.index.names)
    return table.assign(seconds=table["method"].map(seconds))[_COLUMNS]


def _interval(values: np.ndarray, weights: pd.DataFrame) -> Row:
    """Mean over splits (rows), and its interval: resampled splits of resampled observations."""
    total = weights.sum().to_numpy()
    drawn = total > 0
    draws = (weights.to_numpy() * values[:, 1:]).sum(axis=0)[drawn] / total[drawn]
    # what is measured over all observations of a split has no interval
    low, high = (np.nan, np.nan) if np.isnan(draws).any() else np.percentile(draws, [2.5, 97.5])
    return {"mean": values[:, 0].mean(), "low": low, "high": high, "splits": len(values)}


def reach_verdicts(table: pd.DataFrame) -> list[Verdict]:
    """Say by task whether MODIS is ahead of every other method, level or behind.

    It is ahead if the interval of the difference to each of them is on the better side of 0, in
    each of the task's measures; behind if one of these intervals is on the other side.
    """
    ahead = table[(table["reference"] != "") & ~table["reference"].isin(_VARIANTS)]
    verdicts = []
    for task, metrics in PRIMARY.items():
        for place in (AVERAGE, COMBINED):
            own = ahead[(ahead["task"] == task) & (ahead["source"] == place)]
            sides, texts = [], []
            for metric in metrics:
                here = own[own["metric"] == metric]
                if len(here):
                    side, text = _judge(here, METRICS[metric].sign, METRICS[metric].title)
                    sides.append(side)
                    texts.append(text)
            if sides:
                side = next(name for name in (BEHIND, LEVEL, AHEAD) if name in sides)
                verdicts.append(Verdict(task, place, side, "; ".join(texts)))
    return verdicts


def gains(rows: pd.DataFrame) -> pd.DataFrame:
    """Differences turned so that above 0 MODIS is the better one; column ``side`` says so."""
    sign = rows["metric"].map(lambda name: METRICS[name].sign)
    turned = rows.assign(
        mean=rows["mean"] * sign, low=rows["low"] * sign, high=rows["high"] * sign
    )
    bounds = turned[["low", "high"]]
    turned = turned.assign(low=bounds.min(axis=1), high=bounds.max(axis=1))
    sides = np.select([turned["low"] > 0, turned["high"] < 0], [AHEAD, BEHIND], LEVEL)
    return turned.assign(side=sides)


def _judge(rows: pd.DataFrame, sign: int, title: str) -> tuple[str, str]:
    turned = gains(rows).sort_values("mean")
    sides = set(turned["side"])
    nearest = turned.iloc[0]
    side = BEHIND if BEHIND in sides else LEVEL if LEVEL in sides else AHEAD
    if side == BEHIND:
        nearest = turned[turned["side"] == BEHIND].iloc[0]
    low, high = sorted((sign * nearest["low"], sign * nearest["high"]))
    text = (
        f"{title} {sign * nearest['mean']:+.3f} [{low:+.3f}, {high:+.3f}] against "
        f"{RIVALS[nearest['reference']].title}"
    )
    return side, f"{text} ({side})"


def summarise(verdicts: Sequence[Verdict]) -> str:
    """One or two sentences: for which tasks MODIS is worth it."""
    worth = [own.title.lower() for own in verdicts if own.side == AHEAD]
    others = [f"{own.title.lower()} ({own.side})" for own in verdicts if own.side != AHEAD]
    sentences = []
    if worth:
        sentences.append(f"MODIS is ahead of every simple method here in: {', '.join(worth)}.")
    if others:
        start = "A simple method is level or better" + ("" if worth else " in every task")
        sentences.append(f"{start}: {', '.join(others)}.")
    return " ".join(sentences) or "Nothing was compared with MODIS."


def grid(lines: Iterable[Iterable[object]]) -> str:
    """A Markdown table; the first line is its head."""
    head, *others = [[str(cell) for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *others))


def write_comparison(table: pd.DataFrame, verdicts: Sequence[Verdict]) -> str:
    """Markdown: the verdict, then a grid per task and measure."""
    blocks = [f"**{summarise(verdicts)}**"]
    if verdicts:
        blocks.append("\n".join(f"- {own.title}: **{own.side}**. {own.text}." for own in verdicts))
    for task, metric, cells in grids(table):
        blocks.append(f"{TASKS[task]}: {metric}\n\n" + grid(cells))
    seconds = table.groupby("method", sort=False)["seconds"].first()
    spent = ", ".join(f"{RIVALS[name].title} {value:.2g}" for name, value in seconds.items())
    return "\n\n".join([*blocks, _NOTE, f"Seconds per run: {spent}."]) + "\n"


def grids(table: pd.DataFrame) -> Iterable[tuple[str, str, list[list[str]]]]:
    """Tables for readers: the task, the measure, and the cells, the head first."""
    titles = {name: metric.title for name, metric in METRICS.items()} | _WHOLE
    scores = table[table["reference"] == ""]
    for task in TASKS:
        for metric, title in titles.items():
            own = scores[(scores["task"] == task) & (scores["metric"] == metric)]
            if own.empty:
                continue
            places = own[["source", "target"]].drop_duplicates().apply(tuple, axis=1)
            places = sorted(places, key=lambda place: (place[0] == COMBINED, place[0] == AVERAGE))
            cells = {
                (row["method"], row["source"], row["target"]): _cell(row)
                for _, row in own.iterrows()
            }
            lines = [["method", *(name_place(*place) for place in places)]]
            for method in (name for name in RIVALS if name in set(own["method"])):
                found = [cells.get((method, *place), "–") for place in places]
                lines.append([RIVALS[method].title, *found])
            yield task, title, lines


def name_place(source: str, target: str) -> str:
    """A modality, or a direction from one to another."""
    return f"{source} → {target}" if target else source


def _cell(row: pd.Series) -> str:
    if pd.isna(row["low"]):
        return f"{row['mean']:.3f}"
    return f"{row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
