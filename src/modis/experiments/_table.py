from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ._settings import METHODS, SETTINGS
from ._store import BAYES

__all__ = ["LINES", "METHOD_NAMES", "Line", "tabulate", "to_markdown"]

#: What tables and figures call the methods.
METHOD_NAMES = {
    "default": "MODIS without links",
    "links": "MODIS with links",
    "paper": "the paper's networks and losses, run here",
    BAYES: "Bayes-optimal classifier",
}

_BELOW_BAYES = "accuracy_below_bayes"
_RUN = ["method", "epochs_factor", "setting", "seed"]


@dataclass(frozen=True)
class Line:
    """One line of the table: a number per run, and what the paper says.

    Parameters
    ----------
    title
        The setting, as readers know it.
    settings
        Names of the settings whose runs count.
    name
        The metric in words.
    metric
        Its key in the results.
    paper
        The paper's figure.
    pooled
        Whether all modalities are judged together, or each by itself.
    rare_only
        Whether only the rare class counts.
    worst
        ``"min"`` or ``"max"``: which of a run's values is the worst and stands for it, and which
        run is the worst.
    """

    title: str
    settings: tuple[str, ...]
    name: str
    metric: str
    paper: str = "-"
    pooled: bool = False
    rare_only: bool = False
    worst: str = "min"

    def values(self, results: pd.DataFrame) -> pd.Series:
        """One value per run, by method, epochs factor, setting and seed."""
        rows = results[
            (results["metric"] == self.metric)
            & results["setting"].isin(self.settings)
            & ((results["source"] == "all") == self.pooled)
        ]
        if self.rare_only:
            rows = rows[rows["class"] == rows["rare_class"]]
        return rows.groupby(_RUN, sort=False)["value"].agg(self.worst)


def _accuracy(title: str, setting: str, paper: str = "-") -> Line:
    return Line(title, (setting,), "accuracy", "accuracy", paper, pooled=True)


def _named(*starts: str, labels: float) -> tuple[str, ...]:
    return tuple(
        name
        for name, setting in SETTINGS.items()
        if setting.figure.startswith(starts) and setting.labeled_fraction >= labels
    )


def _rare(title: str, setting: str, paper: str = "-") -> Line:
    name = "recall of the rare class, worst modality"
    return Line(title, (setting,), name, "recall", paper, rare_only=True)


#: In the order of the paper; what is not in the paper comes last.
LINES: tuple[Line, ...] = (
    _accuracy("Fig. 2, 100 % of the labels", "labels-100", "1.00"),
    _accuracy("Fig. 2, 5 % of the labels", "labels-5", "about 1"),
    _accuracy("Fig. 2, 0.5 % of the labels", "labels-0.5", "about 1"),
    _accuracy("Fig. 2, 0.2 % of the labels", "labels-0.2", "0.59"),
    Line(
        "Fig. 2, no labels",
        ("labels-0",),
        "15-NN label transfer, worst direction",
        "label_transfer",
        "0.19 (accuracy)",
    ),
    Line(
        "Fig. 2, 0.5 % of the labels",
        ("labels-0.5",),
        "translation error over its limit, worst cell",
        "mse_over_limit",
        "about 1.2",
        worst="max",
    ),
    _rare("Fig. 3A, 5 samples per modality", "rare-5", "> 0.8 (accuracy)"),
    _rare("Fig. 3A, 1 sample per modality", "rare-1"),
    Line(
        "Fig. 3C, 2 % of the reference labelled",
        ("reference-2",),
        "recall, worst class and modality",
        "recall",
        "> 0.95 (accuracy)",
    ),
    Line(
        "Fig. 3C, 2 % of the reference labelled",
        ("reference-2",),
        "recall over all modalities, worst class",
        "recall",
        "> 0.95 (accuracy)",
        pooled=True,
    ),
    _accuracy("Fig. 4A, one pair missing", "missing-1", "0.97"),
    _accuracy("Fig. 4B, one sample put back", "missing-1-back-1", "0.99"),
    _accuracy("Fig. 4C, two pairs missing", "missing-2", "0.85"),
    _accuracy("Fig. 4D, one sample put back in each", "missing-2-back-1", "0.97"),
    Line(
        "Fig. 2-4, every setting with 0.5 % of the labels or more",
        _named("fig", labels=0.005),
        "accuracy",
        "accuracy",
        pooled=True,
    ),
    Line(
        "Fig. 2-4, every setting with labels",
        _named("fig", labels=0.002),
        "accuracy",
        "accuracy",
        pooled=True,
    ),
    *(
        Line(
            f"Effect sizes {setting.delta:g} instead of 2",
            (name,),
            "accuracy below the Bayes-optimal classifier's, worst modality",
            _BELOW_BAYES,
            worst="max",
        )
        for name, setting in SETTINGS.items()
        if setting.delta is not None
    ),
    *(
        _accuracy(f"{100 * setting.corrupted_fraction:g} % of the labels wrong", name)
        for name, setting in SETTINGS.items()
        if setting.corrupted_fraction
    ),
)


def tabulate(results: pd.DataFrame) -> pd.DataFrame:
    """Mean and spread over runs of what the paper states.

    Parameters
    ----------
    results
        Tidy rows of all runs.

    Returns
    -------
    DataFrame with one row per line that was measured, and per factor of epochs: ``setting``,
    ``metric``, ``paper``, ``epochs_factor``, and per method the ``mean``, the ``sd``, the value
    of the ``worst`` run and the number of ``runs``, as ``default_mean`` and so on.

    Examples
    --------
    >>> import pandas as pd
    >>> from modis.experiments import tabulate
    >>> run = {"setting": "labels-0.2", "method": "default", "epochs_factor": 1, "class": None}
    >>> run |= {"metric": "accuracy", "source": "all", "rare_class": None}
    >>> results = pd.DataFrame([run | {"seed": 0, "value": 0.98}, run | {"seed": 1, "value": 1.0}])
    >>> print(tabulate(results)[["setting", "paper", "default_mean", "default_worst"]].head(1))
                           setting paper  default_mean  default_worst
    0  Fig. 2, 0.2 % of the labels  0.59          0.99           0.98
    """
    results = _with_distance_to_bayes(results)
    rows = []
    for line in LINES:
        values = line.values(results)
        for factor in sorted(values.index.unique("epochs_factor")):
            row = {
                "setting": line.title,
                "metric": line.name,
                "paper": line.paper,
                "epochs_factor": factor,
            }
            for method in METHODS:
                runs = values[values.index.get_level_values("method") == method]
                runs = runs[runs.index.get_level_values("epochs_factor") == factor]
                if len(runs):
                    row[f"{method}_mean"] = runs.mean()
                    row[f"{method}_sd"] = runs.std()
                    row[f"{method}_worst"] = runs.agg(line.worst)
                    row[f"{method}_runs"] = len(runs)
            rows.append(row)
    return pd.DataFrame(rows)


def to_markdown(table: pd.DataFrame) -> str:
    """Write the table for readers.

    Parameters
    ----------
    table
        As from :func:`tabulate`.

    Returns
    -------
    Markdown: a row per result and a column per method.

    Examples
    --------
    >>> import pandas as pd
    >>> from modis.experiments import tabulate, to_markdown
    >>> run = {"setting": "labels-0.2", "method": "default", "epochs_factor": 1, "class": None}
    >>> run |= {"metric": "accuracy", "source": "all", "rare_class": None}
    >>> results = pd.DataFrame([run | {"seed": 0, "value": 0.98}, run | {"seed": 1, "value": 1.0}])
    >>> print(to_markdown(tabulate(results)).splitlines()[2])
    | Fig. 2, 0.2 % of the labels | accuracy | 0.59 | 0.9900 ± 0.0141 (0.9800) |
    """
    if table.empty:
        return "Nothing was measured yet that the paper states.\n"
    methods = [name for name in METHODS if f"{name}_mean" in table]
    head = ["setting", "metric", "paper", *(METHOD_NAMES[name] for name in methods)]
    lines = [head, ["---"] * len(head)]
    for _, row in table.iterrows():
        factor = row["epochs_factor"]
        title = row["setting"] + (f", trained {factor} times as long" if factor != 1 else "")
        cells = [title, row["metric"], row["paper"]]
        lines.append([*cells, *(_cell(row, name) for name in methods)])
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{text}\n\nMean ± standard deviation (worst) over runs; table.csv has their number.\n"


def _cell(row: pd.Series, method: str) -> str:
    mean, sd, worst = (row[f"{method}_{part}"] for part in ("mean", "sd", "worst"))
    if pd.isna(mean):
        return "-"
    spread = "" if pd.isna(sd) else f" ± {sd:.4f}"
    return f"{mean:.4f}{spread} ({worst:.4f})"


def _with_distance_to_bayes(results: pd.DataFrame) -> pd.DataFrame:
    rows = results[results["metric"] == "accuracy"]
    best = rows[rows["method"] == BAYES].set_index(["setting", "source"])["value"]
    others = rows[rows["method"] != BAYES]
    bound = best.reindex(pd.MultiIndex.from_frame(others[["setting", "source"]])).to_numpy()
    derived = others.assign(metric=_BELOW_BAYES, value=bound - others["value"])
    return pd.concat([results, derived[derived["value"].notna()]], ignore_index=True)
