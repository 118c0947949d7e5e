from __future__ import annotations

import mudata as md
import numpy as np
import pandas as pd
import pytest
import torch

from .._make import fingerprint, make_mdata, make_modality, make_mudata
from ._linked import cohort

RNA, CPG, PROTEIN = "rna seq", "CpG-îlots", "a_protein"


def test_a_draw_from_the_posterior(model, mdata):
    mean = model.get_latent_representation(modality=RNA)
    with torch.no_grad():
        qz = model.module.encode(RNA, torch.as_tensor(mdata.mod[RNA].X)).qz
    draws = np.stack(
        [model.get_latent_representation(modality=RNA, give_mean=False) for _ in range(300)]
    )
    assert draws.dtype == np.float32
    noise = (draws - mean) / qz.stddev.numpy()
    assert abs(noise.mean()) < 0.01
    assert noise.std() == pytest.approx(1, abs=0.01)


def test_a_combined_draw_is_narrower(model, mdata):
    mean = model.get_latent_representation()
    draws = np.stack([model.get_latent_representation(give_mean=False) for _ in range(100)])
    spread = pd.DataFrame((draws - mean).std(axis=0), index=mdata.obs_names).mean(axis=1)
    alone = spread[[f"s{k}" for k in range(20)]].mean()
    in_three = spread[[f"s{k}" for k in range(40, 60)]].mean()
    assert in_three < alone


def test_predictions_are_the_class_heads_of_the_latents(model, mdata):
    head = model.module.discriminator.class_head
    for modality in (RNA, PROTEIN):
        latent = model.get_latent_representation(modality=modality)
        logits = latent @ head.weight.detach().numpy().T + head.bias.detach().numpy()
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        expected = odds / odds.sum(axis=1, keepdims=True)
        soft = model.predict(modality=modality, soft=True)
        np.testing.assert_allclose(soft, expected, rtol=1e-4, atol=1e-6)
    assert model.predict().name == "predicted"


def test_predictions_from_several_modalities_are_weighted_by_their_precision(model, mdata):
    total, weight = np.zeros((mdata.n_obs, 3)), np.zeros((mdata.n_obs, 1))
    for name, adata in mdata.mod.items():
        _, scale = model._posterior(None, name, None, None)
        precision = (1 / scale**2).mean(axis=1, keepdims=True)
        rows = mdata.obs_names.get_indexer(adata.obs_names)
        total[rows] += precision * model.predict(modality=name, soft=True).to_numpy() ** 3
        weight[rows] += precision
    soft = model.predict(soft=True)
    mean = np.cbrt(total / weight)
    np.testing.assert_allclose(soft, mean / mean.sum(axis=1, keepdims=True), rtol=1e-4)
    np.testing.assert_allclose(soft.sum(axis=1), 1, rtol=1e-5)


#: Enough to learn something.
LEARN = {"max_epochs": 25, "plan_kwargs": {"lr": 0.005}}


@pytest.fixture(scope="module")
def skilled(fit):
    return fit(make_mdata(("gaussian",) * 3, classes=["a", "b"]), train=LEARN)


def test_training_finds_easy_classes(skilled):
    # the calls are worth nothing if nothing is learnt
    data = skilled.adata
    for name, adata in data.mod.items():
        assert (skilled.predict(modality=name) == adata.obs["label"]).mean() > 0.95, name
    translated = skilled.translate(RNA, CPG)
    cpg = data.mod[CPG].to_df()
    for label in "ab":
        told = translated.to_df()[translated.obs["label"] == label].mean()
        right = cpg[data.mod[CPG].obs["label"] == label].mean()
        wrong = cpg[data.mod[CPG].obs["label"] != label].mean()
        assert ((told - right) ** 2).mean() < ((told - wrong) ** 2).mean() / 4


def test_new_data_need_no_links(fit):
    """Neither labels nor all modalities, and features in any order."""
    data, links = cohort()
    model = fit(data, model={"feature_links": links})
    new = make_mudata(
        {name: data.mod[name][5:25, ::-1].copy() for name in ("protein", "methylation")}
    )
    for adata in new.mod.values():
        del adata.obs["label"]
    for name in new.mod:
        np.testing.assert_allclose(
            model.get_latent_representation(new, name),
            model.get_latent_representation(modality=name)[5:25],
            rtol=1e-4,
            atol=1e-6,
        )
    translated = model.translate("protein", "expression", new)
    expected = model.translate("protein", "expression", indices=range(5, 25))
    np.testing.assert_allclose(translated.X, expected.X, rtol=1e-4, atol=1e-6)


def _unknown_run(data: md.MuData) -> None:
    for adata in data.mod.values():
        adata.obs["run"] = "next year"


def _some_unknown_runs(data: md.MuData) -> None:
    for adata in data.mod.values():
        numbers = np.arange(adata.n_obs)
        adata.obs["run"] = np.where(numbers % 2, adata.obs["run"], "next year")


def _no_run(data: md.MuData) -> None:
    for adata in data.mod.values():
        del adata.obs["run"]


def _missing_run(data: md.MuData) -> None:
    data.mod[CPG].obs.loc[data.mod[CPG].obs_names[3], "run"] = None


def _unknown_covariate(data: md.MuData) -> None:
    for adata in data.mod.values():
        adata.obs["sex"] = "c"


def _no_covariate(data: md.MuData) -> None:
    for adata in data.mod.values():
        del adata.obs["sex"]


#: What is done to data of a model that knows runs and sexes; what it says when they are decoded.
OF_A_NEW_BATCH = {
    "unknown batch": (_unknown_run, "'next year'"),
    "some of an unknown batch": (_some_unknown_runs, "'next year'"),
    "no batch column": (_no_run, "'run'"),
    "no batch for one": (_missing_run, CPG),
    "unknown covariate": (_unknown_covariate, "'c'"),
    "no covariate column": (_no_covariate, "'sex'"),
}


def _new_batch(shifted, kind: str) -> md.MuData:
    data = make_mudata({name: adata.copy() for name, adata in shifted.adata.mod.items()})
    # mudata 0.3 pulls columns up
    data.obs = data.obs[[]]
    OF_A_NEW_BATCH[kind][0](data)
    return data


@pytest.mark.parametrize("kind", OF_A_NEW_BATCH)
def test_data_of_a_new_batch_are_encoded_as_any_other(shifted, kind):
    """Encoders know of no batches: the same values, the same answer."""
    new = _new_batch(shifted, kind)
    before = fingerprint(new)
    for modality in (None, RNA, CPG):
        np.testing.assert_array_equal(
            shifted.get_latent_representation(new, modality),
            shifted.get_latent_representation(modality=modality),
        )
        pd.testing.assert_frame_equal(
            shifted.predict(new, modality, soft=True),
            shifted.predict(modality=modality, soft=True),
        )
    for source, target in ((RNA, CPG), (CPG, RNA)):
        for options in ({}, {"transform_batch": "large"}):
            told = shifted.translate(source, target, new, **options)
            np.testing.assert_array_equal(told.X, shifted.translate(source, target, **options).X)
            pd.testing.assert_frame_equal(told.obs, new.mod[source].obs)
    embedding = shifted.joint_embedding(new)
    np.testing.assert_array_equal(embedding.X, shifted.joint_embedding().X)
    pd.testing.assert_frame_equal(
        shifted.feature_importance(CPG, mdata=new), shifted.feature_importance(CPG)
    )
    assert fingerprint(new) == before
    shifted.write_latent(new)
    np.testing.assert_array_equal(new.obsm["X_modis"], shifted.get_latent_representation())


@pytest.mark.parametrize("kind", OF_A_NEW_BATCH)
def test_data_of_a_new_batch_are_not_decoded(shifted, kind):
    """As a decoder learnt nothing of the batch."""
    new, says = _new_batch(shifted, kind), OF_A_NEW_BATCH[kind][1]
    for call in (
        lambda: shifted.reconstruct(CPG, new),
        lambda: shifted.translate(CPG, CPG, new),
        lambda: shifted.get_elbo(new),
    ):
        with pytest.raises((KeyError, ValueError)) as caught:
            call()
        message = str(caught.value)
        assert says in message
        assert any(word in message for word in ("batch", "covariate"))
    # what is not decoded needs no batch
    known = make_mudata({RNA: shifted.adata.mod[RNA].copy()})
    assert np.isfinite(shifted.reconstruct(RNA, known).X).all()


def test_elbo_of_other_data(skilled):
    shuffled = skilled.adata.copy()
    for name in (RNA, CPG):
        X = shuffled.mod[name].X
        shuffled.mod[name].X = X[:, ::-1].copy()
    elbo, worse = skilled.get_elbo()["elbo"], skilled.get_elbo(shuffled)["elbo"]
    assert worse[RNA] < elbo[RNA]
    assert worse[CPG] < elbo[CPG]


def test_write_latent_into_the_training_data(fit):
    data = make_mdata()
    model = fit(data)
    before = fingerprint(data)
    model.write_latent()
    assert list(data.obsm)[-1] == "X_modis"
    np.testing.assert_array_equal(data.obsm["X_modis"], model.get_latent_representation())
    for name, adata in data.mod.items():
        np.testing.assert_array_equal(
            adata.obsm["X_modis"], model.get_latent_representation(modality=name)
        )
        del adata.obsm["X_modis"]
    del data.obsm["X_modis"]
    assert fingerprint(data) == before


def test_a_mudata_that_was_not_updated_is_refused(fit):
    """mdata.obs_names know nothing of a modality that was put in by hand."""
    data = make_mdata()
    data.mod[PROTEIN] = make_modality(PROTEIN, 200, 230)
    with pytest.raises(ValueError, match=r"'a_protein': 's200'.*call mdata\.update\(\)"):
        fit(data)


def test_joint_embedding_takes_labels_as_they_are(model, mdata):
    new = mdata.copy()
    for adata in new.mod.values():
        adata.obs["label"] = np.where(adata.obs_names == "s50", "new class", adata.obs["label"])
        adata.obs.loc["s45", "label"] = None
    obs = model.joint_embedding(new).obs
    assert (obs.loc[obs["observation"] == "s50", "label"] == "new class").all()
    assert (obs.loc[obs["observation"] == "s45", "label"] == "unknown").all()
    assert list(obs["label"].cat.categories) == ["a", "b", "c", "new class", "unknown"]
    assert list(obs["predicted"].cat.categories) == ["a", "b", "c"]
    # predictions do not look at labels
    assert list(obs["predicted"]) == list(model.joint_embedding().obs["predicted"])
