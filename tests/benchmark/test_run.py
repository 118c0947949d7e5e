from __future__ import annotations

import io

import mudata as md
import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from modis.benchmark import METHODS, benchmark
from modis.benchmark._methods import modis

FEW = {"seeds": 1, "max_epochs": 1}


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


@pytest.fixture
def trained(monkeypatch):
    """Seeds that MODIS was trained with."""
    done = []

    def spy(cohort, fold, design, seed):
        done.append(seed)
        return modis(cohort, fold, design, seed)

    method = METHODS["modis"]
    monkeypatch.setitem(METHODS, "modis", method.__class__(**{**vars(method), "predict": spy}))
    return done


def test_folder_and_resume(paired, trained, tmp_path, console):
    how = {"split_key": "part", "console": console, "unpaired": True}
    found = benchmark(paired, "label", tmp_path, methods=["modis", "lr", "paper"], **how, **FEW)
    assert {path.name for path in tmp_path.iterdir()} == {
        "runs",
        "predictions",
        "results.csv",
        "table.csv",
        "table.md",
        "figure.png",
    }
    assert len(found.verdict) >= 3
    assert set(found.results["method"]) == {"modis", "lr", "paper"}
    assert set(found.predictions["modality"]) == {*paired.mod, "combined"}
    assert (found.predictions.groupby(["method", "modality"]).size() == 30).all()
    seconds = found.results[found.results["metric"] == "seconds"]
    assert (seconds["value"] > 0).all()
    text = (tmp_path / "table.md").read_text(encoding="utf-8")
    assert found.verdict[0] in text

    again = benchmark(paired, "label", tmp_path, methods=["modis", "lr", "paper"], **how, **FEW)
    assert trained == [0]
    pd.testing.assert_frame_equal(again.table, found.table)
    assert "3 of them done before" in console.file.getvalue()
    more = benchmark(paired, "label", tmp_path, methods=["modis"], **how, **(FEW | {"seeds": 2}))
    assert trained == [0, 1]
    assert set(more.results["seed"]) == {0, 1}


def test_two_processes_do_what_one_does(paired, tmp_path, console):
    how = {"split_key": "part", "methods": ["modis", "rf"], "console": console, **FEW}
    one, two = (
        benchmark(paired, "label", tmp_path / str(jobs), jobs=jobs, **how) for jobs in (1, 2)
    )
    pd.testing.assert_frame_equal(one.predictions, two.predictions)


def test_a_mosaic_of_counts_in_folds(mosaic, tmp_path, console):
    mosaic.write(tmp_path / "mosaic.h5mu")
    found = benchmark(
        tmp_path / "mosaic.h5mu",
        "label",
        methods=["modis", "paper", "lr"],
        folds=2,
        labels_per_class=4,
        layer="protein=counts",
        likelihood="protein=nb",
        console=console,
        **FEW,
    )
    singles = found.predictions[found.predictions["modality"] != "combined"]
    sizes = singles.groupby(["method", "modality"]).size()
    assert set(sizes) == {80}
    assert not singles.duplicated(["method", "modality", "observation"]).any()
    labeled = found.results[found.results["metric"] == "n_labeled"]
    assert set(labeled["value"]) == {20}
    together = found.predictions[found.predictions["modality"] == "combined"]
    assert set(together.groupby("method").size()) == {40}


def test_labels_are_carried_over(paired, console):
    found = benchmark(
        paired,
        "label",
        methods=["modis", "lr"],
        transfer=("expression", "protein"),
        links=paired.uns["feature_links"],
        console=console,
        **FEW,
    )
    assert "logistic regression is left out: it cannot carry" in console.file.getvalue()
    assert set(found.predictions["modality"]) == {"protein"}
    assert len(found.predictions) == 60
    labeled = found.results[found.results["metric"] == "n_labeled"]
    assert set(labeled["value"]) == {0}
    with pytest.raises(ValueError, match="No method is left"):
        benchmark(
            paired, "label", methods=["lr"], transfer=("expression", "protein"), console=console
        )


def test_links_by_name(mosaic, console):
    how = {"methods": ["lr"], "folds": 2, "console": console, **FEW}
    with pytest.raises(ValueError, match="Nothing is linked by name"):
        benchmark(mosaic, "label", links_by_name=True, **how)
    names = mosaic.mod["methylation"].var_names[:12]
    mosaic.mod["protein"].var_names = names.str.swapcase()
    found = benchmark(mosaic, "label", links_by_name=True, **how)
    assert set(found.table["method"]) == {"lr"}


def test_settings_of_modis_from_python(paired, console):
    how = {"methods": ["modis"], "split_key": "part", "validation": True, "console": console}
    found = benchmark(
        paired,
        "label",
        model_kwargs={"n_latent": 4},
        train_kwargs={"train_size": 1.0},
        **how,
        **FEW,
    )
    test = paired.obs_names[paired.obs["part"] == "test"]
    assert not set(found.predictions["observation"]) & set(test)
    with pytest.raises(
        RuntimeError, match="1 of 1 runs failed, such as modis seed 0: .*train_size"
    ):
        benchmark(paired, "label", train_kwargs={"train_size": 2.0}, **how, **FEW)


def test_a_failed_run_does_not_stop_the_others(paired, tmp_path, console, monkeypatch):
    def fail(cohort, fold, design, seed):
        raise RuntimeError("The loss became infinite.")

    method = METHODS["modis"]
    monkeypatch.setitem(METHODS, "modis", method.__class__(**{**vars(method), "predict": fail}))
    with pytest.raises(RuntimeError, match="1 of 2 runs failed, such as modis seed 0: The loss"):
        benchmark(
            paired,
            "label",
            tmp_path,
            methods=["modis", "lr"],
            split_key="part",
            console=console,
            **FEW,
        )
    assert set(pd.read_csv(tmp_path / "results.csv")["method"]) == {"lr"}


def test_nothing_is_begun_with_what_cannot_work(paired, tmp_path, console):
    how = {"console": console, **FEW}
    with pytest.raises(ValueError, match="no method 'svm'"):
        benchmark(paired, "label", tmp_path, methods=["svm"], **how)
    with pytest.raises(KeyError, match="no column 'class'"):
        benchmark(paired, "class", tmp_path, **how)
    assert list(tmp_path.iterdir()) == []


def test_the_data_stay_as_they_are(paired, console):
    # not mdata.copy(), which pulls columns of the modalities
    before = {name: (a.X.copy(), a.obs.copy()) for name, a in paired.mod.items()}
    obs, uns = paired.obs.copy(), list(paired.uns)
    benchmark(paired, "label", methods=["modis"], split_key="part", console=console, **FEW)
    assert isinstance(paired, md.MuData)
    pd.testing.assert_frame_equal(paired.obs, obs)
    assert list(paired.uns) == uns
    for name, adata in paired.mod.items():
        np.testing.assert_array_equal(adata.X, before[name][0])
        pd.testing.assert_frame_equal(adata.obs, before[name][1])
