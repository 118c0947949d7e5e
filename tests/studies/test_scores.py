from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from modis.studies import make_cohort
from modis.studies._comparison import _minus
from modis.studies._fold import Design, make_fold
from modis.studies._rivals import Rival
from modis.studies._scores import judge_classes, resample


def predictions(n=60, *, methods=("modis", "lr"), seeds=(0, 1), wrong=0.3):
    """Two modalities, three classes, errors at random."""
    rng = np.random.default_rng(0)
    label = np.repeat(["a", "b", "c"], [n // 2, n // 3, n // 6])
    parts = []
    for method in methods:
        for seed in seeds:
            for modality in ("rna", "adt"):
                guess = np.where(rng.random(n) < wrong, rng.permutation(label), label)
                part = pd.DataFrame({"observation": [f"s{k}" for k in range(n)], "label": label})
                part = part.assign(predicted=guess, method=method, seed=seed, modality=modality)
                parts.append(part.assign(n_modalities=2, fold=0))
    return pd.concat(parts, ignore_index=True)


def test_the_first_row_is_what_scikit_learn_says():
    table = predictions()
    draws = resample(table, n_resamples=50)
    measures = {"accuracy": accuracy_score, "balanced_accuracy": balanced_accuracy_score}
    for metric, measure in measures.items():
        for (*key, seed), part in table.groupby(["method", "modality", "seed"]):
            own = draws[metric][tuple(key)]
            assert own.shape == (51, 2)
            expected = measure(part["label"], part["predicted"])
            assert own[seed][0] == pytest.approx(expected, abs=1e-6)


def test_the_interval_has_the_width_that_theory_gives():
    draws = resample(predictions(600, methods=("lr",), seeds=(0,)))["accuracy"]["lr", "rna"][0]
    low, high = np.percentile(draws.iloc[1:], [2.5, 97.5])
    # within classes of their own size: at most the binomial's
    expected = 2 * 1.96 * np.sqrt(draws[0] * (1 - draws[0]) / 600)
    assert low < draws[0] < high
    assert 0.8 * expected < high - low < 1.1 * expected


def test_differences_are_paired():
    table = predictions(methods=("modis",))
    same = pd.concat([table, table.assign(method="lr")])
    for rows, seeds in (
        (same, [0, 1]),
        (same[(same["method"] == "lr") | (same["seed"] == 1)], [1]),
    ):
        # seeds that one of them lacks do not count
        draws = resample(rows, n_resamples=50)["accuracy"]
        difference = _minus(draws["modis", "rna"], draws["lr", "rna"])
        assert list(difference) == seeds
        assert (difference == 0).all(axis=None)


def test_seeds_may_test_other_observations():
    table = predictions(methods=("lr",))
    number = table["observation"].str[1:].astype(int)
    table = table[(number % 2 == table["seed"])]
    draws = resample(table, n_resamples=200)["balanced_accuracy"]
    assert np.isfinite(draws["lr", "rna"]).all(axis=None)
    own = table[(table["modality"] == "rna") & (table["seed"] == 1)]
    expected = balanced_accuracy_score(own["label"], own["predicted"])
    assert draws["lr", "rna"][1][0] == pytest.approx(expected, abs=1e-6)


def test_rows_of_one_run(mosaic):
    cohort = make_cohort(mosaic, "label", split_key="part")
    fold = make_fold(cohort, Design(("lr",)), 0)
    predicted = {name: cohort.label.reindex(names).copy() for name, names in fold.test.items()}
    several = predicted["protein"].index.intersection(predicted["methylation"].index)
    predicted["protein"].iloc[:4] = "class_1"
    predicted["combined"] = cohort.label.reindex(several)

    class Stated(Rival):
        def predict(self, fold):
            return predicted

    rows, table = judge_classes(Stated(), fold)
    rows = pd.DataFrame(rows)
    assert len(table) == sum(len(series) for series in predicted.values())
    values = rows[rows["metric"] != "recall"].set_index(["modality", "subset", "metric"])["value"]
    own = table[table["modality"] == "protein"]
    expected = f1_score(own["label"], own["predicted"], average="macro")
    assert values["protein", "all", "macro_f1"] == pytest.approx(expected)
    assert values["protein", "all", "accuracy"] < values["methylation", "all", "accuracy"] == 1
    assert values["protein", "all", "n_test"] == len(fold.test["protein"])
    assert values["protein", "several", "n_test"] == len(several)
    assert values["protein", "all", "n_labeled"] == values["protein", "all", "n_train"] == 63
    assert set(rows.loc[rows["modality"] == "combined", "subset"]) == {"several"}
    recall = rows[(rows["metric"] == "recall") & (rows["subset"] == "all")]
    found = recall[recall["modality"] == "protein"]["value"].mean()
    assert found == pytest.approx(values["protein", "all", "balanced_accuracy"])
