from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from modis.benchmark._bootstrap import Scores, resample


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


def test_the_first_row_is_what_the_metrics_say():
    table = predictions()
    scores = resample(table, n_resamples=50)
    assert set(scores) == {
        (metric, method, modality)
        for metric in ("accuracy", "balanced_accuracy")
        for method in ("modis", "lr")
        for modality in ("rna", "adt")
    }
    for (metric, method, modality), value in scores.items():
        assert value.draws.shape == (51, 2)
        measure = accuracy_score if metric == "accuracy" else balanced_accuracy_score
        own = table[(table["method"] == method) & (table["modality"] == modality)]
        for seed, part in own.groupby("seed"):
            expected = measure(part["label"], part["predicted"])
            assert value.draws[0, seed] == pytest.approx(expected, abs=1e-6)
        low, high = value.interval
        assert low < value.mean < high


def test_the_interval_has_the_width_that_theory_gives():
    table = predictions(600, methods=("lr",), seeds=(0,))
    value = resample(table)["accuracy", "lr", "rna"]
    low, high = value.interval
    # within classes of their own size: at most the binomial's
    expected = 2 * 1.96 * np.sqrt(value.mean * (1 - value.mean) / 600)
    assert 0.8 * expected < high - low < 1.1 * expected
    assert np.isnan(value.sd)


def test_differences_are_paired():
    table = predictions(methods=("modis",))
    same = pd.concat([table, table.assign(method="lr")])
    scores = resample(same, n_resamples=50)
    difference = scores["accuracy", "modis", "rna"].minus(scores["accuracy", "lr", "rna"])
    assert (difference.draws == 0).all()
    # seeds that one of them lacks do not count
    scores = resample(same[(same["method"] == "modis") | (same["seed"] == 1)], n_resamples=20)
    difference = scores["accuracy", "modis", "rna"].minus(scores["accuracy", "lr", "rna"])
    assert difference.seeds == (1,)
    assert (difference.draws == 0).all()


def test_average_over_modalities():
    scores = resample(predictions(), n_resamples=20)
    parts = [scores["accuracy", "lr", name] for name in ("rna", "adt")]
    mean = Scores.average(parts)
    np.testing.assert_allclose(mean.draws, (parts[0].draws + parts[1].draws) / 2)


def test_seeds_may_test_other_observations():
    table = predictions(methods=("lr",))
    number = table["observation"].str[1:].astype(int)
    table = table[(number % 2 == table["seed"])]
    value = resample(table, n_resamples=200)["balanced_accuracy", "lr", "rna"]
    assert np.isfinite(value.draws).all()
    own = table[(table["modality"] == "rna") & (table["seed"] == 1)]
    expected = balanced_accuracy_score(own["label"], own["predicted"])
    assert value.draws[0, 1] == pytest.approx(expected, abs=1e-6)
