"""The table of a benchmark, and its conclusions in words."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from ._design import CLASSES, FEW, MATCHING, TASKS, TRANSFER, TRANSLATION, UNSEEN
from ._methods import RIVALS
from ._rivals import COMBINED, Classifiers
from ._runs import Row
from ._scores import METRICS

#: In place of a modality: the mean over modalities, directions or pairs.
AVERAGE = "average"
#: From the worst to the best.
SIDES = BEHIND, LEVEL, AHEAD = ("behind", "level", "ahead")

#: The measures that decide about a task: MODIS must be ahead in all of them.
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
_KEYS = ["task", "metric", "source", "target", "seed"]
_OURS, _VARIANTS = "modis", ("modis", "paper")
_NOTE = (
    "Mean over splits [95 % confidence interval: splits and test observations resampled]. "
    "Differences are paired by split and observation. Methods that are not in a table cannot do "
    "the task with these data."
)


def tabulate_comparison(results: pd.DataFrame, drawn: pd.DataFrame) -> pd.DataFrame:
    """Mean and interval of every method by task; with a ``reference``, MODIS minus it, paired.

    The source :data:`AVERAGE` is the mean over modalities, directions or pairs, for a difference
    over those that both methods can do.
    """
    every = pd.concat([drawn, results[results["metric"].isin(_WHOLE)]]).set_index(
        ["method", *_KEYS]
    )
    every = every[["value", *(name for name in drawn if name.startswith("draw_"))]]
    of_method = {str(name): every.xs(name) for name in every.index.unique("method")}
    parts = {(name, ""): own for name, own in of_method.items()}
    for name, own in of_method.items():
        if name != _OURS and _OURS in of_method:
            shared = of_method[_OURS].index.intersection(own.index)
            parts[_OURS, name] = of_method[_OURS].loc[shared] - own.loc[shared]
    splits = sorted(drawn["seed"].unique())
    share = np.full(len(splits), 1 / len(splits))
    weights = np.random.default_rng(1).multinomial(len(splits), share, size=every.shape[1] - 1)
    by_split = pd.DataFrame(weights.T, index=splits)
    rows = []
    for (method, reference), own in parts.items():
        own = own.reset_index()
        single = own[own["source"] != COMBINED].drop(columns=["source", "target"])
        average = single.groupby(["task", "metric", "seed"], sort=False, as_index=False).mean()
        own = pd.concat([own, average.assign(source=AVERAGE, target="")])
        for where, values in own.groupby(_KEYS[:-1], sort=False):
            row = dict(zip(_KEYS, where, strict=False))
            found = _interval(
                values.drop(columns=_KEYS).to_numpy(float), by_split.loc[values["seed"]]
            )
            rows.append(row | {"method": method, "reference": reference} | found)
    return pd.DataFrame(rows)


def _interval(values: np.ndarray, weights: pd.DataFrame) -> Row:
    """Mean over splits (rows), and its interval: resampled splits of resampled observations."""
    total = weights.sum().to_numpy()
    drawn = total > 0
    draws = (weights.to_numpy() * values[:, 1:]).sum(axis=0)[drawn] / total[drawn]
    # what is measured over all observations of a split has no interval
    low, high = (np.nan, np.nan) if np.isnan(draws).any() else np.percentile(draws, [2.5, 97.5])
    return {"mean": values[:, 0].mean(), "low": low, "high": high, "splits": len(values)}


def gains(table: pd.DataFrame) -> pd.DataFrame:
    """Differences to every other method in the measures that decide, above 0 if MODIS is better.

    Only averages and predictions from all modalities; ``side`` is where the interval lies.
    """
    own = table[(table["reference"] != "") & ~table["reference"].isin(_VARIANTS)]
    own = own[own["source"].isin([AVERAGE, COMBINED])]
    decides = [row["metric"] in PRIMARY[row["task"]] for _, row in own.iterrows()]
    own = own[np.array(decides, dtype=bool)]
    sign = own["metric"].map(lambda name: METRICS[name].sign)
    bounds = own[["low", "high"]].mul(sign, axis=0)
    own = own.assign(mean=own["mean"] * sign, low=bounds.min(axis=1), high=bounds.max(axis=1))
    side = np.select([own["low"] > 0, own["high"] < 0], [AHEAD, BEHIND], LEVEL)
    order = {name: place for place, name in enumerate([*TASKS, AVERAGE, COMBINED, *METRICS])}
    keys = ["task", "source", "metric"]
    return own.assign(side=side).sort_values(keys, key=lambda x: x.map(order), kind="stable")


def decide(table: pd.DataFrame) -> pd.DataFrame:
    """The best of the other methods, by task, modality and deciding metric."""
    own = gains(table)
    own = own.assign(rank=own["side"].map(SIDES.index)).sort_values(["rank", "mean"])
    keys = [name for name in ("data", "setting") if name in own] + ["task", "source", "metric"]
    hardest = own.drop_duplicates(keys).drop(columns="rank")
    return hardest.loc[gains(table).index.intersection(hardest.index, sort=False)]


class Verdict(NamedTuple):
    """Conclusion for one task: ``"ahead"``, ``"level"`` or ``"behind"``, with the reason."""

    task: str
    title: str
    side: str
    text: str


def reach_verdicts(table: pd.DataFrame) -> list[Verdict]:
    """Say by task whether MODIS is ahead of every other method, level or behind.

    It is ahead if every interval, to each method in each measure, is on the better side of 0.
    """
    verdicts = []
    for (task, source), own in decide(table).groupby(["task", "source"], sort=False):
        side = min(own["side"], key=SIDES.index)
        texts = [
            f"{METRICS[row['metric']].title} {_distance(row)} {name_rival(row['reference'], task)}"
            for _, row in own.iterrows()
        ]
        verdicts.append(Verdict(str(task), name_task(task, source), side, "; ".join(texts)))
    return verdicts


def name_task(task: str, source: str) -> str:
    """The task, and from what."""
    return TASKS[task] + (" from all modalities" if source == COMBINED else "")


def name_rival(name: str, task: str) -> str:
    """Name of the method, and what a classifier uses in tasks other than classification."""
    goes_by = {TRANSLATION: " (class means)", MATCHING: " (class probabilities)"}
    is_classifier = issubclass(RIVALS[name], Classifiers)
    return RIVALS[name].title + (goes_by.get(task, "") if is_classifier else "")


def _distance(row: pd.Series) -> str:
    """By how much better or worse, with the interval, and whether that may be chance."""
    better = "better" if row["mean"] >= 0 else "worse"
    low, high = (f"{row[name]:+.3f}" for name in ("low", "high"))
    chance = "; may be chance" if row["side"] == LEVEL else ""
    return f"{abs(row['mean']):.3f} {better} [{low}, {high}{chance}] than"


def summarise(verdicts: Iterable[Verdict]) -> str:
    """One or two sentences: the tasks in which MODIS is better."""
    titles: dict[str, list[str]] = {side: [] for side in SIDES}
    for own in verdicts:
        titles[own.side].append(own.title[0].lower() + own.title[1:])
    starts = {
        AHEAD: "MODIS is worth it here for",
        LEVEL: "A simple method does as well for",
        BEHIND: "A simple method is better for",
    }
    said = [
        f"{start}: {'; '.join(titles[side])}." for side, start in starts.items() if titles[side]
    ]
    return " ".join(said) or "Nothing was compared with MODIS."


def grid(lines: Iterable[Iterable[object]]) -> str:
    """A Markdown table; the first line is its head."""
    head, *others = [[str(cell) for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *others))


def write_comparison(table: pd.DataFrame, results: pd.DataFrame) -> str:
    """Markdown: the verdict, then a grid per task and measure."""
    verdicts = reach_verdicts(table)
    blocks = [f"**{summarise(verdicts)}**"]
    blocks.append("\n".join(f"- {own.title}: **{own.side}**. {own.text}." for own in verdicts))
    for task, measure, cells in grids(table):
        blocks.append(f"{TASKS[task]}: {measure}\n\n{grid(cells)}")
    seconds = results[results["metric"] == "seconds"].groupby("method", sort=False)["value"].mean()
    spent = ", ".join(f"{RIVALS[name].title} {value:.2g}" for name, value in seconds.items())
    return "\n\n".join([*filter(None, blocks), _NOTE, f"Seconds per run: {spent}."]) + "\n"


def grids(table: pd.DataFrame) -> Iterable[tuple[str, str, list[list[str]]]]:
    """Tables for readers: the task, the measure, and the cells, the head first."""
    titles = {name: metric.title for name, metric in METRICS.items()} | _WHOLE
    scores = table[table["reference"] == ""]
    texts = [_score(row) for _, row in scores.iterrows()]
    arrow = np.where(scores["target"] == "", "", " → ")
    scores = scores.assign(text=texts, place=scores["source"] + arrow + scores["target"])
    for (task, metric), own in scores.groupby(["task", "metric"], sort=False):
        cells = own.pivot_table("text", "method", "place", aggfunc="first", fill_value="–")
        places = sorted(own["place"].unique(), key=lambda x: (x == COMBINED, x == AVERAGE))
        cells = cells.loc[[name for name in RIVALS if name in cells.index], places]
        lines = [[name_rival(str(name), str(task)), *line] for name, line in cells.iterrows()]
        yield str(task), titles[str(metric)], [["method", *places], *lines]


def _score(row: pd.Series) -> str:
    interval = "" if pd.isna(row["low"]) else f" [{row['low']:.3f}, {row['high']:.3f}]"
    return f"{row['mean']:.3f}{interval}"
