"""The table of the paper's experiments: results of the paper and of this package."""

from typing import NamedTuple

import pandas as pd

from ._methods import METHODS
from ._settings import SETTINGS
from ._verdict import grid

#: In place of a method: the best possible classifier of simulated data.
BAYES = "bayes"
#: What tables and figures call the methods.
METHOD_NAMES = {name: method.title for name, method in METHODS.items()}
METHOD_NAMES[BAYES] = "Bayes-optimal classifier"

# by metric: what the table calls it, and which of a run's values is the worst and represents it
_METRICS = {
    "accuracy": ("accuracy", "min"),
    "recall": ("recall over all modalities, worst class", "min"),
    "single_recall": ("recall, worst class and modality", "min"),
    "rare_recall": ("recall of the rare class, worst modality", "min"),
    "label_transfer": ("15-NN label transfer, worst direction", "min"),
    "mse_over_limit": ("translation error over its limit, worst cell", "max"),
    "below_bayes": ("accuracy below the Bayes-optimal classifier's, worst modality", "max"),
}


class Line(NamedTuple):
    """One line of the table: a number per run, and what the paper says."""

    title: str
    settings: tuple[str, ...]
    metric: str = "accuracy"
    paper: str = "-"


def _with_labels(least: float) -> tuple[str, ...]:
    return tuple(
        name
        for name, own in SETTINGS.items()
        if own.figure.startswith("fig") and own.labeled_fraction >= least
    )


#: In the order of the paper; what is not in the paper comes last.
LINES: tuple[Line, ...] = (
    Line("Fig. 2, 100 % of the labels", ("labels-100",), paper="1.00"),
    Line("Fig. 2, 5 % of the labels", ("labels-5",), paper="about 1"),
    Line("Fig. 2, 0.5 % of the labels", ("labels-0.5",), paper="about 1"),
    Line("Fig. 2, 0.2 % of the labels", ("labels-0.2",), paper="0.59"),
    Line("Fig. 2, no labels", ("labels-0",), "label_transfer", "0.19 (accuracy)"),
    Line("Fig. 2, 0.5 % of the labels", ("labels-0.5",), "mse_over_limit", "about 1.2"),
    Line("Fig. 3A, 5 samples per modality", ("rare-5",), "rare_recall", "> 0.8 (accuracy)"),
    Line("Fig. 3A, 1 sample per modality", ("rare-1",), "rare_recall"),
    *(
        Line("Fig. 3C, 2 % of the reference labelled", ("reference-2",), own, "> 0.95 (accuracy)")
        for own in ("single_recall", "recall")
    ),
    Line("Fig. 4A, one pair missing", ("missing-1",), paper="0.97"),
    Line("Fig. 4B, one sample put back", ("missing-1-back-1",), paper="0.99"),
    Line("Fig. 4C, two pairs missing", ("missing-2",), paper="0.85"),
    Line("Fig. 4D, one sample put back in each", ("missing-2-back-1",), paper="0.97"),
    Line("Fig. 2-4, every setting with 0.5 % of the labels or more", _with_labels(0.005)),
    Line("Fig. 2-4, every setting with labels", _with_labels(0.002)),
    *(
        Line(f"Effect sizes {own.delta:g} instead of 2", (name,), "below_bayes")
        for name, own in SETTINGS.items()
        if own.delta is not None
    ),
    *(
        Line(f"{100 * own.corrupted_fraction:g} % of the labels wrong", (name,))
        for name, own in SETTINGS.items()
        if own.corrupted_fraction
    ),
)


def tabulate(results: pd.DataFrame) -> pd.DataFrame:
    """Mean and spread over runs of what the paper states, a row per :class:`Line`."""
    measured = _by_metric(results)
    rows = []
    for line in LINES:
        name, worst = _METRICS[line.metric]
        found = measured[line.metric]
        found = found[found["setting"].isin(line.settings) & found["method"].isin(METHODS)]
        values = found.groupby(["method", "setting", "seed"], sort=False)["value"].agg(worst)
        if len(values):
            row = {"setting": line.title, "metric": name, "paper": line.paper}
            for method, runs in values.groupby("method"):
                numbers = {"mean": runs.mean(), "sd": runs.std(), "worst": runs.agg(worst)}
                numbers["runs"] = len(runs)
                row |= {f"{method}_{key}": value for key, value in numbers.items()}
            rows.append(row)
    return pd.DataFrame(rows)


def _by_metric(results: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows of each of the table's metrics; most are judged in each modality by itself."""
    is_pooled = results["source"] == "all"
    single = {name: results[~is_pooled & (results["metric"] == name)] for name in _METRICS}
    pooled = {name: results[is_pooled & (results["metric"] == name)] for name in _METRICS}
    recall, accuracy = single["recall"], single["accuracy"]
    best = accuracy.loc[accuracy["method"] == BAYES, ["setting", "source", "value"]]
    below = accuracy.merge(best, on=["setting", "source"], suffixes=("", "_best"))
    return single | {
        "accuracy": pooled["accuracy"],
        "recall": pooled["recall"],
        "single_recall": recall,
        "rare_recall": recall[recall["class"] == recall["rare_class"]],
        "below_bayes": below.assign(value=below["value_best"] - below["value"]),
    }


def to_markdown(table: pd.DataFrame) -> str:
    """A row per result of :func:`tabulate`, and a column per method."""
    if table.empty:
        return "Nothing was measured yet that the paper states.\n"
    methods = [name for name in METHODS if f"{name}_mean" in table]
    lines = [["setting", "metric", "paper", *(METHOD_NAMES[name] for name in methods)]]
    for _, row in table.iterrows():
        cells = [_cell(row, name) for name in methods]
        lines.append([row["setting"], row["metric"], row["paper"], *cells])
    note = "Mean ± standard deviation (worst) over runs; table.csv has their number."
    return f"{grid(lines)}\n\n{note}\n"


def _cell(row: pd.Series, method: str) -> str:
    mean, sd, worst = (row[f"{method}_{part}"] for part in ("mean", "sd", "worst"))
    spread = "" if pd.isna(sd) else f" ± {sd:.4f}"
    return "-" if pd.isna(mean) else f"{mean:.4f}{spread} ({worst:.4f})"
