import os
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from sklearn import metrics
from sklearn.neighbors import KNeighborsClassifier

from modis.datasets._intersim import bayes_probabilities
from modis.model import MODIS
from modis.studies import FIGURES, METHODS, SETTINGS, reproduce
from modis.studies._paper_table import BAYES
from modis.studies._reproduce import Experiment, evaluate, sample_latent
from modis.studies._runs import Job, Store
from modis.studies._settings import Setting, Source, split_paired

pytestmark = pytest.mark.usefixtures("quickly")

SMALL = {"n_samples": 160, "seeds": 1, "max_epochs": 1, "methods": ["default"]}
FIG2 = SMALL | {"only": ["labels-100", "labels-0"]}


@pytest.fixture(scope="module")
def trained(paired):
    train, test = split_paired(paired)
    MODIS.setup_mudata(train, labels_key="label")
    model = MODIS(train)
    model.train(max_epochs=3)
    return model, test


@pytest.fixture(scope="module")
def rows(trained, paired):
    model, test = trained
    return pd.DataFrame(evaluate(model, test, paired, confusion=True))


def labels_of(model, test, name):
    true = test.mod[name].obs["label"].astype(str).to_numpy()
    return true, model.predict(test, modality=name).astype(str).to_numpy()


def test_scores_are_those_of_scikit_learn(trained, rows):
    model, test = trained
    pairs = {name: labels_of(model, test, name) for name in test.mod}
    pairs["all"] = tuple(np.concatenate(part) for part in zip(*pairs.values(), strict=True))
    for source, (true, predicted) in pairs.items():
        own = rows[rows["source"] == source]
        value = own[own["class"].isna() & own["target"].isna()].set_index("metric")["value"]
        assert value["accuracy"] == pytest.approx(metrics.accuracy_score(true, predicted))
        balanced = metrics.balanced_accuracy_score(true, predicted)
        assert value["balanced_accuracy"] == pytest.approx(balanced)
        assert value["inverse_frequency_accuracy"] == pytest.approx(balanced)
        jaccard = metrics.jaccard_score(true, predicted, average="macro")
        assert value["jaccard"] == pytest.approx(jaccard)
        recall = own[own["metric"] == "recall"].set_index("class")["value"]
        expected = metrics.recall_score(true, predicted, labels=list(recall.index), average=None)
        np.testing.assert_allclose(recall, expected)
        if source != "all":
            names = sorted(set(true) | set(predicted))
            counts = own[own["metric"] == "confusion"].pivot_table("value", "class", "predicted")
            counts = counts.reindex(index=names, columns=names).fillna(0)
            expected = metrics.confusion_matrix(true, predicted, labels=names)
            np.testing.assert_array_equal(counts, expected)


def test_label_transfer_is_that_of_scikit_learn(trained, rows):
    model, test = trained
    latent = {name: model.get_latent_representation(test, modality=name) for name in test.mod}
    own = rows[rows["metric"] == "label_transfer"].set_index(["source", "target"])["value"]
    assert set(own.index) == set(permutations(test.mod, 2))
    for source, target in own.index:
        labels = {n: test.mod[n].obs["label"].astype(str) for n in (source, target)}
        voters = KNeighborsClassifier(min(15, len(latent[source])))
        voters.fit(latent[source].astype(float), labels[source])
        expected = voters.score(latent[target].astype(float), labels[target])
        assert own[source, target] == pytest.approx(expected)
    counted = rows[rows["metric"] == "transfer_confusion"]
    right = counted["value"].where(counted["class"] == counted["predicted"], 0)
    where = [counted["source"], counted["target"]]
    shares = right.groupby(where).sum() / counted["value"].groupby(where).sum()
    pd.testing.assert_series_equal(shares.loc[own.index], own, check_names=False)


def test_errors_and_limits(trained, rows, paired):
    model, test = trained
    cells = rows[rows["metric"].isin(["mse", "mse_over_limit"])]
    assert len(cells) == 18
    cell = cells[(cells["source"] == "protein") & (cells["target"] == "expression")]
    value = cell.set_index("metric")["value"]
    truth = np.asarray(paired.mod["expression"][test.mod["protein"].obs_names].X)
    translated = model.translate("protein", "expression", test).X
    assert value["mse"] == pytest.approx(np.square(translated - truth).mean(), rel=1e-5)
    # the limit: the within-class variance of the test samples
    part = (paired.obs["split"] == "test").to_numpy()
    x = pd.DataFrame(np.asarray(paired.mod["expression"].X)[part], dtype=float)
    labels = paired.obs["label"].to_numpy()[part]
    centred = x - x.groupby(labels, observed=True).transform("mean")
    limit = value["mse"] / value["mse_over_limit"]
    assert limit == pytest.approx(np.square(centred.to_numpy()).mean(), rel=1e-4)


def test_latent_points(trained, monkeypatch):
    model, test = trained
    table = sample_latent(model, test)
    assert len(table) == sum(adata.n_obs for adata in test.mod.values())
    own = table[table["modality"] == "protein"]
    expected = model.get_latent_representation(test, modality="protein")
    np.testing.assert_array_equal(own.filter(like="latent_"), expected)
    assert list(own["label"]) == list(test["protein"].obs["label"])
    monkeypatch.setattr("modis.studies._reproduce._MOST_POINTS", 7)
    few = sample_latent(model, test)
    assert (few["modality"].value_counts() == 7).all()
    # encoded among other rows, the same sample comes out the same but for rounding
    wanted = few[few["modality"] == "protein"].filter(like="latent_").to_numpy()
    same = np.isclose(wanted[:, None], expected, rtol=1e-4, atol=1e-5).all(axis=2)
    assert (same.sum(axis=1) == 1).all()


def test_bayes_rows_are_those_of_the_test_samples():
    source = Source(n_samples=400)
    found, _ = Experiment(source).perform(Job({"setting": "delta-0.25", "method": "bayes"}))
    rows = pd.DataFrame(found)
    test = source.load(0.25).test
    deltas = {f"delta_{name}": 0.25 for name in test.mod}
    best = bayes_probabilities(test, **deltas)["expression"].idxmax(axis=1)
    right = (best == test["expression"].obs["label"].astype(str)).mean()
    own = rows[(rows["metric"] == "accuracy") & (rows["source"] == "expression")]
    assert own["value"].item() == pytest.approx(right)
    assert 0.5 < right < 1


def test_links_reach_the_model(paired, data_file, monkeypatch):
    given = []
    original = MODIS.__init__

    def spy(self, *args, feature_links=None, **kwargs):
        given.append(feature_links)
        original(self, *args, **kwargs)

    monkeypatch.setattr(MODIS, "__init__", spy)
    study = Experiment(Source(str(data_file)), max_epochs=1)
    for method in ("default", "links"):
        rows, _ = study.perform(Job({"setting": "labels-0", "method": method}, seed=1))
    assert given[0] is None
    assert given[1].equals(paired.uns["feature_links"])
    # without classes only what needs none
    measured = {row["metric"] for row in rows} - {"train_seconds", "epochs"}
    assert measured == {"label_transfer", "mse", "mse_over_limit"}


@pytest.fixture
def source(data_file):
    return Source(str(data_file), n_samples=160)


@pytest.fixture
def seen(monkeypatch):
    """Settings and seeds that were trained."""
    done = []

    def spy(setting, train, seed):
        done.append((setting, seed))
        return apply(setting, train, seed)

    apply = Setting.apply
    monkeypatch.setattr(Setting, "apply", spy)
    return done


def test_resume(source, seen, tmp_path, console, monkeypatch):
    table = reproduce("fig2", tmp_path, source.data, console=console, **FIG2)
    assert len(seen) == 2
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
    assert len(seen) == 2
    pd.testing.assert_frame_equal(again, table)
    assert "2 of them done before" in console.file.getvalue()

    # one more seed adds to what is there
    reproduce("fig2", tmp_path, source.data, console=console, **(FIG2 | {"seeds": 2}))
    assert [seed for _, seed in seen[2:]] == [1, 1]
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
