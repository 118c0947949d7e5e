import numpy as np
import pandas as pd
import pytest

from modis.studies import METHODS, SETTINGS
from modis.studies._paper_table import BAYES, LINES, METHOD_NAMES, tabulate, to_markdown
from modis.studies._reproduce import _COLUMNS


def table_of(setting, metric, *cells):
    """The table of results with one value each; a cell has whatever differs."""
    run = {"method": "default", "seed": 0, "setting": setting}
    rows = [run | {"metric": metric} | cell for cell in cells]
    return tabulate(pd.DataFrame(rows, columns=_COLUMNS))


def cell(value, source="all", **where):
    return {"value": value, "source": source, **where}


def line(table, **where):
    for column, text in where.items():
        table = table[table[column].str.contains(text)]
    assert len(table) == 1
    return table.iloc[0]


def test_accuracy_over_all_modalities_and_seeds():
    values = [0.9, 0.96, 0.99]
    table = table_of(
        *("labels-5", "accuracy"),
        *(cell(value, seed=seed) for seed, value in enumerate(values)),
        *(cell(0.2, "rna", seed=seed) for seed in range(3)),
        cell(1.0, method="links"),
        cell(0.1, metric="balanced_accuracy"),
        cell(0.1, setting="labels-0.5"),
    )
    found = line(table, setting="^Fig. 2, 5 %")
    assert found["paper"] == "about 1"
    assert found["default_mean"] == pytest.approx(np.mean(values))
    assert found["default_sd"] == pytest.approx(np.std(values, ddof=1))
    assert found["default_worst"] == 0.9
    assert found["default_runs"] == 3
    assert found["links_mean"] == 1
    assert np.isnan(found["links_sd"])
    lines = to_markdown(table).splitlines()
    assert lines[0] == "| setting | metric | paper | MODIS without links | MODIS with links |"
    assert lines[2].endswith("| accuracy | about 1 | 0.9500 ± 0.0458 (0.9000) | 1.0000 (1.0000) |")
    assert lines[3].endswith("| 0.1000 (0.1000) | - |")
    assert "Nothing was measured" in to_markdown(table_of("labels-5", "accuracy"))


def test_recall_of_the_rare_class_in_the_worst_modality():
    cells = []
    for seed, (rare, low) in enumerate([("B", 0.5), ("T", 0.7)]):
        for name in ("B", "T"):
            for source, value in (("rna", low), ("prot", 0.9), ("all", 0.1)):
                # the other class is never found; it does not count
                where = {"class": name, "rare_class": rare, "seed": seed}
                cells.append(cell(value if name == rare else 0.0, source, **where))
    found = line(table_of("rare-5", "recall", *cells), metric="rare class")
    assert found["default_mean"] == pytest.approx(0.6)
    assert found["default_worst"] == 0.5


def test_the_worst_class_direction_and_cell():
    recalls = {("B", "rna"): 0.7, ("B", "prot"): 0.9, ("B", "all"): 0.8, ("T", "all"): 0.95}
    cells = [cell(own, source, **{"class": name}) for (name, source), own in recalls.items()]
    table = table_of("reference-2", "recall", *cells)
    assert line(table, metric="worst class and modality")["default_mean"] == 0.7
    assert line(table, metric="over all modalities, worst class")["default_mean"] == 0.8
    values = {0: (0.5, 1.5), 1: (0.9, 1.1)}
    cells = [cell(own, "a", seed=seed) for seed, pair in values.items() for own in pair]
    transfer = table_of("labels-0", "label_transfer", *cells).iloc[0]
    error = table_of("labels-0.5", "mse_over_limit", *cells).iloc[0]
    assert (transfer["default_mean"], transfer["default_worst"]) == (pytest.approx(0.7), 0.5)
    assert (error["default_mean"], error["default_worst"]) == (pytest.approx(1.3), 1.5)


def test_no_collapse_over_all_settings():
    values = {"labels-0.5": 0.9, "labels-0.2": 0.3, "missing-2": 0.8, "delta-0.25": 0.1}
    table = table_of("", "accuracy", *(cell(own, setting=name) for name, own in values.items()))
    few = line(table, setting="every setting with 0.5 %")
    assert (few["default_worst"], few["default_runs"]) == (0.8, 2)
    assert line(table, setting="every setting with labels")["default_worst"] == 0.3


def test_distance_to_the_best_classifier():
    runs = {(BAYES, 0): {"rna": 0.9, "prot": 0.8, "all": 0.85}}
    runs |= {
        ("default", 0): {"rna": 0.89, "prot": 0.7},
        ("default", 1): {"rna": 0.9, "prot": 0.81},
    }
    cells = [
        cell(value, source, method=method, seed=seed)
        for (method, seed), own in runs.items()
        for source, value in own.items()
    ]
    found = line(table_of("delta-0.5", "accuracy", *cells), setting="0.5 instead of 2")
    assert found["default_mean"] == pytest.approx((0.1 + 0.0) / 2)
    assert found["default_worst"] == pytest.approx(0.1)
    assert f"{BAYES}_mean" not in found


def test_lines_speak_of_settings_that_exist():
    assert all(item.settings and set(item.settings) <= set(SETTINGS) for item in LINES)
    assert set(METHOD_NAMES) == {*METHODS, BAYES}
