from __future__ import annotations

import io
import os

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from rich.console import Console

from modis.experiments import FIGURES, SETTINGS, Source, fit, plan, reproduce
from modis.experiments._store import BAYES, Job, Store

SMALL = {"seeds": 1, "max_epochs": 1, "methods": ["default"]}


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


@pytest.fixture
def source(data_file):
    return Source(str(data_file), n_samples=160)


@pytest.fixture
def settings(monkeypatch):
    """Few settings, with as many samples as there are."""
    monkeypatch.setattr(
        "modis.experiments._reproduce.settings_of", lambda _: ["labels-100", "labels-0"]
    )


@pytest.fixture
def trained(monkeypatch):
    """Settings and seeds that were trained."""
    done = []

    def spy(train, *, setting, seed, **how):
        done.append((setting, seed))
        return fit(train, setting=setting, seed=seed, **how)

    monkeypatch.setattr("modis.experiments._job.fit", spy)
    return done


def test_plan():
    jobs = plan("all", methods=["default", "links"], seeds=3, epochs_factor=2)
    assert len(set(jobs)) == len(jobs) == 3 + 33 * 2 * 3
    assert jobs[:3] == [Job(f"delta-{delta}", BAYES) for delta in (0.25, 0.5, 1)]
    assert [job.seed for job in jobs[3:]] == sorted(job.seed for job in jobs[3:])
    assert {job.epochs_factor for job in jobs[3:]} == {2}
    with pytest.raises(ValueError, match=r"no method \['link'\]; there are \['default'"):
        plan("fig2", methods=["link"], seeds=1)
    with pytest.raises(ValueError, match="there are"):
        plan("fig2", methods=[], seeds=1)


def test_resume(source, settings, trained, tmp_path, console):
    table = reproduce("fig2", tmp_path, source, console=console, **SMALL)
    assert len(trained) == 2
    assert {path.name for path in tmp_path.iterdir()} == {
        "runs",
        "results.csv",
        "table.csv",
        "table.md",
        "fig2_default.png",
    }
    results = pd.read_csv(tmp_path / "results.csv")
    assert set(results["metric"]) >= {"accuracy", "recall", "label_transfer", "n_train", "epochs"}
    assert (results.loc[results["metric"] == "epochs", "value"] == 1).all()
    own = results[results["setting"] == "labels-0"]
    assert "accuracy" not in set(own["metric"])
    assert "1/2  labels-100 default seed 0" in console.file.getvalue()

    # nothing is left to do
    again = reproduce("fig2", tmp_path, source, console=console, **SMALL)
    assert len(trained) == 2
    pd.testing.assert_frame_equal(again, table)
    assert "2 of them done before" in console.file.getvalue()

    # a broken file, and one that is gone
    store = Store(tmp_path / "runs", source, max_epochs=1)
    store.path(Job("labels-0", "default")).write_text('{"rows": [')
    reproduce("fig2", tmp_path, source, console=console, **SMALL)
    assert [setting for setting, _ in trained[2:]] == [SETTINGS["labels-0"]]
    store.path(Job("labels-100", "default")).unlink()
    reproduce("fig2", tmp_path, source, console=console, **SMALL)
    assert [setting for setting, _ in trained[3:]] == [SETTINGS["labels-100"]]

    # one more seed adds to what is there, other epochs do not
    reproduce("fig2", tmp_path, source, console=console, **(SMALL | {"seeds": 2}))
    assert [seed for _, seed in trained[4:]] == [1, 1]
    assert set(pd.read_csv(tmp_path / "results.csv")["seed"]) == {0, 1}
    reproduce("fig2", tmp_path, source, console=console, **(SMALL | {"max_epochs": 2}))
    assert len(trained) == 8
    results = pd.read_csv(tmp_path / "results.csv")
    assert (results.loc[results["metric"] == "epochs", "value"] == 2).all()


def test_confusion_and_counts_of_the_first_seed_only(source, settings, tmp_path, console):
    reproduce("fig2", tmp_path, source, console=console, **(SMALL | {"seeds": 2}))
    results = pd.read_csv(tmp_path / "results.csv")
    for metric in ("confusion", "transfer_confusion", "n_train"):
        assert set(results.loc[results["metric"] == metric, "seed"]) == {0}
    counted = results[(results["metric"] == "n_train") & (results["setting"] == "labels-100")]
    assert counted["value"].sum() == source.load().train.n_obs
    latent = Store(tmp_path / "runs", source, 1).read_latent(Job("labels-0", "default"))
    assert len(latent) == source.load().test.n_obs


def test_what_was_rare_or_missing_is_told(source, tmp_path, console, monkeypatch):
    monkeypatch.setattr(
        "modis.experiments._reproduce.settings_of", lambda _: ["rare-1", "missing-2"]
    )
    reproduce("fig3", tmp_path, source, console=console, **(SMALL | {"seeds": 2}))
    results = pd.read_csv(tmp_path / "results.csv").set_index(["setting", "seed"]).sort_index()
    assert set(results.loc[("rare-1", 1), "rare_class"]) == {"class_2"}
    assert set(results.loc[("missing-2", 1), "missing"]) == {
        "class_2 in expression; class_3 in protein"
    }
    assert results.loc["rare-1", "missing"].isna().all()


def test_two_processes_do_what_one_does(source, settings, tmp_path, console):
    for jobs in (1, 2):
        reproduce("fig2", tmp_path / str(jobs), source, jobs=jobs, console=console, **SMALL)
    one, two = (pd.read_csv(tmp_path / name / "results.csv") for name in ("1", "2"))
    kept = one["metric"] != "train_seconds"
    pd.testing.assert_frame_equal(one[kept], two[kept])


def test_a_failed_run_does_not_stop_the_others(source, settings, tmp_path, console, monkeypatch):
    def fail(train, *, setting, **how):
        if setting.labeled_fraction == 1:
            raise RuntimeError("The loss became infinite.")
        return fit(train, setting=setting, **how)

    monkeypatch.setattr("modis.experiments._job.fit", fail)
    with pytest.raises(RuntimeError, match="1 of 2 runs failed, such as labels-100 .* infinite"):
        reproduce("fig2", tmp_path, source, console=console, **SMALL)
    assert set(pd.read_csv(tmp_path / "results.csv")["setting"]) == {"labels-0"}


def test_links_are_asked_for(paired, tmp_path, console):
    copy = paired.copy()
    del copy.uns["feature_links"]
    copy.write(tmp_path / "no_links.h5mu")
    source = Source(str(tmp_path / "no_links.h5mu"))
    with pytest.raises(ValueError, match="'links' needs linked features. Name a table with --l"):
        reproduce("fig2", tmp_path, source, console=console, **(SMALL | {"methods": ["links"]}))


def test_nothing_is_begun_without_data(tmp_path, console):
    with pytest.raises(FileNotFoundError):
        reproduce("fig2", tmp_path / "out", Source("none.h5mu"), console=console, **SMALL)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("figure", FIGURES)
def test_figures_show_something(figure, source, tmp_path, console, monkeypatch):
    # not every setting, and one that the small data do not have
    few = {
        "fig2": ["labels-100", "labels-0"],
        "fig3": ["rare-1", "rare-5", "reference-50", "reference-2"],
        "fig4": ["missing-1", "missing-2"],
        "difficulty": ["delta-0.5", "delta-1"],
        "corrupted": ["corrupted-5", "corrupted-20"],
    }[figure]
    if figure == "fig3":
        smaller = {name: SETTINGS[name].__class__("fig3c", 1, 5, 0.5) for name in few[2:]}
        for name, setting in smaller.items():
            monkeypatch.setitem(SETTINGS, name, setting)
    monkeypatch.setattr("modis.experiments._reproduce.settings_of", lambda _: few)
    reproduce(figure, tmp_path, source, console=console, **SMALL)
    name = {"fig2": "fig2_default", "fig4": "fig4_default"}.get(figure, figure)
    files = list(tmp_path.glob("*.png"))
    assert [path.stem for path in files] == [name]
    image = imread(files[0])
    assert min(image.shape[:2]) > 300
    # ink, of several colours
    assert 0.01 < (image[..., :3].min(axis=2) < 0.9).mean() < 0.9
    assert len(np.unique(image[..., :3].reshape(-1, 3), axis=0)) > 50
    if figure == "difficulty":
        results = pd.read_csv(tmp_path / "results.csv")
        assert set(results["method"]) == {"default", BAYES}
