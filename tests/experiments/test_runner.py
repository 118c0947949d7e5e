from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from modis.experiments import METHODS, SETTINGS, fit, run, split_paired, summarize


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


@pytest.fixture
def epochs(monkeypatch):
    """What training is asked for, without training."""
    from modis.model import MODIS

    asked = []
    monkeypatch.setattr(MODIS, "train", lambda self, **how: asked.append(how.get("max_epochs")))
    monkeypatch.setattr(MODIS, "history", {"loss_train": []}, raising=False)
    return asked


def test_epochs_factor(paired, epochs):
    train, _ = split_paired(paired)
    how = {"setting": SETTINGS["labels-100"], "seed": 0}
    fit(train, method=METHODS["default"], **how)
    fit(train, method=METHODS["default"], epochs_factor=2, **how)
    fit(train, method=METHODS["default"], epochs_factor=3, max_epochs=7, **how)
    fit(train, method=METHODS["paper"], epochs_factor=2, **how)
    # one step of 64 per epoch, so the most epochs there are, twice
    assert epochs == [None, 800, 21, 40]


def test_epochs_of_the_model_itself_are_doubled(paired):
    """What `fit` reckons is what training takes."""
    from modis.experiments._runner import _epochs
    from modis.model import MODIS

    train, _ = split_paired(paired)
    MODIS.setup_mudata(train, labels_key="label")
    model = MODIS(train)
    asked = {"batch_size": 3, "train_size": 0.8}
    expected = _epochs(model, train, asked)
    model.train(**asked, early_stopping=False, limit_train_batches=1, limit_val_batches=0)
    assert model.trainer.max_epochs == expected
    assert 20 < expected < 400


def test_links_reach_the_model(paired, monkeypatch):
    from modis.model import MODIS

    given = []
    original = MODIS.__init__

    def spy(self, *args, feature_links=None, **kwargs):
        given.append(feature_links)
        original(self, *args, **kwargs)

    monkeypatch.setattr(MODIS, "__init__", spy)
    train, _ = split_paired(paired)
    links = paired.uns["feature_links"]
    how = {"setting": SETTINGS["labels-0"], "seed": 0, "max_epochs": 1, "feature_links": links}
    fit(train, method=METHODS["default"], **how)
    model, rows = fit(train, method=METHODS["links"], **how)
    assert given[0] is None
    assert given[1] is links
    assert model.module.n_classes == 0
    assert [row["metric"] for row in rows] == ["train_seconds", "epochs"]
    with pytest.raises(ValueError, match="needs feature_links"):
        fit(train, method=METHODS["links"], **(how | {"feature_links": None}))


def test_seed_decides(paired):
    train, test = split_paired(paired)
    latent = []
    for seed in (0, 0, 1):
        model, _ = fit(
            train,
            setting=SETTINGS["labels-100"],
            method=METHODS["default"],
            seed=seed,
            max_epochs=1,
        )
        latent.append(model.get_latent_representation(test, modality="protein"))
    np.testing.assert_array_equal(latent[0], latent[1])
    assert not np.allclose(latent[0], latent[2])
