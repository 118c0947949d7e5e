from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.neighbors import KNeighborsClassifier

from modis.datasets._intersim import bayes_probabilities
from modis.model import MODIS
from modis.studies._experiment import Experiment, evaluate, sample_latent
from modis.studies._runs import Job
from modis.studies._source import Source, split_paired


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
    monkeypatch.setattr("modis.studies._experiment._MOST_POINTS", 7)
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
