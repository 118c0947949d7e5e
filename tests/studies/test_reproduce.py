import os

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from modis.studies import FIGURES, METHODS, SETTINGS, reproduce
from modis.studies._experiment import BAYES, Experiment
from modis.studies._runs import Job, Store
from modis.studies._settings import Setting
from modis.studies._source import Source

pytestmark = pytest.mark.usefixtures("quickly")

SMALL = {"n_samples": 160, "seeds": 1, "max_epochs": 1, "methods": ["default"]}
FIG2 = SMALL | {"only": ["labels-100", "labels-0"]}


@pytest.fixture
def source(data_file):
    return Source(str(data_file), n_samples=160)


@pytest.fixture
def trained(monkeypatch):
    """Settings and seeds that were trained."""
    done = []

    def spy(setting, train, seed):
        done.append((setting, seed))
        return apply(setting, train, seed)

    apply = Setting.apply
    monkeypatch.setattr(Setting, "apply", spy)
    return done


def test_resume(source, trained, tmp_path, console, monkeypatch):
    table = reproduce("fig2", tmp_path, source.data, console=console, **FIG2)
    assert len(trained) == 2
    assert {path.name for path in tmp_path.iterdir()} == {
        *("runs", "results.csv", "table.csv", "table.md", "fig2_default.png")
    }
    results = pd.read_csv(tmp_path / "results.csv")
    assert set(results["metric"]) >= {"accuracy", "recall", "label_transfer", "n_train", "epochs"}
    assert (results.loc[results["metric"] == "epochs", "value"] == 1).all()
    own = results[results["setting"] == "labels-0"]
    assert "accuracy" not in set(own["metric"])
    assert "1/2  labels-100 default seed 0" in console.file.getvalue()

    monkeypatch.setattr("modis.studies._reproduce.draw_paper", lambda *_: None)

    # nothing is left to do
    again = reproduce("fig2", tmp_path, source.data, console=console, **FIG2)
    assert len(trained) == 2
    pd.testing.assert_frame_equal(again, table)
    assert "2 of them done before" in console.file.getvalue()

    # one more seed adds to what is there
    reproduce("fig2", tmp_path, source.data, console=console, **(FIG2 | {"seeds": 2}))
    assert [seed for _, seed in trained[2:]] == [1, 1]
    results = pd.read_csv(tmp_path / "results.csv")
    assert set(results["seed"]) == {0, 1}
    for metric in ("confusion", "transfer_confusion", "n_train"):
        assert set(results.loc[results["metric"] == metric, "seed"]) == {0}
    counted = results[(results["metric"] == "n_train") & (results["setting"] == "labels-100")]
    assert counted["value"].sum() == source.load().train.n_obs


def test_whatever_decides_the_rows_decides_the_file(source, tmp_path, monkeypatch):
    links = tmp_path / "links.csv"
    links.write_text("source_modality\n")

    def path(source=source, max_epochs=None, seed=3, **key):
        job = Job({"setting": "rare-5", "method": "links", **key}, seed)
        return Store(tmp_path, Experiment(source, max_epochs), "runs").paths(job)[0]

    linked = Source(source.data, links_file=links)
    paths = [path(), path(max_epochs=3), path(Source(n_samples=201)), path(linked), path(seed=4)]
    paths += [path(setting="rare-1"), path(method="default")]
    # links do not matter to a method that does not use them
    assert path(linked, method="default") == path(method="default")
    monkeypatch.setitem(METHODS, "links", METHODS["paper"])
    paths.append(path())
    monkeypatch.undo()
    monkeypatch.setitem(SETTINGS, "rare-5", SETTINGS["rare-10"])
    paths.append(path())
    assert len(set(paths)) == len(paths)


def test_nothing_is_begun_with_what_cannot_work(paired, tmp_path, console):
    copy = paired.copy()
    del copy.uns["feature_links"]
    copy.write(tmp_path / "no_links.h5mu")
    data = str(tmp_path / "no_links.h5mu")
    for error, said, given, methods in (
        (ValueError, "'links' needs linked features. Name a table with --l", data, ["links"]),
        (ValueError, r"no method \['link'\]; there are \['default'", data, ["link"]),
        (ValueError, "there are", data, []),
        (FileNotFoundError, "no file", "none.h5mu", ["default"]),
    ):
        with pytest.raises(error, match=said):
            how = SMALL | {"methods": methods}
            reproduce("fig2", tmp_path / "out", given, console=console, **how)
    assert os.listdir(tmp_path) == ["no_links.h5mu"]


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
    for name in few[2:]:
        setting = SETTINGS[name].__class__("fig3c", rare_samples=5, reference_fraction=0.5)
        monkeypatch.setitem(SETTINGS, name, setting)
    reproduce(figure, tmp_path, source.data, console=console, only=few, **SMALL)
    names = {"fig2": ["fig2_default"], "fig4": ["fig4_default"], "fig3": ["fig3", "fig3_default"]}
    files = sorted(tmp_path.glob("*.png"))
    assert [path.stem for path in files] == names.get(figure, [figure])
    for file in files:
        image = imread(file)
        assert min(image.shape[:2]) > 300
        # ink, of several colours
        assert 0.01 < (image[..., :3].min(axis=2) < 0.9).mean() < 0.9
        colors = (255 * image[..., :3]).astype(int) @ (256**2, 256, 1)
        assert len(np.unique(colors)) > 50
    results = pd.read_csv(tmp_path / "results.csv").set_index("setting")
    if figure == "difficulty":
        assert set(results["method"]) == {"default", BAYES}
    elif figure == "fig3":
        assert set(results.loc["rare-1", "rare_class"]) == {"class_1"}
    elif figure == "fig4":
        told = set(results.loc["missing-2", "missing"])
        assert told == {"class_1 in methylation; class_2 in expression"}
