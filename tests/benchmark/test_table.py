from __future__ import annotations

import pytest

from modis.benchmark import tabulate, to_markdown

from ._made import WORTH, made


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


def test_the_best_modality_is_met_on_its_own_observations():
    results, predictions = made(
        {name: own | {"combined": own["rna"] - 0.1} for name, own in WORTH.items()}, combined=True
    )
    # in a mosaic some observations lack rna, the best modality
    names = sorted(predictions["observation"].unique())[::2]
    lacking = predictions["observation"].isin(names) & (predictions["modality"] == "rna")
    predictions = predictions[~lacking]
    table = tabulate(results, predictions)
    ours = predictions[
        (predictions["method"] == "modis") & ~predictions["observation"].isin(names)
    ]
    right = (ours["label"] == ours["predicted"]).groupby(ours["modality"]).mean()
    assert 0 < right["combined"] < 1
    row = table[(table["reference"] == "modis rna") & (table["metric"] == "accuracy")].iloc[0]
    assert row["mean"] == pytest.approx(right["combined"] - right["rna"])
