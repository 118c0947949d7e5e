from __future__ import annotations

from dataclasses import replace

import mudata as md
import numpy as np
import pandas as pd
import pytest
from modis.studies._fold import Design

from modis.studies import RIVALS, benchmark
from modis.studies._benchmark import Benchmark
from modis.studies._methods import Method
from modis.studies._rivals import Rival
from modis.studies._runs import Job, Store

FEW = {"seeds": 1, "max_epochs": 1}
LINKS = pd.DataFrame({"source_modality": ["a"], "source_feature": ["b"]})


@pytest.fixture
def trained(monkeypatch):
    """Seeds that MODIS was trained with."""
    done = []

    class Spied(Method):
        def predict(self, fold):
            done.append(fold.seed)
            return super().predict(fold)

    monkeypatch.setitem(RIVALS, "modis", Spied(**vars(RIVALS["modis"])))
    return done


def test_folder_and_resume(paired, trained, tmp_path, console):
    how = {"split_key": "part", "console": console, "unpaired": True}
    found = benchmark(paired, "label", tmp_path, methods=["modis", "lr", "paper"], **how, **FEW)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("runs", "predictions", "results.csv", "table.csv", "table.md", "figure.png")
    }
    assert set(found.results["method"]) == {"modis", "lr", "paper"}
    assert set(found.predictions["modality"]) == {*paired.mod, "combined"}
    assert (found.predictions.groupby(["method", "modality"]).size() == 30).all()
    seconds = found.results[found.results["metric"] == "seconds"]
    assert (seconds["value"] > 0).all()
    assert (tmp_path / "table.md").read_text(encoding="utf-8") == found.markdown

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
    assert set(singles.groupby(["method", "modality"]).size()) == {80}
    assert not singles.duplicated(["method", "modality", "observation"]).any()
    labeled = found.results[found.results["metric"] == "n_labeled"]
    assert set(labeled["value"]) == {20}
    together = found.predictions[found.predictions["modality"] == "combined"]
    assert set(together.groupby("method").size()) == {40}


def test_observations_of_a_new_batch_are_predicted(mosaic, console):
    for adata in mosaic.mod.values():
        adata.obs["batch"] = np.where(adata.obs["part"] == "test", "new", "old")
    how = {"methods": ["modis"], "split_key": "part", "batch_key": "batch", **FEW}
    found = benchmark(mosaic, "label", console=console, **how)
    for name, adata in mosaic.mod.items():
        predicted = found.predictions[found.predictions["modality"] == name]
        assert set(predicted["observation"]) == set(adata.obs_names[adata.obs["part"] == "test"])
        assert predicted["predicted"].notna().all()


def test_labels_are_carried_over(paired, console):
    how = {"transfer": ("expression", "protein"), "console": console}
    links = paired.uns["feature_links"]
    found = benchmark(paired, "label", methods=["modis", "lr"], links=links, **how, **FEW)
    assert "logistic regression is left out: it cannot carry" in console.file.getvalue()
    assert set(found.predictions["modality"]) == {"protein"}
    assert len(found.predictions) == 60
    labeled = found.results[found.results["metric"] == "n_labeled"]
    assert set(labeled["value"]) == {0}
    with pytest.raises(ValueError, match="No method is left"):
        benchmark(paired, "label", methods=["lr"], **how)


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
    kwargs = {"model_kwargs": {"n_latent": 4}, "train_kwargs": {"train_size": 1.0}}
    found = benchmark(paired, "label", **kwargs, **how, **FEW)
    test = paired.obs_names[paired.obs["part"] == "test"]
    assert not set(found.predictions["observation"]) & set(test)
    said = "1 of 1 runs failed, such as modis fold 0 seed 0: .*train_size"
    with pytest.raises(RuntimeError, match=said):
        benchmark(paired, "label", train_kwargs={"train_size": 2.0}, **how, **FEW)


def test_a_rival_is_one_class_and_one_row(paired, tmp_path, console, monkeypatch):
    class Fails(Rival):
        title = "a method that fails"

        def predict(self, fold):
            raise RuntimeError("The loss became infinite.")

    monkeypatch.setitem(RIVALS, "fails", Fails())
    how = {"methods": ["fails", "lr"], "split_key": "part", "console": console}
    with pytest.raises(RuntimeError, match="1 of 2 runs failed, such as fails fold 0 seed 0: The"):
        benchmark(paired, "label", tmp_path, **how, **FEW)
    assert set(pd.read_csv(tmp_path / "results.csv")["method"]) == {"lr"}


def test_nothing_is_begun_with_what_cannot_work(mosaic, tmp_path, console):
    for adata in mosaic.mod.values():
        adata.obs["one"], adata.obs["none"], adata.obs["all"] = "a", "unknown", "train"
    for error, said, labels_key, how in (
        (ValueError, "no method 'svm'", "label", {"methods": ["svm"]}),
        (KeyError, "No column 'class'", "class", {}),
        (ValueError, "only the class 'a'", "one", {}),
        (ValueError, "no class at all", "none", {}),
        (ValueError, "says 'train' for every observation", "label", {"split_key": "all"}),
    ):
        with pytest.raises(error, match=said):
            benchmark(mosaic, labels_key, tmp_path, console=console, **how)
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


def test_whatever_decides_a_run_decides_its_file(cohort, tmp_path):
    def path(method, cohort=cohort, **fields):
        study = Benchmark(cohort, Design(("modis", "lr"), **fields))
        return Store(tmp_path, study, "predictions").paths(Job({"method": method, "fold": 0}))[0]

    common = [{"unpaired": True}, {"labels_per_class": 5}, {"validation": True}]
    common += [{"transfer": ("a", "b")}, {"folds": 4}]
    own = [{"max_epochs": 3}, {"model_kwargs": {"n_latent": 8}}, {"train_kwargs": {"a": 8}}]
    linked = {"cohort": replace(cohort, links=LINKS)}
    changes = [{}, *common, *own, linked, {"cohort": replace(cohort, part=None)}]
    assert len({path("modis", **change) for change in changes}) == len(changes)
    # other settings of MODIS, seeds and methods leave the baselines as they are
    assert {path("lr", **change) for change in (*own, linked, {"seeds": 9})} == {path("lr")}
    assert len({path("lr", **change) for change in common}) == len(common)
