from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from modis.studies._comparison import judge, tabulate_comparison, write_comparison
from modis.studies._draw_comparison import draw_comparison

CLASSES = ["a", "b", "c"]
WORTH = {
    "modis": {"rna": 0.95, "adt": 0.9},
    "lr": {"rna": 0.6, "adt": 0.5},
    "rf": {"rna": 0.5, "adt": 0.7},
}


def made(shares, *, seeds=2, n=60, combined=False):
    """Results and predictions of methods that are right in so many of 60, by modality."""
    label = np.repeat(CLASSES, n // 3)
    wrong = np.repeat(np.roll(CLASSES, 1), n // 3)
    rows, parts = [], []
    for method, by_modality in shares.items():
        for seed in range(seeds):
            run = {"method": method, "seed": seed, "fold": 0, "subset": "all"}
            for modality, share in by_modality.items():
                right = np.random.default_rng([seed, len(method)]).permutation(n) < share * n
                part = pd.DataFrame({"observation": [f"s{k}" for k in range(n)], "label": label})
                part = part.assign(predicted=np.where(right, label, wrong), modality=modality)
                parts.append(part.assign(n_modalities=2 if combined else 1, **run))
                sizes = {} if modality == "combined" else {"n_train": 40, "n_labeled": 20}
                for metric, value in sizes.items():
                    rows.append({**run, "modality": modality, "metric": metric, "value": value})
            rows.append({**run, "metric": "seconds", "value": 2.0})
    return pd.DataFrame(rows), pd.concat(parts, ignore_index=True)


def with_combined(shares):
    return {name: own | {"combined": own["rna"] - 0.1} for name, own in shares.items()}


def means(table, subset="all"):
    own = table[(table["metric"] == "accuracy") & (table["subset"] == subset)]
    return own.set_index(["method", "modality", "reference"])["mean"]


def test_mean_difference_and_sizes():
    table = tabulate_comparison(*made(WORTH))
    mean = means(table)
    assert mean["lr", "rna", ""] == pytest.approx(0.6)
    assert mean["lr", "average", ""] == pytest.approx(0.55)
    # the better one in each modality
    assert mean["modis", "rna", "lr"] == pytest.approx(0.35)
    assert mean["modis", "adt", "rf"] == pytest.approx(0.2)
    assert mean["modis", "average", "best"] == pytest.approx(0.275)
    row = table[(table["method"] == "modis") & (table["modality"] == "rna")].iloc[0]
    assert (row["n_train"], row["n_labeled"], row["n_test"], row["seconds"]) == (40, 20, 60, 2)
    assert (table["low"] <= table["mean"] + 1e-9).all()
    assert (table["mean"] <= table["high"] + 1e-9).all()
    assert set(table["subset"]) == {"all"}
    assert np.isnan(tabulate_comparison(*made(WORTH, seeds=1))["sd"]).all()


def test_observations_with_several_modalities():
    table = tabulate_comparison(*made(with_combined(WORTH), combined=True))
    assert "combined" not in set(table.loc[table["subset"] == "all", "modality"])
    mean = means(table, "several")
    assert mean["modis", "combined", ""] == pytest.approx(0.85)
    assert mean["modis", "combined", "modis rna"] == pytest.approx(-0.1)
    assert mean["modis", "combined", "lr combined"] == pytest.approx(0.35)
    text = write_comparison(table)
    assert text.count("| combined |") == text.count("| rna (20) |") == 2
    assert "(MODIS from rna); +0.350" in text


def test_the_best_modality_is_met_on_its_own_observations():
    results, predictions = made(with_combined(WORTH), combined=True)
    # in a mosaic some observations lack rna, the best modality
    names = sorted(predictions["observation"].unique())[::2]
    lacking = predictions["observation"].isin(names) & (predictions["modality"] == "rna")
    predictions = predictions[~lacking]
    ours = predictions[
        (predictions["method"] == "modis") & ~predictions["observation"].isin(names)
    ]
    right = (ours["label"] == ours["predicted"]).groupby(ours["modality"]).mean()
    assert 0 < right["combined"] < 1
    mean = means(tabulate_comparison(results, predictions), "several")
    expected = right["combined"] - right["rna"]
    assert mean["modis", "combined", "modis rna"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        (WORTH, ["above the best baseline (logistic regression or random forest)", "worth it"]),
        ({**WORTH, "modis": {"rna": 0.4, "adt": 0.5}}, ["below the best", "better choice"]),
        ({**WORTH, "modis": {"rna": 0.6, "adt": 0.7}}, ["includes 0"]),
        (
            {"modis": {"rna": 0.9}, "lr": {"rna": 0.5}},
            ["In rna, MODIS is", "above logistic regression"],
        ),
        ({"modis": {"rna": 0.9}, "diagvi": {"rna": 0.5}}, ["above DIAGVI", "worth it"]),
        ({"modis": {"rna": 0.5}, "diagvi": {"rna": 0.9}}, ["below DIAGVI", "alone, DIAGVI and"]),
    ],
)
def test_the_verdict_is_honest(shares, said):
    text = " ".join(judge(tabulate_comparison(*made(shares))))
    for words in said:
        assert words in text
    assert ("worth it" in text) == ("above" in text)


def test_no_verdict_without_a_rival():
    assert judge(tabulate_comparison(*made({"modis": WORTH["modis"]}))) == []


@pytest.mark.parametrize("only", [["modis", "lr", "rf"], ["modis"], ["lr"]])
def test_the_figure_shows_something(only, tmp_path):
    shares = with_combined({name: WORTH[name] for name in only})
    draw_comparison(tabulate_comparison(*made(shares, combined=True)), tmp_path / "figure.png")
    image = imread(tmp_path / "figure.png")
    assert min(image.shape[:2]) > 300
    assert 0.01 < (image[..., :3].min(axis=2) < 0.9).mean() < 0.5
