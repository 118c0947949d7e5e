"""Tables of what was measured, made from the results that are kept in benchmarks/results.

``{measured} NAME`` in a page stands for one of :data:`TABLES`, below what is written inside the
directive. The files are those of ``modis reproduce``, of ``modis benchmark`` and of the scripts in
benchmarks; without them there is no page, and no documentation. Only what is :data:`OPTIONAL` is
left out with its text where it was not measured.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from goals import list_goals
from real_data import count_sides, draw_overview, list_verdicts, summarize_sides
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective
from trust_tables import list_added, list_novelty, list_sets

from modis.studies import METHODS, SETTINGS
from modis.studies._paper_table import BAYES, METHOD_NAMES, tabulate, to_markdown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from docutils import nodes
    from sphinx.application import Sphinx

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
# the paper's table by the present version, other settings by an earlier one
RUNS, BEFORE = "reproduce/results.csv", "reproduce_before/results.csv"
SHUFFLED, ABLATION = "shuffled_links.csv", "ablation.csv"
REAL, REAL_TEST = "real/verdicts.csv", "real_test/verdicts.csv"
TRUST = "trust"
NOTHING = "Nothing was measured yet."
MEMORY, IMPORTANCE, COUNTS = "memory.csv", "importance.csv", "counts_likelihood.csv"

EXPERIMENTS = {
    "fig2": "share of labels (Fig. 2)",
    "fig3": "a class with few samples (Fig. 3)",
    "fig4": "classes without samples in a modality (Fig. 4)",
}

# by score: what it is called, and which run is the worst
SCORES = {
    "accuracy": ("accuracy", "min"),
    "worst_recall": ("recall, worst class and modality", "min"),
    "label_transfer": ("15-NN label transfer, worst direction", "min"),
    "worst_mse_over_limit": ("relative translation error, worst pair of modalities", "max"),
}

RANKINGS = {
    "other_classes": "MODIS, compared with the other classes (default)",
    "mean": 'MODIS, `baseline="mean"`',
    "t_statistic": "t statistic",
}


def list_runs(results: pd.DataFrame) -> str:
    """How many runs there are, and how long they took."""
    seconds = results[results["metric"] == "train_seconds"]
    rows = []
    for prefix in EXPERIMENTS:
        own = seconds[seconds["figure"].str.startswith(prefix)]
        seeds = sorted(own.groupby(["setting", "method"])["seed"].nunique().unique())
        row = {
            "experiment": EXPERIMENTS[prefix],
            "settings": own["setting"].nunique(),
            "seeds": " to ".join(str(n) for n in dict.fromkeys([seeds[0], seeds[-1]])),
            "runs": len(own),
        }
        for method in METHODS:
            if (seconds["method"] == method).any():
                taken = own.loc[own["method"] == method, "value"]
                row[f"{METHOD_NAMES[method]}: seconds"] = f"{taken.mean():.1f}"
        rows.append(row)
    return _markdown(rows)


def compare_with_paper(results: pd.DataFrame) -> str:
    """The settings of the paper's table, with its results, without what sums up all settings."""
    lines = _tabulated(results[_is_of(results, "fig")]).splitlines()
    return "\n".join(line for line in lines if "every setting" not in line)


def compare_with_bayes(results: pd.DataFrame) -> str:
    """Accuracy on smaller effects, by what classes are predicted from."""
    own = results[_is_of(results, "difficulty")]
    measured = own[own["metric"] == "accuracy"]
    rows = []
    for (setting, source), values in measured.groupby(["setting", "source"], sort=False):
        row = {
            "effect size": f"{SETTINGS[setting].delta:g}",
            "predicted from": "all modalities, pooled" if source == "all" else source,
        }
        for method in (BAYES, *METHODS):
            if (measured["method"] == method).any():
                runs = values.loc[values["method"] == method, "value"]
                # the same whatever the seed
                exact = f"{runs.mean():.4f}"
                row[METHOD_NAMES[method]] = exact if method == BAYES else _cell(runs, "min")
        rows.append(row)
    rows.sort(key=lambda row: float(row["effect size"]))
    return f"{_markdown(rows)}\n\n{_tabulated(own)}"


def list_corrupted(results: pd.DataFrame) -> str:
    """Accuracy with wrong labels."""
    return _tabulated(results[_is_of(results, "corrupted")])


def list_settings(results: pd.DataFrame) -> str:
    """Every setting, not only those of which the paper states a result."""
    results = results[results["method"].isin(list(METHODS))]
    summary = _summarize(results)
    rows = []
    for setting in SETTINGS:
        for method in METHODS:
            if (method, setting) not in summary.index:
                continue
            found = summary.loc[(method, setting)]
            row = {"setting": f"`{setting}`", "method": METHOD_NAMES[method]}
            for score, (title, worst) in SCORES.items():
                row[title] = _mean_and_worst(found[score, "mean"], found[score, worst])
            rows.append(row)
    return _markdown(rows)


def list_variants(ablation: pd.DataFrame) -> str:
    """What the defaults reach, and the differences to them; a table per data set."""
    tables = []
    for data, own in ablation.groupby("data", sort=False):
        rows = []
        for variant, here in own.groupby("variant", sort=False):
            row = {"variant": variant}
            for each in here.itertuples():
                title = f"{each.task}: {each.metric.replace('_', ' ')}"
                change = f"{each.difference:+.3f} ± {each.sd:.3f}"
                row[title] = f"{each.mean:.3f}" if variant == "defaults" else change
            rows.append(row)
        name = str(data).replace("_unpaired", ", unpaired")
        tables.append(f"{name}, {own['splits'].max()} splits:\n\n{_markdown(rows)}")
    return "\n\n".join(tables)


def list_memory(memory: pd.DataFrame) -> str:
    """What sparse counts take."""
    rows = [
        {
            "cells": f"{row.n_obs:,}",
            "genes": f"{row.n_vars:,}",
            "non-zero values": f"{row.density:.0%}",
            "dense matrix": f"{row.dense_mb:,.0f}",
            "process after reading": f"{row.loaded_mb:,.0f}",
            "setup": f"+{row.setup_mb:,.0f}",
            "training": f"+{row.training_mb:,.0f}",
            "inference": f"+{row.inference_mb:,.0f}",
            "of this, networks": f"{row.networks_mb:,.0f}",
        }
        for row in memory.itertuples()
    ]
    return _markdown(rows)


def list_importance(importance: pd.DataFrame) -> str:
    """How many of the leading features are true, on seeds that nothing was chosen by."""
    own = importance[importance["part"] == "report"]
    rows = []
    for modality, here in own.groupby("modality", sort=False):
        for method, title in RANKINGS.items():
            cells = here[here["method"] == method]
            rows.append(
                {
                    "modality": modality,
                    "ranked by": title,
                    "seeds": cells["seed"].nunique(),
                    "shifted upwards": _cell(cells["precision"], "min"),
                    "different from the other classes": _cell(cells["precision_different"], "min"),
                }
            )
    return _markdown(rows)


def list_counts(counts: pd.DataFrame) -> str:
    """Held-out log-likelihood of counts."""
    rows = []
    for (epochs, method), runs in counts.groupby(["epochs", "method"], sort=False):
        value = runs["log_likelihood_per_cell"]
        rows.append(
            {
                "epochs": epochs,
                "model": "SCVI" if method == "scvi" else method.replace("modis", "MODIS", 1),
                "seeds": runs["seed"].nunique(),
                "log-likelihood per cell": f"{value.mean():.2f} ({value.min():.2f})",
                "seconds": f"{runs['seconds'].mean():.0f}",
            }
        )
    return _markdown(rows)


def summarize_test(verdicts: pd.DataFrame) -> str:
    """The test parts in a sentence, and where MODIS is behind."""
    behind = list_verdicts(verdicts[verdicts["side"] == "behind"])
    return "\n\n".join([summarize_sides(verdicts), *([_markdown(behind)] if behind else [])])


#: By name: the file or folder, and the function that makes the table or its rows.
TABLES = {
    "runs": (RUNS, list_runs),
    "paper": (RUNS, compare_with_paper),
    "settings": (RUNS, list_settings),
    "bayes": (BEFORE, compare_with_bayes),
    "corrupted": (BEFORE, list_corrupted),
    "settings-before": (BEFORE, list_settings),
    "shuffled": (SHUFFLED, list_settings),
    "ablation": (ABLATION, list_variants),
    "goals": ("real/results.csv", list_goals),
    "sides": (REAL, count_sides),
    "real": (REAL, list_verdicts),
    "summary": (REAL, summarize_sides),
    "test": (REAL_TEST, summarize_test),
    "memory": (MEMORY, list_memory),
    "importance": (IMPORTANCE, list_importance),
    "novelty": (TRUST, list_novelty),
    "sets": (TRUST, list_sets),
    "added": (TRUST, list_added),
    "counts": (COUNTS, list_counts),
}
#: What may be missing, and takes the text inside its directive with it.
OPTIONAL = ("counts",)


class Measured(SphinxDirective):
    """One of :data:`TABLES`."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        if name not in TABLES:
            raise self.error(f"There is no table {name!r}; there are {', '.join(TABLES)}.")
        file, write = TABLES[name]
        for path in _files(file):
            self.env.note_dependency(str(path))
        made = write(pd.concat(map(pd.read_csv, _files(file)))) if _files(file) else NOTHING
        text = made if isinstance(made, str) else _markdown(made)
        if text == NOTHING and name in OPTIONAL:
            return []
        return self.parse_text_to_nodes("\n".join([*self.content, "", text]))


def check_results(app: Sphinx) -> None:
    """Stop at once, and not after minutes, when there is nothing to show; draw the overview."""
    needed = dict.fromkeys(file for name, (file, _) in TABLES.items() if name not in OPTIONAL)
    absent = [file for file in needed if not _files(file)]
    if absent:
        raise ExtensionError(
            f"The pages of results are made from files that are not there: "
            f"{', '.join(str(RESULTS / file) for file in absent)}. "
            "benchmarks/README.md has the commands that make them."
        )
    # into the sources, as Sphinx wants it; git ignores it
    draw_overview(pd.read_csv(RESULTS / REAL), Path(app.srcdir, "_static", "real_overview.png"))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", check_results)
    app.add_directive("measured", Measured)
    return {"parallel_read_safe": True}


def _files(file: str) -> list[Path]:
    """The table of results, or the tables in a folder, if they are there."""
    path = RESULTS / file
    return sorted(path.glob("*.csv")) if path.is_dir() else [path] if path.is_file() else []


def _is_of(results: pd.DataFrame, figure: str) -> pd.Series:
    return results["figure"].str.startswith(figure)


def _summarize(results: pd.DataFrame) -> pd.DataFrame:
    """Mean and extremes over seeds of :data:`SCORES`, a row per method and setting."""
    pooled = results[results["source"] == "all"]
    columns = {
        "accuracy": (pooled, "accuracy", "mean"),
        "worst_recall": (results, "recall", "min"),
        "label_transfer": (results, "label_transfer", "min"),
        "worst_mse_over_limit": (results, "mse_over_limit", "max"),
    }
    figures = {}
    for name, (rows, metric, how) in columns.items():
        runs = rows[rows["metric"] == metric].groupby(["method", "setting", "seed"], sort=False)
        figures[name] = runs["value"].agg(how)
    by_setting = pd.DataFrame(figures).groupby(["method", "setting"], sort=False)
    return by_setting.agg(["mean", "min", "max"])


def _tabulated(results: pd.DataFrame) -> str:
    # its last paragraph speaks of a file that readers of the page do not have
    table = to_markdown(tabulate(results)).partition("\n\n")[0]
    return table.replace(" ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}")


def _cell(values: pd.Series, worst: str) -> str:
    return _mean_and_worst(values.mean(), values.agg(worst))


def _mean_and_worst(mean: float, worst: float) -> str:
    return "-" if pd.isna(mean) else f"{mean:.4f} ({worst:.4f})"


def _markdown(rows: Iterable[dict[str, object]]) -> str:
    table = pd.DataFrame(list(rows))
    if table.empty:
        return NOTHING
    lines = [table.columns, ["---"] * table.shape[1], *table.itertuples(index=False)]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)
