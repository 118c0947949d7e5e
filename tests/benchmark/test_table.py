from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from modis.benchmark import tabulate, to_markdown
from modis.benchmark._draw import draw
from modis.benchmark._verdict import judge

CLASSES = ["a", "b", "c"]


def made(shares, *, seeds=2, n=60, combined=False):
    """Results and predictions of methods that are right in so many of 60, by modality."""
    label = np.repeat(CLASSES, n // 3)
    wrong = np.repeat(np.roll(CLASSES, 1), n // 3)
    rows, parts = [], []
    for method, by_modality in shares.items():
        for seed in range(seeds):
            run = {"method": method, "seed": seed, "fold": 0}
            for modality, share in by_modality.items():
                rng = np.random.default_rng([seed, len(method)])
                right = rng.permutation(n) < share * n
                part = pd.DataFrame({"observation": [f"s{k}" for k in range(n)], "label": label})
                part = part.assign(predicted=np.where(right, label, wrong), modality=modality)
                parts.append(part.assign(n_modalities=2 if combined else 1, **run))
                sizes = {} if modality == "combined" else {"n_train": 40, "n_labeled": 20}
                for metric, value in sizes.items():
                    where = {"modality": modality, "subset": "all"}
                    rows.append({**run, **where, "metric": metric, "value": value})
            rows.append({**run, "subset": "all", "metric": "seconds", "value": 2.0})
    return pd.DataFrame(rows), pd.concat(parts, ignore_index=True)


WORTH = {
    "modis": {"rna": 0.95, "adt": 0.9},
    "lr": {"rna": 0.6, "adt": 0.5},
    "rf": {"rna": 0.5, "adt": 0.7},
}


def test_mean_difference_and_sizes():
    table = tabulate(*made(WORTH))
    accuracy = table[table["metric"] == "accuracy"].set_index(["method", "modality", "reference"])
    assert accuracy.loc[("lr", "rna", ""), "mean"] == pytest.approx(0.6)
    assert accuracy.loc[("lr", "average", ""), "mean"] == pytest.approx(0.55)
    # the better one in each modality
    assert accuracy.loc[("modis", "rna", "lr"), "mean"] == pytest.approx(0.35)
    assert accuracy.loc[("modis", "adt", "rf"), "mean"] == pytest.approx(0.2)
    assert accuracy.loc[("modis", "average", "best"), "mean"] == pytest.approx(0.275)
    row = accuracy.loc[("modis", "rna", "")]
    assert (row["n_train"], row["n_labeled"], row["n_test"], row["seconds"]) == (40, 20, 60, 2)
    assert (table["low"] <= table["mean"]).all()
    assert (table["mean"] <= table["high"]).all()
    assert set(table["subset"]) == {"all"}


def test_observations_with_several_modalities():
    shares = {name: own | {"combined": own["rna"] - 0.1} for name, own in WORTH.items()}
    table = tabulate(*made(shares, combined=True))
    assert "combined" not in set(table.loc[table["subset"] == "all", "modality"])
    several = table[(table["subset"] == "several") & (table["metric"] == "accuracy")]
    several = several.set_index(["method", "modality", "reference"])["mean"]
    assert several["modis", "combined", ""] == pytest.approx(0.85)
    assert several["modis", "combined", "modis rna"] == pytest.approx(-0.1)
    assert several["modis", "combined", "lr combined"] == pytest.approx(0.35)
    text = to_markdown(table)
    assert text.count("| combined |") == 2
    # all of them have several: no line stands twice
    assert text.count("| rna (20) |") == 2


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        (WORTH, ["above the better of logistic regression and random forest", "worth it here"]),
        ({**WORTH, "modis": {"rna": 0.4, "adt": 0.5}}, ["below the better", "better choice"]),
        ({**WORTH, "modis": {"rna": 0.6, "adt": 0.7}}, ["may be chance"]),
        ({"modis": {"rna": 0.9}, "lr": {"rna": 0.5}}, ["above logistic regression in rna"]),
        ({"modis": {"rna": 0.9}, "diagvi": {"rna": 0.5}}, ["above DIAGVI", "worth it"]),
        ({"modis": {"rna": 0.5}, "diagvi": {"rna": 0.9}}, ["below DIAGVI", "the other is"]),
    ],
)
def test_the_verdict_is_honest(shares, said):
    text = " ".join(judge(tabulate(*made(shares))))
    for words in said:
        assert words in text
    assert ("worth it" in text) == ("above" in text)


def test_no_verdict_without_a_rival():
    table = tabulate(*made({"modis": WORTH["modis"]}))
    assert judge(table) == []
    assert "last column" not in to_markdown(table)


@pytest.mark.parametrize("only", [["modis", "lr", "rf"], ["modis"], ["lr"]])
def test_the_figure_shows_something(only, tmp_path):
    shares = {name: WORTH[name] | {"combined": 0.9} for name in only}
    table = tabulate(*made(shares, combined=True))
    draw(table, tmp_path / "figure.png")
    image = imread(tmp_path / "figure.png")
    assert min(image.shape[:2]) > 300
    assert 0.01 < (image[..., :3].min(axis=2) < 0.9).mean() < 0.5
