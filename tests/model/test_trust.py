import logging

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from .._make import CPG, RNA, fingerprint, make_mdata, make_mudata


@pytest.fixture(scope="module")
def trained(fit):
    return fit(make_mdata(pairing="paired", classes=["a", "b"]))


@pytest.fixture(scope="module")
def new():
    """Other samples of the same classes, and missing values."""
    mdata = make_mdata(pairing="paired", classes=["a", "b"])
    rng = np.random.default_rng(5)
    for adata in mdata.mod.values():
        adata.X += rng.normal(size=adata.shape, scale=0.1).astype(np.float32)
        adata.X[rng.random(adata.shape) < 0.1] = np.nan
    return mdata


def overlapping(n, seed):
    """Classes that nobody can always tell."""
    centers, rng, codes = np.random.default_rng(0), np.random.default_rng(seed), np.arange(n) % 3
    modalities = {}
    for name, n_features in (("rna", 70), ("protein", 60)):
        x = (0.2 * centers.normal(size=(3, n_features)))[codes]
        adata = ad.AnnData((x + rng.normal(size=x.shape)).astype(np.float32))
        adata.obs_names = [f"{name} {k}" for k in range(n)]
        adata.var_names = [f"{name} feature {k}" for k in range(n_features)]
        adata.obs["label"] = np.array(["a", "b", "c"])[codes]
        modalities[name] = adata
    return make_mudata(modalities)


def test_small_cohorts_get_probabilities_that_hold(build):
    """Over two cohorts and their modalities: each alone has few rows to learn its surety from."""
    new, sure, right = overlapping(900, seed=2), [], []
    for seed in (3, 4):
        model = build(overlapping(90, seed=seed), {"n_latent": 32})
        model.train(accelerator="cpu", enable_progress_bar=False, max_epochs=30)
        for name, adata in new.mod.items():
            probability = model.predict(new, modality=name, soft=True)
            hits = probability.idxmax(axis=1).to_numpy() == adata.obs["label"].to_numpy()
            right.append(hits.mean())
            sure.append(probability.max(axis=1).mean())
    assert 0.5 < min(right) < max(right) < 0.9
    assert np.mean(sure) == pytest.approx(np.mean(right), abs=0.08)
    assert np.abs(np.subtract(sure, right)).max() < 0.16


def test_missing_values_are_taken_and_filled(fit, new):
    before = fingerprint(new)
    model = fit(new)
    assert fingerprint(new) == before
    latent = model.get_latent_representation()
    assert np.isfinite(latent).all()
    assert np.isfinite(model.get_elbo()).all(axis=None)
    filled = model.impute(RNA)
    missing = np.isnan(new.mod[RNA].X)
    assert (filled.layers["missing"] == missing).all()
    np.testing.assert_array_equal(filled.X[~missing], new.mod[RNA].X[~missing])
    # of training values no others than those that are there
    mean = np.nanmean(new.mod[RNA].X, axis=0)
    assert not np.allclose(filled.X[missing], np.broadcast_to(mean, missing.shape)[missing])


def test_features_that_lack_are_filled_and_told(trained, new):
    some = make_mudata({RNA: new.mod[RNA][:, 4:].copy()})
    with pytest.warns(UserWarning, match=f"'{RNA}' lacks 4 of the 12 features.*'r0'"):
        said = trained.predict(some, modality=RNA)
    assert said.notna().all()


def test_novelty(trained, new):
    p_values = trained.novelty(new)
    assert list(p_values) == [RNA, CPG, "all"]
    assert (p_values.index == new.obs_names).all()
    assert p_values.gt(0).all(axis=None)
    assert trained.novelty(new, modality=RNA, indices=[3, 1]).index.tolist() == ["s3", "s1"]
    strange = new.copy()
    strange.mod[RNA].X = 30 + strange.mod[RNA].X
    with pytest.warns(UserWarning, match=f"'{RNA}' does not look like.*Check units"):
        found = trained.novelty(strange)
    assert (found[RNA] <= 1 / 15).all()
    assert found[CPG].equals(p_values[CPG])
    with pytest.warns(UserWarning, match="does not look like") as caught:
        said = trained.predict(strange, modality=RNA, reject=0.1)
    assert len(caught) == 1
    assert (said == "unknown").all()
    assert not (trained.predict(new, reject=0.001) == "unknown").any()
    for bad in (2, "0.05"):
        with pytest.raises(ValueError, match=r"reject=.* must be between 0 and 1"):
            trained.predict(new, reject=bad)


def test_check_query(trained, new):
    assert trained.check_query(new).empty
    logged = new.copy()
    logged.mod[CPG].X = 100 * logged.mod[CPG].X
    found = trained.check_query(logged)
    assert set(found["modality"]) == {CPG}
    assert set(found["advice"]) == {"x / 100"}


@pytest.mark.parametrize("modality", [RNA, None])
def test_sets_keep_their_promise(trained, new, modality, caplog):
    truth = new.mod[RNA].obs["label"]
    sizes = []
    for coverage in (0.5, 0.8):
        sets = trained.predict_set(new, modality, coverage)
        assert list(sets) == ["a", "b"]
        covered = sets.to_numpy()[np.arange(len(sets)), sets.columns.get_indexer(truth)]
        assert covered.mean() >= coverage - 0.15
        sizes.append(sets.sum(axis=1).mean())
    assert sizes[0] <= sizes[1]
    # sixteen samples of a class do not allow more than 16 / 17
    with caplog.at_level(logging.INFO, logger="scvi.modis"):
        assert trained.predict_set(new, modality, 0.95).all(axis=None)
    assert "too few samples tell at a coverage of 0.95: a, b" in caplog.text
    assert not trained.predict_set(new, modality, 0.95, per_class=False).all(axis=None)


def test_what_cannot_be_told(fit, networks, trained, new):
    for bad in (1.5, "0.9"):
        with pytest.raises(ValueError, match=r"coverage=.* must be between 0 and 1"):
            trained.predict_set(new, coverage=bad)
    for model in (networks, fit(make_mdata(), labels_key=None)):
        with pytest.raises(ValueError, match="no calibrated classes"):
            model.predict_set()
    assert networks.novelty().isna().all(axis=None)
    assert fit(make_mdata(), labels_key=None).novelty().notna().any(axis=None)
    # nine of ten train, too few to say which values are usual
    few = make_mudata({name: adata[:10].copy() for name, adata in new.mod.items()})
    assert fit(few, train={"train_size": 0.8}).novelty(few.copy()).notna().all(axis=None)


def test_modalities_that_tell_nothing_weigh_little_in_the_combined_alarm(fit):
    rng = np.random.default_rng(3)
    codes = np.arange(600) % 4
    x = {RNA: 4 * np.eye(4, 12)[codes], CPG: np.zeros((600, 9))}
    obs = pd.DataFrame({"label": np.array(list("abcd"))[codes]}, [f"s{k}" for k in range(600)])
    adatas = {}
    for name, own in x.items():
        var = pd.DataFrame(index=[f"{name} {k}" for k in range(own.shape[1])])
        values = (own + rng.normal(size=own.shape)).astype(np.float32)
        adatas[name] = ad.AnnData(values, obs, var)
    known = np.flatnonzero(codes < 3)
    model = fit(make_mudata({k: own[known[:200]].copy() for k, own in adatas.items()}))
    whole = make_mudata(adatas)
    found = model.novelty(whole)["all"].to_numpy()
    worth = [float(model.module.linear[f"worth_{code}"]) for code in (0, 1)]
    assert worth[0] > 10 * worth[1]
    # a class that it does not know, and genuine samples that it has not seen
    assert (found[codes == 3] <= 0.05).mean() > 0.9
    assert 0.01 < (found[known[200:]] <= 0.05).mean() < 0.1
    assert found.min() >= np.float32(1 / 201)
