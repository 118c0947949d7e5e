"""What MODIS was to reach on real data, before the present version and now."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd
from real_data import DATA

BEFORE = Path(__file__).parents[2] / "benchmarks" / "results" / "real_before" / "results.csv"
Rows = list[dict[str, object]]
Means = pd.Series


class Goal(NamedTuple):
    """A measure of a task, and which results of baselines it was compared with."""

    task: str
    metric: str
    source: str
    baselines: tuple[str, ...]
    #: What is added to the baselines' best, and what it is multiplied with.
    room: float = 0.0
    factor: float = 1.0
    is_loss: bool = False
    #: In place of baselines.
    value: float | None = None
    settings: tuple[str, ...] = ("unpaired", "as it is")
    data: str | None = None
    #: Compared with the best single modality.
    with_single: bool = False


BOTH = ("lr", "pca-lr")
#: Accuracy that was asked of the largest cohort, all of whose samples keep their modalities.
OF_33_CANCERS = {"mirna": 0.95, "cnv": 0.65, "mutation": 0.48, "rppa": 0.7, "combined": 0.96}
#: By title.
GOALS = {
    "balanced accuracy": Goal("classes", "balanced_accuracy", "average", BOTH, -0.01),
    "accuracy": Goal("classes", "accuracy", "average", BOTH, -0.01),
    "log loss": Goal("classes", "log_loss", "average", ("lr",), factor=1.05, is_loss=True),
    "calibration error": Goal(
        "classes", "calibration_error", "average", (), is_loss=True, value=0.08
    ),
    "combined: balanced accuracy": Goal("classes", "balanced_accuracy", "combined", ("lr-mean",)),
    "combined: accuracy": Goal("classes", "accuracy", "combined", ("lr-mean",)),
    "combined, compared with the best modality: balanced accuracy": Goal(
        "classes", "balanced_accuracy", "combined", ("modis",), -0.005, with_single=True
    ),
    "combined, compared with the best modality: accuracy": Goal(
        "classes", "accuracy", "combined", ("modis",), -0.005, with_single=True
    ),
    "combined: calibration error": Goal(
        "classes", "calibration_error", "combined", (), is_loss=True, value=0.08
    ),
    "few labels: balanced accuracy": Goal("few", "balanced_accuracy", "average", BOTH, -0.005),
    "translation without pairs: squared error": Goal(
        "translation", "mse", "average", ("lr",), is_loss=True, settings=("unpaired",)
    ),
    "translation with pairs: squared error": Goal(
        "translation", "mse", "average", ("ridge",), 0, 1.02, True, settings=("as it is",)
    ),
    "translation with pairs: correlation within classes": Goal(
        "translation", "correlation_within_class", "average", ("ridge",), settings=("as it is",)
    ),
    "matching without pairs: FOSCTTM": Goal(
        "matching", "foscttm", "average", ("lr",), is_loss=True, settings=("unpaired",)
    ),
    "matching with pairs: FOSCTTM": Goal(
        "matching", "foscttm", "average", ("pls",), is_loss=True, settings=("as it is",)
    ),
    "label transfer: accuracy": Goal("transfer", "accuracy", "average", (), value=0.96),
    "label transfer: balanced accuracy": Goal(
        "transfer", "balanced_accuracy", "average", (), value=0.85
    ),
    "unseen class: recall": Goal(
        "unseen", "recall_unseen", "average", (), value=0.75, settings=("as it is",)
    ),
    "unseen class: recall of the others": Goal(
        "unseen", "recall_others", "average", ("lr",), -0.01, settings=("as it is",)
    ),
}
GOALS |= {
    f"accuracy, {source}": Goal(
        "classes",
        "accuracy",
        source,
        (),
        value=value,
        data="tcga_pancancer",
        settings=("as it is",),
    )
    for source, value in OF_33_CANCERS.items()
}


def list_goals(now: pd.DataFrame) -> Rows:
    """Every goal on every data set and setting; those that were missed come first."""
    ours, theirs = _means(now), _means(pd.read_csv(BEFORE))
    rows: Rows = []
    for title, goal in GOALS.items():
        for where in ours.index.droplevel([2, 3, 4, 5]).unique():
            data, setting = where
            key = (data, setting, goal.task, goal.metric, goal.source)
            found = ours.get((*key, "modis"))
            elsewhere = goal.data is not None and goal.data != data
            if found is None or setting not in goal.settings or elsewhere:
                continue
            asked = goal.value
            if asked is None:
                sources = [goal.source]
                if goal.with_single:
                    sources = (
                        ours[where].index.unique("source").difference(["combined", "average"])
                    )
                best = [
                    ours[other]
                    for source in sources
                    for each in goal.baselines
                    if (other := (*key[:-1], source, each)) in ours
                ]
                if not best:
                    continue
                asked = (min if goal.is_loss else max)(best) * goal.factor + goal.room
            # to the digits that are shown
            asked, found = round(asked, 3), round(found, 3)
            is_met = found <= asked if goal.is_loss else found >= asked
            earlier = theirs.get((*key, "modis"))
            rows.append(
                {
                    "goal": title,
                    "data": f"{DATA.get(data, data)}, {setting}",
                    "asked": f"{'≤' if goal.is_loss else '≥'} {asked:.3f}",
                    "before": "-" if earlier is None else f"{earlier:.3f}",
                    "now": f"{found:.3f}",
                    "reached": "yes" if is_met else "no",
                }
            )
    return sorted(rows, key=lambda row: row["reached"])


def _means(results: pd.DataFrame) -> Means:
    """Means over splits: of each source, of single ones together, and of all combined."""
    measured = results[results["task"].notna() & results["class"].isna()]
    single = measured["source"] != "combined"
    together = measured[single].assign(source="average")
    keys = ["data", "setting", "task", "metric", "source", "method"]
    return pd.concat([measured, together]).groupby(keys)["value"].mean()
