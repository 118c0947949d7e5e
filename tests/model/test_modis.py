from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import pytest
import scvi

from modis import MODIS
from modis.module import PRESETS, choose_preset

from .._make import fingerprint, make_mdata, make_mudata
from ._weights import equal, weights

RNA, CPG, PROTEIN = "rna seq", "CpG-îlots", "a_protein"
BRIEFLY = {"max_epochs": 2, "batch_size": 16, "accelerator": "cpu", "enable_progress_bar": False}


def test_the_same_seed_gives_the_same_weights(fit):
    first, second = fit(make_mdata()), fit(make_mdata())
    assert equal(weights(first), weights(second))
    for name, values in first.history.items():
        pd.testing.assert_frame_equal(values, second.history[name])


def test_another_seed_gives_other_weights(fit):
    data = make_mdata()
    first = fit(data)
    scvi.settings.seed = 1
    second = MODIS(data, n_latent=5, n_hidden=8)
    second.train(**BRIEFLY)
    assert not equal(weights(first), weights(second))


# sizes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("pairing", ["unpaired", "mosaic", "paired"])
@pytest.mark.parametrize("n_classes", [1, 2, 9])
@pytest.mark.parametrize("n_unlabelled", [0, 10, 200])
def test_encoders_are_sized_by_what_is_set_up(pairing, n_classes, n_unlabelled):
    data = make_mdata(("gaussian",) * 3, pairing, [f"c{k}" for k in range(n_classes)])
    for adata in data.mod.values():
        adata.obs.loc[adata.obs_names[:n_unlabelled], "label"] = "unknown"
    MODIS.setup_mudata(data, labels_key="label", modalities=[RNA, PROTEIN])
    model = MODIS(data)
    counts = model.class_counts()
    labelled = counts.iloc[:, :-3].to_numpy()
    expected = choose_preset(list(counts["total"]), labelled.tolist())
    assert model.preset == expected
    # nobody's label, or one class, tells nothing
    assert model.module.architecture.n_layers == (n_unlabelled == 200 or n_classes == 1)
    paper = MODIS(data, architecture="paper").preset
    assert paper == PRESETS["paper"]


# labels ----------------------------------------------------------------------------------------


def _as_labels(place: str, dtype: str):
    """The same labels, wherever they stand and however they are written."""
    data = make_mdata(("gaussian", "gaussian"), classes=["1", "2", "3"])
    labels = pd.concat([adata.obs["label"] for adata in data.mod.values()])
    labels = labels[~labels.index.duplicated()]
    labels[labels.index[::4]] = {"float": np.nan, "empty": "", "named": "unknown"}.get(dtype)
    if dtype == "float":
        labels = labels.astype(float)
    if dtype == "category":
        labels = labels.astype("category")
    for adata in data.mod.values():
        del adata.obs["label"]
    data = make_mudata(data.mod)
    if place == "mudata":
        data.obs["label"] = labels.reindex(data.obs_names)
        return data, "label"
    for k, adata in enumerate(data.mod.values()):
        adata.obs[f"label{k}" if place == "dict" else "label"] = labels.reindex(adata.obs_names)
    return data, {RNA: "label0", CPG: "label1"} if place == "dict" else "label"


@pytest.fixture(scope="module")
def by_modality(fit):
    data, key = _as_labels("modality", "object")
    return fit(data, labels_key=key)


@pytest.mark.parametrize("dtype", ["object", "category", "float", "empty", "named"])
@pytest.mark.parametrize("place", ["modality", "mudata", "dict"])
def test_labels_mean_the_same_wherever_they_stand(fit, by_modality, place, dtype):
    data, key = _as_labels(place, dtype)
    before = fingerprint(data)
    model = fit(data, labels_key=key)
    assert fingerprint(data) == before
    assert list(model.class_counts().columns[:3]) == ["1", "2", "3"]
    pd.testing.assert_frame_equal(model.class_counts(), by_modality.class_counts())
    assert equal(weights(model), weights(by_modality))


@pytest.mark.filterwarnings("ignore:11 observation.*taken as unlabelled:UserWarning")
def test_hidden_labels_do_not_train(fit):
    """What is hidden in one place and visible in the other changes nothing."""
    models = []
    for visible in ("a", "b"):
        data = make_mdata(("gaussian",), "paired", ["a", "b"])
        hidden = data.obs_names[::3]
        data.mod[RNA].obs.loc[hidden, "label"] = visible
        data.obs["label"] = np.where(data.obs_names.isin(hidden), "unknown", None)
        models.append(fit(data))
    assert models[0].class_counts().loc[RNA, "unlabeled"] == 11
    assert equal(weights(models[0]), weights(models[1]))


@pytest.mark.parametrize(("category", "written"), [(-1, "-1"), (" ? ", " ? "), ("-1", -1)])
def test_the_category_for_unlabelled(fit, category, written):
    data = make_mdata(pairing="unpaired")
    for adata in data.mod.values():
        adata.obs["label"] = np.array([0, 1, written], dtype=object)[np.arange(adata.n_obs) % 3]
    model = fit(data, unlabeled_category=category)
    assert list(model.class_counts().columns) == ["0", "1", "unlabeled", "total", "features"]
    labels = model.joint_embedding().obs["label"]
    assert (labels.astype(str).str.strip() == str(written).strip()).sum() == 17


def test_every_observation_its_own_class(fit):
    # few classes, often a single one, stand in the minibatches of two modalities
    data = make_mdata()
    for adata in data.mod.values():
        adata.obs["label"] = list(adata.obs_names)
    model = fit(data, train={"max_epochs": 4})
    assert np.isfinite(model.get_latent_representation()).all()


def test_a_class_may_be_absent_rare_or_alone(fit):
    data = make_mdata(("gaussian",) * 3, "unpaired", ["a", "b", "c"])
    cpg, protein = data.mod[CPG].obs, data.mod[PROTEIN].obs
    cpg["label"] = cpg["label"].where(cpg["label"] != "c", "unknown")
    # d has one sample, in one modality
    protein.loc["s52", "label"] = "d"
    model = fit(data)
    counts = model.class_counts()
    assert counts.loc[CPG, "c"] == 0
    assert counts["d"].tolist() == [0, 0, 1]
    assert list(model.predict(soft=True).columns) == ["a", "b", "c", "d"]
    assert np.isfinite(model.predict(soft=True)).all(axis=None)


def test_a_modality_may_have_no_label(fit):
    data = make_mdata()
    data.mod[CPG].obs["label"] = "unknown"
    model = fit(data)
    assert model.class_counts()["unlabeled"].tolist() == [0, 80]
    assert model.predict(modality=CPG).notna().all()


@pytest.mark.parametrize("labels", [None, "", np.nan, "unknown", "healthy"])
def test_fewer_than_two_classes_train_without_a_class_head(fit, labels):
    data = make_mdata()
    for adata in data.mod.values():
        adata.obs["label"] = labels
    model = fit(data)
    assert model.module.n_classes == 0
    assert model.module.discriminator.class_head is None
    assert not any("classification" in term for term in model.history)
    assert np.isfinite(model.get_latent_representation()).all()
    assert list(model.joint_embedding().obs.columns) == ["observation", "modality", "label"]
    with pytest.raises(ValueError, match="labels_key"):
        model.predict()


def test_without_labels_key(fit):
    model = fit(make_mdata(), labels_key=None)
    assert set(model.joint_embedding().obs["label"]) == {"unknown"}
    assert list(model.class_counts().columns) == ["unlabeled", "total", "features"]
    assert "classes: none" in repr(model)


# batches ---------------------------------------------------------------------------------------


def test_batches_shared_and_by_modality(fit):
    data = make_mdata()
    for k, adata in enumerate(data.mod.values()):
        adata.obs["run"] = np.where(np.arange(adata.n_obs) < 10, "r0", f"r{k + 1}")
        adata.obs[f"run{k}"] = adata.obs["run"]
    held_out = {"train_size": 0.9}
    shared = fit(data, batch_key="run", train=held_out)
    single = fit(data, batch_key={RNA: "run0", CPG: "run1"}, train=held_out)
    assert shared.module.decoders[RNA].n_batch == 3
    # of 60 and 80 observations, 6 and 8 validate
    counts = shared.condition_counts_
    assert {name: [each.index(max(each)) for each in counts[name]] for name in counts} == {
        RNA: [1],
        CPG: [2],
    }
    assert [sum(counts[name][0]) for name in (RNA, CPG)] == [54, 72]
    assert equal(weights(shared), weights(single))
    without = fit(data)
    assert without.module.decoders[RNA].n_batch == 0


def test_the_game_over_batches_is_played_on_demand(fit):
    data = make_mdata()
    for k, adata in enumerate(data.mod.values()):
        # the second modality has one batch only
        adata.obs["run"] = np.where(np.arange(adata.n_obs) % 2 * (k == 0), "r0", "r1")
    terms = ["discriminator_batch_train", "adversarial_batch_train"]
    without = fit(data, batch_key="run")
    assert without.module.discriminator.batch_head.out_features == 2
    assert not set(terms) & set(without.history)
    plan = {"loss_weights": {"batch": 1.0, "adversarial_batch": 1.0}}
    options = {"max_epochs": 2, "plan_kwargs": plan, "train_size": 0.9}
    playing = fit(data, batch_key="run", train=options)
    assert {name: counts.tolist() for name, counts in playing.module.batch_counts.items()} == {
        RNA: [27, 27],
        CPG: [0, 72],
    }
    assert all(np.isfinite(playing.history[term].to_numpy(float)).all() for term in terms)
    # neither one batch per modality nor none at all is a game
    for setup in ({}, {"batch_key": "all"}):
        for k, adata in enumerate(data.mod.values()):
            adata.obs["all"] = f"b{k}"
        assert not set(terms) & set(fit(data, **setup, train=options).history)


def test_batches_of_the_mudata(fit):
    data = make_mdata()
    data.obs["run"] = np.where(np.arange(data.n_obs) % 2, "x", "y")
    assert fit(data, batch_key="run").module.decoders[CPG].n_batch == 2


# likelihoods -----------------------------------------------------------------------------------


def test_a_dict_of_likelihoods_leaves_gaussian_to_the_others(fit):
    data = make_mdata(("gaussian", "nb", "gaussian"))
    model = fit(data, likelihood={CPG: "nb"})
    kinds = {name: type(decoder).__name__ for name, decoder in model.module.decoders.items()}
    assert kinds == {
        RNA: "GaussianDecoder",
        CPG: "NegativeBinomialDecoder",
        PROTEIN: "GaussianDecoder",
    }


# what is left behind -------------------------------------------------------------------------


def test_nothing_is_printed_and_no_file_left(fit, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = make_mdata()
    verbosity = scvi.settings.verbosity
    scvi.settings.verbosity = logging.WARNING
    try:
        MODIS.setup_mudata(data, labels_key="label")
        model = MODIS(data, n_latent=5, n_hidden=8)
        capfd.readouterr()
        model.train(**BRIEFLY)
        model.predict()
        out, err = capfd.readouterr()
    finally:
        scvi.settings.verbosity = verbosity
    assert (out, err) == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_two_models_of_the_same_data(fit):
    data = make_mdata()
    first = fit(data)
    latent = first.get_latent_representation()
    second = fit(data, modalities=[RNA], model={"n_latent": 3})
    assert second.get_latent_representation(modality=RNA).shape == (60, 3)
    np.testing.assert_array_equal(first.get_latent_representation(), latent)
    assert first.module.modalities == [RNA, CPG]


# what a user reads -----------------------------------------------------------------------------


def test_repr(model):
    assert repr(model).splitlines() == [
        "MODIS, trained: 3 modalities, 3 classes, 5 latent dimensions",
        "  rna seq: 12 features, gaussian, 8 hidden units",
        "  CpG-îlots: 9 features, beta, 8 hidden units",
        "  a_protein: 7 features, nb, 8 hidden units",
        "  classes: a, b, c",
    ]


def test_repr_of_linear_encoders(linear, fit):
    assert [line.split(", ")[-1] for line in repr(linear).splitlines()[1:4]] == [
        "linear encoder on 4 principal components"
    ] * 3
    # as many components as the rule asks for, or more, than features
    assert "12 features, gaussian, linear encoder\n" in repr(fit(make_mdata()))


def test_get_var_names(model, mdata):
    names = model.get_var_names()
    assert list(names) == list(mdata.mod)
    assert all(list(names[name]) == list(mdata.mod[name].var_names) for name in names)
