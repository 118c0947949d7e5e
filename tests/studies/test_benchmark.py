import re
from dataclasses import replace
from pathlib import Path

import mudata as md
import numpy as np
import pandas as pd
import pytest

import modis
from modis.studies import RIVALS, TASKS, benchmark
from modis.studies._benchmark import Benchmark
from modis.studies._design import Design
from modis.studies._methods import _ROOMS, Modis
from modis.studies._runs import Job, Store
from modis.studies._verdict import SIDES

FEW = {"splits": 1, "max_epochs": 1}
LINKS = pd.DataFrame({"source_modality": ["a"], "source_feature": ["b"]})


@pytest.fixture(autouse=True)
def _quick(quickly, monkeypatch):
    monkeypatch.setattr("modis.studies._rivals._N_TREES", 10)
    monkeypatch.setattr("modis.studies._rivals._CS", np.array([0.01, 1.0]))
    monkeypatch.setattr("modis.studies._scores._N_RESAMPLES", 50)


@pytest.fixture
def trained(monkeypatch):
    """Scenarios and splits that MODIS was trained in."""
    done = []

    class Spied(Modis):
        def __init__(self, fold):
            done.append((fold.scenario.name, fold.seed))
            super().__init__(fold)

    monkeypatch.setitem(RIVALS, "modis", Spied)
    return done


def test_all_tasks_and_resume(paired, trained, tmp_path, console):
    how = {"split_key": "part", "console": console, "links": paired.uns["feature_links"]}
    found = benchmark(paired, "label", tmp_path, **how, **FEW)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("runs", "scores", "results.csv", "table.csv", "table.md", "forest.png")
    }
    assert trained == [(name, 0) for name in ("standard", "few", "transfer", "unseen")]
    assert set(found.results["task"]) == {*TASKS, ""}
    by_task = found.results.groupby("task")["method"].agg(set)
    classifiers = {"modis", "lr", "pca-lr", "rf"}
    assert by_task["classes"] == by_task["few"] == classifiers | {"lr-mean"}
    assert by_task["transfer"] == {"modis", "linked-lr"}
    assert by_task["unseen"] == classifiers | {"linked-lr"}
    assert by_task["translation"] == classifiers | {"ridge", "neighbours"}
    assert by_task["matching"] == classifiers | {"pls", "cca"}
    seconds = found.results[found.results["metric"] == "seconds"]
    assert (seconds["value"] > 0).all()
    assert set(found.results["setting"]) == {"as it is"}
    assert {own.side for own in found.verdicts} <= set(SIDES)
    assert (tmp_path / "table.md").read_text(encoding="utf-8") == found.markdown
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "results.csv", keep_default_na=False)[["task", "method"]],
        found.results[["task", "method"]],
    )
    again = benchmark(paired, "label", tmp_path, **how, **FEW)
    assert len(trained) == 4
    pd.testing.assert_frame_equal(again.table, found.table)
    more = benchmark(paired, "label", tmp_path, tasks=["few"], **how, **(FEW | {"splits": 2}))
    assert trained[4:] == [("few", 1)]
    assert set(more.results["seed"]) == {0, 1}


def test_a_mosaic_of_counts(mosaic, tmp_path, console):
    mosaic.write(tmp_path / "mosaic.h5mu")
    found = benchmark(
        tmp_path / "mosaic.h5mu",
        "label",
        methods=["modis", "paper", "lr"],
        labels_per_class=4,
        layer="protein=counts",
        likelihood="protein=nb",
        unpaired=True,
        console=console,
        **FEW,
    )
    labeled = found.results[found.results["metric"] == "n_labeled"]
    assert set(labeled.loc[labeled["task"] == "few", "value"]) == {20}
    assert set(found.results["source"]) >= {"methylation", "protein", "combined"}
    assert found.results["value"].notna().all()
    assert set(found.table["data"]) == {"mosaic"}
    assert set(found.table["setting"]) == {"unpaired"}


def test_observations_of_a_new_batch_are_predicted(mosaic, console):
    for adata in mosaic.mod.values():
        adata.obs["batch"] = np.where(adata.obs["part"] == "test", "new", "old")
    how = {"methods": ["modis"], "split_key": "part", "batch_key": "batch", "tasks": ["classes"]}
    results = benchmark(mosaic, "label", console=console, **how, **FEW).results
    n_test = results[results["metric"] == "n_test"].set_index("source")["value"]
    for name, adata in mosaic.mod.items():
        assert n_test[name] == (adata.obs["part"] == "test").sum()


def test_settings_of_modis_from_python(paired, console):
    how = {"methods": ["modis"], "split_key": "part", "console": console, "tasks": ["classes"]}
    kwargs = {"model_kwargs": {"n_latent": 4}, "train_kwargs": {"train_size": 1.0}}
    assert len(benchmark(paired, "label", validation=True, **kwargs, **how, **FEW).table)
    said = "1 of 1 runs failed, such as standard number 0 modis seed 0: .*train_size"
    with pytest.raises(RuntimeError, match=said):
        benchmark(paired, "label", train_kwargs={"train_size": 2.0}, **how, **FEW)


def test_nothing_is_begun_with_what_cannot_work(mosaic, tmp_path, console):
    for adata in mosaic.mod.values():
        adata.obs["one"], adata.obs["none"], adata.obs["all"] = "a", "unknown", "train"
    ridge = {"methods": ["ridge"], "tasks": ["classes"]}
    for error, said, labels_key, how in (
        (KeyError, "No column 'class'", "class", {}),
        (ValueError, "only the class 'a'", "one", {}),
        (ValueError, "no class at all", "none", {}),
        (ValueError, "says 'train' for every observation", "label", {"split_key": "all"}),
        (ValueError, "No method is left", "label", {"methods": ["linked-lr"]}),
        (ValueError, "None of the methods", "label", ridge),
    ):
        with pytest.raises(error, match=said):
            benchmark(mosaic, labels_key, tmp_path, console=console, **how)
    assert list(tmp_path.iterdir()) == []
    assert "linked features is left out: no features are linked" in console.file.getvalue()


def test_what_a_method_cannot_do_it_leaves_out(paired, tmp_path, console):
    how = {"tasks": ["translation"], "unpaired": True, "split_key": "part", "splits": 1}
    how |= {"console": console, "out": tmp_path}
    found = benchmark(paired, "label", methods=["ridge", "lr"], **how)
    assert set(found.table["method"]) == {"lr"}
    assert "2 runs, 0 of them done before" in console.file.getvalue()
    with pytest.raises(ValueError, match="None of the methods"):
        benchmark(paired, "label", methods=["ridge"], **how)
    assert "1 runs, 1 of them done before" in console.file.getvalue()


def test_a_task_that_small_data_do_not_allow_is_left_out(mosaic, console):
    obs = mosaic.mod["methylation"].obs
    alone = obs[~obs.index.isin(mosaic.mod["protein"].obs_names)]
    # a single test sample of each class
    tested = alone.index[alone.groupby("label", observed=True).cumcount() == 0]
    for adata in mosaic.mod.values():
        adata.obs["small"] = np.where(adata.obs_names.isin(tested), "test", "train")
    how = {"methods": ["lr"], "split_key": "small", "splits": 1, "console": console}
    found = benchmark(mosaic, "label", **how)
    assert set(found.results["task"]) == {"classes", "few", ""}
    with pytest.raises(ValueError, match="No class can be removed from a modality"):
        benchmark(mosaic, "label", tasks=["unseen"], **how)


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


def test_whatever_decides_a_run_decides_its_file(cohort, tmp_path, monkeypatch):
    def path(method, scenario="standard", cohort=cohort, **fields):
        study = Benchmark(cohort, Design(("modis", "lr"), **fields))
        job = Job({"scenario": scenario, "number": 0, "method": method})
        return Store(tmp_path, study, "scores").paths(job)[0]

    common = [{"unpaired": True}, {"validation": True}, {"test_size": 0.4}]
    common += [{"tasks": ("classes",)}, {"cohort": replace(cohort, part=None)}]
    own = [{"max_epochs": 3}, {"model_kwargs": {"n_latent": 8}}, {"train_kwargs": {"a": 8}}]
    own += [{"cohort": replace(cohort, links=LINKS.assign(target_modality="a"))}]
    assert len({path("modis", **change) for change in ({}, *common, *own)}) == 10
    # other settings of MODIS, splits and methods leave the others as they are
    other = ({"splits": 9}, {"labels_per_class": 2}, {"unseen_pairs": 3})
    assert {path("lr", **change) for change in (*own, *other)} == {path("lr")}
    assert len({path("lr", **change) for change in common}) == len(common)
    assert path("lr", "few", labels_per_class=2) != path("lr", "few")
    assert path("lr", "unseen", unseen_pairs=2) != path("lr", "unseen")
    before = path("modis"), path("lr")
    monkeypatch.setattr("modis.studies._benchmark.model_code", lambda: "changed")
    assert path("modis") != before[0]
    assert path("lr") == before[1]


def test_every_room_of_the_model_decides_its_runs():
    used = {"model"}
    while (
        more := {
            found
            for room in used
            for path in (Path(modis.__file__).parent / room).glob("*.py")
            for found in re.findall(r"^from \.\.(\w+)", path.read_text(), re.MULTILINE)
        }
        - used
    ):
        used |= more
    # colours change no result
    assert used - {"_constants", "pl"} == set(_ROOMS)
