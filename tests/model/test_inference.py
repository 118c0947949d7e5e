import numpy as np
import pandas as pd
import pytest
import torch

from .._make import CPG, PROTEIN, RNA, fingerprint, make_mdata, make_mudata


def test_draws_from_the_posterior(networks, mdata):
    encoding = networks._encoding(None, RNA)
    draws = [networks.get_latent_representation(modality=RNA, give_mean=False) for _ in range(300)]
    assert draws[0].dtype == np.float32
    noise = (np.stack(draws) - encoding.mean) / encoding.scale
    assert abs(noise.mean()) < 0.01
    assert noise.std() == pytest.approx(1, abs=0.01)
    # what several modalities saw is known better
    combined = [networks.get_latent_representation(give_mean=False) for _ in range(100)]
    spread = pd.DataFrame(np.std(combined, axis=0), index=mdata.obs_names).mean(axis=1)
    alone = spread[[f"s{k}" for k in range(20)]].mean()
    assert spread[[f"s{k}" for k in range(40, 60)]].mean() < alone


def test_the_latent_space_turns_what_all_models_say(model):
    """Draws move the networks' part of it."""
    linear, encoding = model.module.linear, model._encoding(None, RNA)
    axes = np.split(encoding.shared, linear.n_axes[:1], axis=1)
    parts = [np.exp(encoding.log_probability / 2), *axes, encoding.mean]
    scale, place = linear["scale"].numpy(), linear["place"].numpy()
    coordinates = np.hstack([k * part for k, part in zip(scale, parts, strict=True)])
    latent = model.get_latent_representation(modality=RNA)
    np.testing.assert_allclose(latent, coordinates @ place, rtol=1e-4, atol=1e-5)
    draws = [model.get_latent_representation(modality=RNA, give_mean=False) for _ in range(300)]
    variance = (scale[-1] * encoding.scale) ** 2 @ place[-encoding.mean.shape[1] :] ** 2
    assert np.var(draws, axis=0).sum() == pytest.approx(variance.sum(), rel=0.05)


def test_predictions_are_the_class_heads_of_the_latents(networks):
    for modality in (RNA, PROTEIN):
        latent = networks.get_latent_representation(modality=modality)
        with torch.no_grad():
            logits = networks.module.discriminator.classify(torch.from_numpy(latent))
        soft = networks.predict(modality=modality, soft=True)
        np.testing.assert_allclose(soft, logits.softmax(dim=1), rtol=1e-4, atol=1e-6)
    assert networks.predict().name == "predicted"


def test_without_a_message_all_likelihoods_are_one(mdata, build):
    """An encoder that says the prior, and decoders that do not listen."""
    silent = build(mdata.copy(), likelihood={RNA: "gaussian", CPG: "beta", PROTEIN: "zinb"})
    silent.is_trained_ = True
    with torch.no_grad():
        for module in (*silent.module.encoders.values(), *silent.module.decoders.values()):
            for parameter in module.parameters():
                parameter.zero_()
    error, bound = silent.get_reconstruction_error(), silent.get_elbo()
    assert error == pytest.approx((-bound["elbo"]).to_dict(), rel=1e-5)
    marginal = silent.get_marginal_ll(n_mc_samples=3, batch_size=7)
    assert marginal == pytest.approx({name: -own for name, own in error.items()}, rel=1e-5)


def test_the_marginal_likelihood_is_above_the_bound(model):
    bound, one = model.get_elbo(), model.get_marginal_ll(n_mc_samples=1)
    many = model.get_marginal_ll(n_mc_samples=300)
    assert list(many) == list(bound.index)
    for name, (elbo, kl) in bound[["elbo", "kl"]].iterrows():
        assert one[name] == pytest.approx(elbo, abs=kl + 1)
        assert many[name] > max(elbo, one[name])


def test_draws_look_like_the_data(model, mdata):
    for name, own in mdata.mod.items():
        drawn = model.posterior_predictive_sample(name, n_samples=400, batch_size=11)
        assert (drawn.shape, drawn.dtype) == ((*own.shape, 400), np.float32)
        expected = model.translate(name, name, n_samples=400).X
        error = drawn.std(axis=2).max() / 20
        np.testing.assert_allclose(drawn.mean(axis=2), expected, atol=6 * error)
    assert drawn.min() >= 0
    assert (drawn == drawn.round()).all()
    assert model.posterior_predictive_sample(PROTEIN, indices=[2, 2, 0]).shape == (3, 7)
    # the noise of a gaussian is one of scaled features
    drawn, spread = model.posterior_predictive_sample(RNA, n_samples=400), mdata.mod[RNA].X.std(0)
    assert (drawn.std(axis=2).mean(axis=0) > 0.9 * spread).all()


def _column(column, value):
    """Every second value of a column is another; with `None` there is no column."""

    def change(data):
        for adata in data.mod.values():
            if value is None:
                del adata.obs[column]
            else:
                adata.obs.loc[adata.obs_names[::2], column] = value

    return change


def _missing_run(data):
    data.mod[CPG].obs.loc[data.mod[CPG].obs_names[3], "run"] = None


#: What is done to data of a model that knows runs and sexes; what it says when they are decoded.
OF_A_NEW_BATCH = {
    "unknown batches": (_column("run", "next year"), "'next year'"),
    "no batch column": (_column("run", None), "'run'"),
    "no batch for one": (_missing_run, CPG),
    "unknown covariates": (_column("sex", "c"), "'c'"),
    "no covariate column": (_column("sex", None), "'sex'"),
}


@pytest.mark.parametrize("kind", OF_A_NEW_BATCH)
def test_data_of_a_new_batch_are_encoded_and_not_decoded(shifted, kind):
    """Encoders know of no batches; decoders learnt nothing of this one."""
    new = make_mudata({name: adata.copy() for name, adata in shifted.adata.mod.items()})
    # mudata 0.3 pulls columns up
    new.obs = new.obs[[]]
    change, says = OF_A_NEW_BATCH[kind]
    change(new)
    before = fingerprint(new)
    for modality in (None, RNA, CPG):
        np.testing.assert_array_equal(
            shifted.get_latent_representation(new, modality),
            shifted.get_latent_representation(modality=modality),
        )
    for options in ({}, {"transform_batch": "large"}):
        told = shifted.translate(RNA, CPG, new, **options)
        np.testing.assert_array_equal(told.X, shifted.translate(RNA, CPG, **options).X)
        pd.testing.assert_frame_equal(told.obs, new.mod[RNA].obs)
    np.testing.assert_array_equal(shifted.joint_embedding(new).X, shifted.joint_embedding().X)
    important = shifted.feature_importance(CPG, mdata=new)
    pd.testing.assert_frame_equal(important, shifted.feature_importance(CPG))
    for call in (lambda: shifted.reconstruct(CPG, new), lambda: shifted.get_elbo(new)):
        with pytest.raises((KeyError, ValueError), match="batch|covariate") as caught:
            call()
        assert says in str(caught.value)
    assert fingerprint(new) == before
    # what is not decoded needs no batch
    known = make_mudata({RNA: shifted.adata.mod[RNA].copy()})
    assert np.isfinite(shifted.reconstruct(RNA, known).X).all()


def test_write_latent_into_the_training_data(fit):
    data = make_mdata()
    model = fit(data)
    model.write_latent(key_added="X_other")
    assert list(data.obsm)[-1] == "X_other"
    np.testing.assert_array_equal(data.obsm["X_other"], model.get_latent_representation())
    own = model.get_latent_representation(modality=CPG)
    np.testing.assert_array_equal(data.mod[CPG].obsm["X_other"], own)
