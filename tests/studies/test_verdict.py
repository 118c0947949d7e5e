import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from modis.studies import _verdict as verdicts
from modis.studies._figures import draw_forest

PLACES = {"classes": [("rna", ""), ("adt", ""), ("combined", "")], "translation": [("rna", "adt")]}


def made(values, splits=3, spread=0.01):
    """Results and resamples of methods with these values by task and metric."""
    rng = np.random.default_rng(0)
    rows, drawn = [], []
    for split in range(splits):
        noise = rng.normal(scale=0.05, size=51)
        for (method, task, metric), value in values.items():
            own = noise + rng.normal(scale=spread, size=51)
            for source, target in PLACES[task]:
                row = {"method": method, "seed": split, "task": task, "metric": metric}
                row |= {"source": source, "target": target, "value": value + own[0]}
                rows.append(row)
                draws = value + own[0] + own[1:]
                drawn.append(row | {f"draw_{k}": x for k, x in enumerate(draws)})
        seconds = {"metric": "seconds", "value": 2.0, "seed": split}
        rows += [seconds | {"method": method} for method in {key[0] for key in values}]
    return pd.DataFrame(rows), pd.DataFrame(drawn)


def tabulate(values, **kwargs):
    results, drawn = made(values, **kwargs)
    return verdicts.tabulate_comparison(results, drawn).assign(data="d", setting="s")


def classes(**values):
    """Balanced accuracy and accuracy by method."""
    names = ("balanced_accuracy", "accuracy")
    return {
        (method, "classes", name): value
        for method, pair in values.items()
        for name, value in zip(names, pair, strict=True)
    }


def sides(table):
    return {own.title: own.side for own in verdicts.reach_verdicts(table)}


@pytest.mark.parametrize(
    ("values", "side"),
    [
        (classes(modis=(0.9, 0.9), lr=(0.7, 0.7), rf=(0.6, 0.8)), "ahead"),
        # level with one of them, in one of the measures
        (classes(modis=(0.9, 0.9), lr=(0.7, 0.7), rf=(0.6, 0.9)), "level"),
        (classes(modis=(0.9, 0.7), lr=(0.7, 0.7)), "level"),
        (classes(modis=(0.9, 0.7), lr=(0.7, 0.9)), "behind"),
        (classes(modis=(0.6, 0.6), lr=(0.7, 0.7), rf=(0.6, 0.6)), "behind"),
    ],
)
def test_ahead_level_and_behind(values, side):
    table = tabulate(values)
    assert sides(table) == {"Classes": side, "Classes from all modalities": side}
    said = verdicts.summarise(verdicts.reach_verdicts(table))
    assert ("worth it" in said) == (side == "ahead")
    assert ("simple method" in said) == (side != "ahead")


def test_lower_errors_are_better():
    task = {("modis", "translation", "mse"): 0.8, ("ridge", "translation", "mse"): 0.9}
    table = tabulate(task)
    assert sides(table) == {"Translation": "ahead"}
    (verdict,) = verdicts.reach_verdicts(table)
    assert verdict.text.startswith("squared error / variance 0.1")
    assert "better [+0." in verdict.text
    assert verdict.text.endswith("than ridge on pairs")
    task["ridge", "translation", "mse"] = 0.7
    assert "worse [-0." in verdicts.reach_verdicts(tabulate(task))[0].text


def test_differences_are_paired_and_intervals_shrink():
    values = classes(modis=(0.9, 0.9), lr=(0.8, 0.8))
    table = tabulate(values, splits=6)
    own = table[(table["metric"] == "accuracy") & (table["source"] == "average")]
    width = (own["high"] - own["low"]).groupby(own["reference"]).max()
    # what methods share does not count in their difference
    assert width["lr"] < 0.5 * width[""]
    difference = own[own["reference"] == "lr"].iloc[0]
    assert difference["mean"] == pytest.approx(0.1, abs=0.03)
    assert difference["low"] < difference["mean"] < difference["high"]
    assert set(table["splits"]) == {6}


def test_averages_are_over_what_both_can_do():
    results, drawn = made(classes(modis=(0.9, 0.9), lr=(0.8, 0.8)))
    lacks = (drawn["method"] == "lr") & (drawn["source"] == "adt")
    draws = list(drawn.filter(like="draw_"))
    drawn.loc[(drawn["method"] == "modis") & (drawn["source"] == "adt"), ["value", *draws]] -= 0.5
    table = verdicts.tabulate_comparison(results, drawn[~lacks])
    own = table[(table["source"] == "average") & (table["metric"] == "accuracy")]
    mean = own.set_index(["method", "reference"])["mean"]
    assert mean["modis", "lr"] == pytest.approx(0.1, abs=0.02)
    assert mean["modis", ""] == pytest.approx(0.65, abs=0.1)


def test_variants_of_modis_are_no_rivals():
    table = tabulate(classes(modis=(0.8, 0.8), lr=(0.6, 0.6), paper=(0.9, 0.9)))
    assert sides(table)["Classes"] == "ahead"
    assert set(verdicts.decide(table)["reference"]) == {"lr"}


def test_nothing_to_compare_with():
    table = tabulate(classes(lr=(0.7, 0.7), rf=(0.6, 0.6)))
    assert verdicts.reach_verdicts(table) == []
    assert verdicts.summarise([]) == "Nothing was compared with MODIS."


def test_the_verdict_comes_first_and_figures_are_drawn(tmp_path):
    values = classes(modis=(0.9, 0.9), lr=(0.7, 0.7))
    values |= {("modis", "translation", "mse"): 0.8, ("lr", "translation", "mse"): 0.8}
    results, drawn = made(values)
    table = verdicts.tabulate_comparison(results, drawn).assign(data="d", setting="s")
    text = verdicts.write_comparison(table, results)
    assert text.startswith("**MODIS is worth it here for: classes; classes from all modalities.")
    assert "A simple method does as well for: translation." in text
    assert "| logistic regression |" in text
    assert "Seconds per run: " in text
    assert set(verdicts.gains(table)["side"]) == {"ahead", "level"}
    draw_forest(verdicts.gains(table), tmp_path / "one.png", "title")
    both = pd.concat([verdicts.decide(table), verdicts.decide(table).assign(data="other")])
    draw_forest(both, tmp_path / "both.png", "title")
    assert imread(tmp_path / "both.png").shape[0] > imread(tmp_path / "one.png").shape[0]
