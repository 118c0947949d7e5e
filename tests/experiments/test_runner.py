from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, recall_score

from modis.datasets import intersim
from modis.experiments import METHODS, SETTINGS, evaluate, run, split_paired, summarize
from modis.experiments.__main__ import main
from modis.model import MODIS

SIZES = {"methylation": 20, "expression": 10, "protein": 12}


@pytest.fixture(scope="module")
def paired():
    mdata = intersim(n_samples=240, n_features=SIZES, seed=0)
    rng = np.random.default_rng(0)
    split = np.where(rng.random(mdata.n_obs) < 0.3, "test", "train")
    observed = rng.choice(list(SIZES), mdata.n_obs)
    mdata.obs["split"], mdata.obs["observed_modality"] = split, observed
    return mdata


@pytest.fixture(scope="module")
def trained(paired):
    train, test = split_paired(paired)
    MODIS.setup_mudata(train, labels_key="label")
    model = MODIS(train)
    model.train(max_epochs=3)
    return model, test


def test_parts_are_unpaired_and_as_the_columns_say(paired):
    for part, mdata in zip(("train", "test"), split_paired(paired), strict=True):
        seen = [name for adata in mdata.mod.values() for name in adata.obs_names]
        assert len(seen) == len(set(seen))
        assert set(seen) == set(paired.obs_names[paired.obs["split"] == part])
        for modality, adata in mdata.mod.items():
            assert (paired.obs.loc[adata.obs_names, "observed_modality"] == modality).all()


def test_evaluate_measures_what_scikit_learn_does(trained, paired):
    model, test = trained
    rows = pd.DataFrame(evaluate(model, test, paired))
    adata = test.mod["protein"]
    true = adata.obs["label"].astype(str)
    predicted = model.predict(test, modality="protein").astype(str)
    own = rows[rows["source"] == "protein"]
    accuracy = own[own["metric"] == "accuracy"]["value"].item()
    assert accuracy == pytest.approx(accuracy_score(true, predicted))
    recall = own[own["metric"] == "recall"].set_index("class")["value"]
    labels = list(recall.index)
    expected = recall_score(true, predicted, labels=labels, average=None)
    np.testing.assert_allclose(recall, expected)
    translated = model.translate("protein", "expression", test).X
    truth = np.asarray(paired.mod["expression"][adata.obs_names].X)
    cell = own[(own["metric"] == "mse") & (own["target"] == "expression")]["value"].item()
    assert cell == pytest.approx(np.square(translated - truth).mean(), rel=1e-5)
    assert (rows["metric"] == "mse_over_limit").sum() == 9


def test_limit_is_the_within_class_variance_of_the_test_samples(trained, paired):
    model, test = trained
    rows = pd.DataFrame(evaluate(model, test, paired))
    cell = rows[(rows["source"] == "protein") & (rows["target"] == "expression")]
    value = cell.set_index("metric")["value"]
    limit = value["mse"] / value["mse_over_limit"]
    part = (paired.obs["split"] == "test").to_numpy()
    x = pd.DataFrame(np.asarray(paired.mod["expression"].X)[part], dtype=float)
    labels = paired.obs["label"].to_numpy()[part]
    centred = x - x.groupby(labels, observed=True).transform("mean")
    assert limit == pytest.approx(np.square(centred.to_numpy()).mean(), rel=1e-4)


def test_run_and_summary(paired):
    train, test = split_paired(paired)
    rows = []
    for seed in range(2):
        measured = run(
            train,
            test,
            paired,
            setting=SETTINGS["rare-5"],
            method=METHODS["paper"],
            seed=seed,
            max_epochs=1,
        )
        rows += [{"method": "paper", "setting": "rare-5", "seed": seed} | row for row in measured]
    results = pd.DataFrame(rows)
    assert (results[results["metric"] == "epochs"]["value"] == 1).all()
    table = summarize(results)
    recall = results[results["metric"] == "recall"].groupby("seed")["value"].min()
    assert table.loc[("paper", "rare-5"), ("worst_recall", "mean")] == pytest.approx(recall.mean())


def test_the_command_writes_a_tidy_table(paired, tmp_path, capsys):
    data, out = tmp_path / "paired.h5mu", tmp_path / "out.csv"
    paired.write(data)
    main(
        [str(data), "--out", str(out), "--settings", "labels-100", "--seeds", "1"]
        + ["--max-epochs", "1"]
    )
    table = pd.read_csv(out)
    assert {"method", "setting", "seed", "metric", "value"} <= set(table.columns)
    assert "labels-100" in capsys.readouterr().out
