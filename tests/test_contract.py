"""What every model must do, whatever its modalities, likelihoods and pairing."""

import itertools
import warnings
from types import SimpleNamespace
from typing import Any, NamedTuple

import mudata as md
import numpy as np
import pandas as pd
import pytest
import scvi
from anndata import AnnData

from modis import MODIS
from modis.module import LOSS_WEIGHTS
from modis.pl import palette

from ._make import N_VARS, fingerprint, make_mdata, quick_linear_models

CLASSES = ["Crohn's", "healthy", "ulcerative colitis"]
N_LATENT = 5
COUNTS = ("nb", "zinb", "poisson")
UNIT = ("beta", "bernoulli")


class Case(NamedTuple):
    """One kind of data, and of model."""

    likelihoods: tuple[str, ...]
    pairing: str
    kwargs: dict[str, Any] = {}
    linked: bool = False

    def __str__(self) -> str:
        words = [*self.likelihoods, self.pairing, *map(str, self.kwargs.values())]
        return "-".join([*words, *["linked"] * self.linked])


#: Every likelihood, pairing, architecture and option, together with several of the others.
CASES = [
    Case(("gaussian",), "unpaired"),
    Case(("nb",), "unpaired", {"n_layers": 0}),
    Case(("bernoulli", "zinb"), "mosaic", {"norm": "layer", "scaling": "minmax"}),
    Case(("gaussian_learned_variance", "nb", "gaussian"), "mosaic"),
    Case(("gaussian", "nb", "beta"), "paired", {"architecture": "paper"}),
    Case(("poisson", "zinb", "bernoulli"), "mosaic", {"adversarial": "relativistic"}),
    Case(("zinb", "bernoulli"), "paired", {"scaling": "none"}, linked=True),
    Case(("gaussian_learned_variance", "beta"), "unpaired", {"scaling": "minmax"}, linked=True),
    Case(("gaussian", "poisson", "beta"), "unpaired", {"architecture": "paper"}, linked=True),
    Case(("nb", "gaussian", "beta"), "mosaic", {"adversarial": "relativistic"}, linked=True),
    Case(("gaussian", "beta"), "unpaired", {"n_layers": 0, "norm": None}),
    Case(("zinb", "gaussian", "bernoulli"), "mosaic", {"n_layers": 0, "linear_models": False}),
    Case(("gaussian", "nb"), "paired", {"n_layers": 0, "scaling": "minmax"}, linked=True),
    Case(("gaussian", "poisson"), "mosaic", {"n_layers": 2}),
]


def _links(mdata: md.MuData) -> pd.DataFrame:
    """The k-th features of the first modality and of each other one belong together."""
    (first, source), *others = mdata.mod.items()
    ends = [
        (first, source.var_names[k], other, target.var_names[k], 1 - 2 * (k % 2))
        for other, target in others
        for k in range(6)
    ]
    columns = ["source_modality", "source_feature", "target_modality", "target_feature", "sign"]
    return pd.DataFrame(ends, columns=columns)


@pytest.fixture(scope="module", params=CASES, ids=str)
def trained(request) -> SimpleNamespace:
    """A case after training."""
    case = request.param
    mdata = make_mdata(case.likelihoods, case.pairing, CLASSES)
    before = fingerprint(mdata)
    scvi.settings.seed = 0
    likelihood = dict(zip(N_VARS, case.likelihoods, strict=False))
    MODIS.setup_mudata(mdata, labels_key="label", likelihood=likelihood)
    links = {"feature_links": _links(mdata)} if case.linked else {}
    model = MODIS(mdata, **{"n_latent": N_LATENT, "n_hidden": 8} | case.kwargs | links)
    with warnings.catch_warnings(), quick_linear_models():
        # random data agree with no links
        warnings.filterwarnings("ignore", "The feature links between", UserWarning)
        model.train(max_epochs=2, batch_size=16, accelerator="cpu", enable_progress_bar=False)
    return SimpleNamespace(mdata=mdata, model=model, before=before, likelihood=likelihood)


def test_latent(trained):
    model, mdata = trained.model, trained.mdata
    combined = model.get_latent_representation()
    assert combined.shape == (mdata.n_obs, N_LATENT)
    assert combined.dtype == np.float32
    assert np.isfinite(combined).all()
    by_name = pd.DataFrame(combined, index=mdata.obs_names)
    seen_in = sum(mdata.obs_names.isin(adata.obs_names) for adata in mdata.mod.values())
    for name, adata in mdata.mod.items():
        own = model.get_latent_representation(modality=name)
        assert own.shape == (adata.n_obs, N_LATENT)
        assert own.dtype == np.float32
        assert len(np.unique(own, axis=0)) > 1
        alone = adata.obs_names.isin(mdata.obs_names[seen_in == 1])
        expected = by_name.loc[adata.obs_names[alone]]
        np.testing.assert_allclose(own[alone], expected, rtol=1e-4, atol=1e-6)


def test_predict(trained):
    model, mdata = trained.model, trained.mdata
    for modality in (None, *trained.likelihood):
        index = mdata.obs_names if modality is None else mdata.mod[modality].obs_names
        soft = model.predict(modality=modality, soft=True)
        hard = model.predict(modality=modality)
        assert soft.index.equals(index)
        assert hard.index.equals(index)
        assert list(soft.columns) == CLASSES
        assert list(hard.cat.categories) == CLASSES
        assert ((soft >= 0) & (soft <= 1)).all(axis=None)
        np.testing.assert_allclose(soft.sum(axis=1), 1, rtol=1e-5)
        assert (hard.astype(str) == soft.idxmax(axis=1)).all()


def test_translate_all_pairs(trained):
    model, mdata = trained.model, trained.mdata
    for source, target in itertools.product(trained.likelihood, repeat=2):
        translated = model.translate(source, target)
        assert isinstance(translated, AnnData)
        pd.testing.assert_frame_equal(translated.obs, mdata.mod[source].obs)
        pd.testing.assert_frame_equal(translated.var, mdata.mod[target].var)
        values = translated.X
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
        if trained.likelihood[target] in COUNTS:
            assert (values >= 0).all()
        if trained.likelihood[target] in UNIT:
            assert ((values >= 0) & (values <= 1)).all()
        if source == target:
            np.testing.assert_array_equal(model.reconstruct(target).X, values)


def test_counts_keep_their_depth(trained):
    for modality, likelihood in trained.likelihood.items():
        if likelihood not in COUNTS:
            continue
        own = trained.model.reconstruct(modality).X.sum(axis=1)
        counts = trained.mdata.mod[modality].X.sum(axis=1)
        if likelihood == "zinb":
            # excess zeros take their share of the mean
            assert (own < counts).all()
            continue
        np.testing.assert_allclose(own, counts, rtol=1e-3)
        for source in set(trained.likelihood) - {modality}:
            told = trained.model.translate(source, modality).X.sum(axis=1)
            np.testing.assert_allclose(told, told[0], rtol=1e-3)
            assert counts.min() <= told[0] <= counts.max()


def test_elbo_adds_up(trained):
    elbo = trained.model.get_elbo()
    assert list(elbo.index) == list(trained.likelihood)
    assert list(elbo.columns) == ["elbo", "kl", "reconstruction"]
    assert (elbo["kl"] > 0).all()
    for modality, (total, kl, reconstruction) in elbo.iterrows():
        n_vars = trained.mdata.mod[modality].n_vars
        log_likelihood = -n_vars * reconstruction
        if trained.likelihood[modality] == "gaussian":
            # the loss of a gaussian is the mean squared error
            log_likelihood = -n_vars * (np.log(2 * np.pi) + reconstruction) / 2
        assert total == pytest.approx(log_likelihood - kl, rel=1e-4)
        # a probability of something discrete is at most 1
        if trained.likelihood[modality] in (*COUNTS, "bernoulli"):
            assert total <= 0


def test_joint_embedding(trained):
    embedding = trained.model.joint_embedding()
    mods = trained.mdata.mod
    own_columns = ["observation", "modality", "label", "predicted", "probability"]
    others = dict.fromkeys(name for m in mods.values() for name in m.obs if name != "label")
    assert list(embedding.obs.columns) == [*own_columns, *others]
    assert list(embedding.obs["modality"]) == [m for m in mods for _ in range(mods[m].n_obs)]
    assert list(embedding.obs["observation"]) == [n for m in mods.values() for n in m.obs_names]
    assert list(embedding.obs["label"]) == [x for m in mods.values() for x in m.obs["label"]]
    assert embedding.obs_names.is_unique
    own = [trained.model.get_latent_representation(modality=name) for name in mods]
    np.testing.assert_array_equal(embedding.obsm["X_modis"], np.concatenate(own))
    np.testing.assert_array_equal(embedding.X, np.concatenate(own))
    predicted = [trained.model.predict(modality=name).astype(str) for name in mods]
    assert list(embedding.obs["predicted"]) == list(pd.concat(predicted))
    soft = [trained.model.predict(modality=name, soft=True).max(axis=1) for name in mods]
    np.testing.assert_array_equal(embedding.obs["probability"], np.concatenate(soft))
    colors = {"label": palette(CLASSES), "predicted": palette(CLASSES)}
    colors["modality"] = palette(mods, "modality")
    for key, by_name in colors.items():
        assert embedding.uns[f"{key}_colors"] == [
            by_name[n] for n in embedding.obs[key].cat.categories
        ]


def test_history(trained):
    """Which terms there are, the lock tells."""
    history = trained.model.history
    logged = {name.removesuffix("_train") for name in history if name.endswith("_train")}
    # every term that is logged has a weight of the same name
    assert {name.removeprefix("discriminator_") for name in logged} <= {"loss", *LOSS_WEIGHTS}
    validated = any(name.endswith("_validation") for name in history)
    assert validated is (trained.model.preset.train_size < 1)
    for name, values in history.items():
        assert isinstance(values, pd.DataFrame), name
        assert np.isfinite(values.astype(float)).all(axis=None), name
        assert len(values) == (2 if name.endswith("_train") else len(values)) > 0, name


def test_save_and_load(trained, tmp_path):
    model, mdata = trained.model, trained.mdata
    first, *_, last = [*trained.likelihood] * 2
    model.save(tmp_path / "model")
    for stored, given in ((mdata.copy(), None), (False, mdata)):
        loaded = MODIS.load(tmp_path / "model", stored)
        assert loaded.is_trained
        assert repr(loaded) == repr(model)
        for modality in (None, *trained.likelihood):
            np.testing.assert_array_equal(
                loaded.get_latent_representation(given, modality),
                model.get_latent_representation(modality=modality),
            )
        again = loaded.translate(first, last, given)
        np.testing.assert_array_equal(again.X, model.translate(first, last).X)
        for name, values in model.history.items():
            pd.testing.assert_frame_equal(loaded.history[name], values)


def test_the_data_are_left_as_they_were(trained):
    model, modalities = trained.model, list(trained.likelihood)
    for call in (model.predict, model.joint_embedding, model.get_elbo):
        call()
    model.translate(modalities[0], modalities[-1])
    assert fingerprint(trained.mdata) == trained.before
