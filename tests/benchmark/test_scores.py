from __future__ import annotations

import pandas as pd
import pytest
from sklearn.metrics import f1_score

from modis.benchmark import Design
from modis.benchmark._cohort import make_cohort
from modis.benchmark._fold import make_fold
from modis.benchmark._scores import predictions_table, score


def test_rows_of_one_run(mosaic):
    cohort = make_cohort(mosaic, "label", split_key="part")
    fold = make_fold(cohort, Design(("lr",)), 0)
    predicted = {name: cohort.label.reindex(names).copy() for name, names in fold.test.items()}
    several = predicted["protein"].index.intersection(predicted["methylation"].index)
    predicted["protein"].iloc[:4] = "class_1"
    predicted["combined"] = cohort.label.reindex(several)
    table = predictions_table(cohort, predicted)
    assert len(table) == sum(len(series) for series in predicted.values())
    rows = pd.DataFrame(score(table, fold))
    keyed = rows[rows["metric"] != "recall"]
    values = keyed.set_index(["modality", "subset", "metric"])["value"]
    own = table[table["modality"] == "protein"]
    expected = f1_score(own["label"], own["predicted"], average="macro")
    assert values["protein", "all", "macro_f1"] == pytest.approx(expected)
    assert values["protein", "all", "accuracy"] < values["methylation", "all", "accuracy"] == 1
    assert values["protein", "all", "n_test"] == len(fold.test["protein"])
    assert values["protein", "several", "n_test"] == len(several)
    assert values["protein", "all", "n_labeled"] == values["protein", "all", "n_train"] == 63
    combined = rows[rows["modality"] == "combined"]
    assert set(combined["subset"]) == {"several"}
    recall = rows[(rows["metric"] == "recall") & (rows["subset"] == "all")]
    found = recall[recall["modality"] == "protein"]["value"].mean()
    assert found == pytest.approx(values["protein", "all", "balanced_accuracy"])
