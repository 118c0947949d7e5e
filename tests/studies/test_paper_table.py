from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from modis.studies import METHODS, SETTINGS
from modis.studies._experiment import BAYES
from modis.studies._paper_table import LINES, METHOD_NAMES, summarize, tabulate, to_markdown
from modis.studies._reproduce import _COLUMNS


def row(setting, metric, value, *, method="default", seed=0, factor=1, **where):
    figure = SETTINGS[setting].figure
    keys = {"figure": figure, "setting": setting, "method": method, "epochs_factor": factor}
    return keys | {"seed": seed, "metric": metric, "value": value, **where}


def table_of(rows):
    return tabulate(pd.DataFrame(rows, columns=list(_COLUMNS)))


def line(table, **where):
    for column, text in where.items():
        table = table[table[column].str.contains(text)]
    assert len(table) == 1
    return table.iloc[0]


def test_accuracy_over_all_modalities_and_seeds():
    rows = [
        row("labels-5", "accuracy", value, seed=seed, source=source)
        for seed, (all_, own) in enumerate([(0.9, 0.2), (0.96, 0.3), (0.99, 0.4)])
        for source, value in (("all", all_), ("rna", own))
    ]
    rows += [row("labels-5", "accuracy", 1.0, source="all", method="links")]
    rows += [row("labels-5", "balanced_accuracy", 0.1, source="all")]
    rows += [row("labels-0.5", "accuracy", 0.1, source="all")]
    found = line(table_of(rows), setting="^Fig. 2, 5 %")
    assert found["paper"] == "about 1"
    values = np.array([0.9, 0.96, 0.99])
    assert found["default_mean"] == pytest.approx(values.mean())
    assert found["default_sd"] == pytest.approx(values.std(ddof=1))
    assert found["default_worst"] == 0.9
    assert found["default_runs"] == 3
    assert found["links_mean"] == 1
    assert np.isnan(found["links_sd"])


def test_recall_of_the_rare_class_in_the_worst_modality():
    rows = []
    for seed, (rare, low) in enumerate([("B", 0.5), ("T", 0.7)]):
        for name in ("B", "T"):
            for source, value in (("rna", low), ("prot", 0.9), ("all", 0.1)):
                # the other class is never found; it does not count
                value = value if name == rare else 0.0
                where = {"source": source, "class": name, "rare_class": rare}
                rows.append(row("rare-5", "recall", value, seed=seed, **where))
    found = line(table_of(rows), setting="5 samples", metric="rare class")
    assert found["default_mean"] == pytest.approx(0.6)
    assert found["default_worst"] == 0.5


def test_worst_class_and_modality_or_class_alone():
    cells = {("B", "rna"): 0.7, ("B", "prot"): 0.9, ("B", "all"): 0.8, ("T", "all"): 0.95}
    rows = [
        row("reference-2", "recall", value, source=source, rare_class="T", **{"class": name})
        for (name, source), value in cells.items()
    ]
    table = table_of(rows)
    assert line(table, metric="worst class and modality")["default_mean"] == 0.7
    assert line(table, metric="over all modalities, worst class")["default_mean"] == 0.8


def test_worst_direction_and_worst_cell():
    rows = [
        row(setting, metric, value, seed=seed, source="a", target=target)
        for setting, metric in (("labels-0", "label_transfer"), ("labels-0.5", "mse_over_limit"))
        for seed, values in enumerate([(0.5, 1.5), (0.9, 1.1)])
        for target, value in zip("ab", values, strict=True)
    ]
    table = table_of(rows)
    transfer, error = line(table, metric="label transfer"), line(table, metric="error over")
    assert (transfer["default_mean"], transfer["default_worst"]) == (pytest.approx(0.7), 0.5)
    assert (error["default_mean"], error["default_worst"]) == (pytest.approx(1.3), 1.5)


def test_no_collapse_over_all_settings_however_long_trained():
    rows = [
        row(setting, "accuracy", value, factor=factor, source="all")
        for setting, value in (("labels-0.5", 0.9), ("labels-0.2", 0.3), ("missing-2", 0.8))
        for factor in (1, 2)
    ]
    rows += [row("delta-0.25", "accuracy", 0.1, source="all")]
    table = table_of(rows)
    few = table[table["setting"].str.contains("every setting with 0.5 %")]
    assert list(few["epochs_factor"]) == [1, 2]
    assert list(few["default_worst"]) == [0.8, 0.8]
    assert list(few["default_runs"]) == [2, 2]
    every = table[table["setting"].str.contains("every setting with labels")]
    assert list(every["default_worst"]) == [0.3, 0.3]
    assert "every setting with labels, trained 2 times as long" in to_markdown(table)


def test_distance_to_the_best_classifier():
    best = {"rna": 0.9, "prot": 0.8, "all": 0.85}
    runs = [({"method": BAYES}, best)]
    runs += [({"seed": 0}, {"rna": 0.89, "prot": 0.7}), ({"seed": 1}, {"rna": 0.9, "prot": 0.81})]
    rows = [
        row("delta-0.5", "accuracy", value, source=source, **where)
        for where, own in runs
        for source, value in own.items()
    ]
    found = line(table_of(rows), setting="0.5 instead of 2")
    assert found["default_mean"] == pytest.approx((0.1 + 0.0) / 2)
    assert found["default_worst"] == pytest.approx(0.1)
    assert f"{BAYES}_mean" not in found


def test_markdown():
    rows = [
        row("labels-100", "accuracy", value, seed=s, source="all")
        for s, value in enumerate((1, 0.5))
    ]
    rows += [row("missing-1", "accuracy", 1.0, source="all", method="links")]
    lines = to_markdown(table_of(rows)).splitlines()
    assert lines[0] == "| setting | metric | paper | MODIS without links | MODIS with links |"
    assert lines[2] == (
        "| Fig. 2, 100 % of the labels | accuracy | 1.00 | 0.7500 ± 0.3536 (0.5000) | - |"
    )
    assert lines[3].endswith("| 0.97 | - | 1.0000 (1.0000) |")
    assert "Nothing was measured" in to_markdown(table_of([]))


def test_lines_speak_of_settings_that_exist():
    for item in LINES:
        assert item.settings
        assert set(item.settings) <= set(SETTINGS)
    assert set(METHOD_NAMES) == {*METHODS, BAYES}


def test_summary_has_the_worst_of_each_run():
    values = {"accuracy": ("all", 0.9), "recall": ("rna", 0.5), "label_transfer": ("rna", 0.8)}
    rows = [
        row("rare-5", metric, value - 0.1 * k, seed=seed, source=source)
        for metric, (source, value) in values.items()
        for seed in (0, 1)
        for k in ((0,) if metric == "accuracy" else (0, 1))
    ]
    found = summarize(pd.DataFrame(rows)).loc["default", "rare-5"]
    assert found["accuracy", "mean"] == pytest.approx(0.9)
    assert found["worst_recall", "max"] == pytest.approx(0.4)
    assert found["worst_label_transfer", "min"] == pytest.approx(0.7)
    assert np.isnan(found["train_seconds", "mean"])
