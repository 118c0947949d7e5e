import numpy as np
import pandas as pd
import pytest
import scvi

from modis import MODIS

from .._make import CPG, RNA, fingerprint, make_mdata

pytestmark = pytest.mark.usefixtures("quick")


def test_networks_average_draws(networks):
    model, exact = networks, networks.translate(RNA, CPG).X
    scvi.settings.seed = 1
    assert not np.array_equal(model.translate(RNA, CPG, n_samples=2).X, exact)
    few = np.stack([model.translate(RNA, CPG, n_samples=2).X for _ in range(50)])
    many = np.stack([model.translate(RNA, CPG, n_samples=32).X for _ in range(50)])
    # 16 times as many draws, a quarter of the spread
    assert many.std(axis=0).mean() == pytest.approx(few.std(axis=0).mean() / 4, rel=0.1)
    np.testing.assert_allclose(few.mean(axis=0), many.mean(axis=0), atol=0.05)


def test_translations_are_the_users(model, mdata, tmp_path):
    translated = model.translate(RNA, CPG, indices=[4, 2])
    assert translated.uns["modis"] == {"source": RNA, "target": CPG}
    assert list(translated.obs["label"]) == list(mdata.mod[RNA].obs["label"].iloc[[4, 2]])
    translated.write(tmp_path / "translated.h5ad")
    before = fingerprint(mdata)
    translated.obs["label"] = "changed"
    translated.var["rank"] = -1
    translated.X[:] = 0
    assert fingerprint(mdata) == before


def test_translation_into_a_chosen_batch(shifted):
    translate = lambda name: shifted.translate(RNA, CPG, transform_batch=name).X.mean()
    told = {name: translate(name) for name in ("small", "large", None)}
    assert told["small"] - told["large"] > 10
    # the largest batch by default, and the most frequent category of the covariate
    assert told[None] == told["large"]
    (_, counts) = shifted.condition_counts_[CPG]
    assert counts[1] > counts[0]
    own = shifted.reconstruct(CPG, transform_batch="large")
    assert abs(told[None] - own.X[(own.obs["sex"] == "b").to_numpy()].mean()) < 10


def test_reconstruction_as_if_of_one_batch(shifted):
    own = shifted.reconstruct(CPG)
    as_large = shifted.reconstruct(CPG, transform_batch="large")
    is_large = (own.obs["run"] == "large").to_numpy()
    np.testing.assert_array_equal(own.X[is_large], as_large.X[is_large])
    assert (own.X - as_large.X)[~is_large].mean() > 10
    # the covariate stays the observation's own
    by_sex = as_large.to_df().groupby(own.obs["sex"].to_numpy()).mean().mean(axis=1)
    assert by_sex["b"] - by_sex["a"] > 20


def test_numbers_are_conditions(fit, tmp_path):
    """Of the dose, 30 a deviation in every feature of one modality, alone or beside a category."""
    data = make_mdata(pairing="unpaired")
    rng = np.random.default_rng(0)
    for adata in data.mod.values():
        adata.obs["dose"] = 100 + 10 * rng.normal(size=adata.n_obs)
        adata.obs["sex"] = np.where(np.arange(adata.n_obs) % 2, "a", "b")
    dose = data.mod[CPG].obs["dose"].to_numpy()
    data.mod[CPG].X += 3 * (dose - 100)[:, None].astype(np.float32)
    train = {"max_epochs": 80, "train_size": 1.0, "plan_kwargs": {"lr": 0.005}}
    options = {"continuous_covariate_keys": ["dose"], "categorical_covariate_keys": ["sex"]}
    aware = fit(data, **options, train=train)
    decoded = aware.reconstruct(CPG).X.mean(axis=1)
    assert np.polyfit(dose, decoded, 1)[0] == pytest.approx(3, abs=0.6)
    # at the mean dose of all
    translated, mean = aware.translate(RNA, CPG).X, np.mean([*data.mod[RNA].obs["dose"], *dose])
    assert translated.mean() == pytest.approx(3 * (mean - 100), abs=6)
    aware.save(tmp_path / "model")
    again = MODIS.load(tmp_path / "model", data.copy())
    np.testing.assert_allclose(again.reconstruct(CPG).X, aware.reconstruct(CPG).X, rtol=1e-4)
    again.view_anndata_setup()
    new = data.copy()
    new.mod[CPG].obs["dose"] += 20
    higher = MODIS.load(tmp_path / "model", False).reconstruct(CPG, new).X.mean(axis=1)
    assert (higher - decoded).mean() > 20
    new.mod[CPG].obs.iloc[3, new.mod[CPG].obs.columns.get_loc("dose")] = np.nan
    with pytest.raises(ValueError, match=f"'{CPG}' has 1 .*without a number in column 'dose'.*'s"):
        aware.reconstruct(CPG, new)
    # encoders do not need it
    pd.testing.assert_series_equal(aware.predict(new), aware.predict())


@pytest.mark.parametrize("name", ["other", "unheard of"])
def test_a_batch_that_the_target_does_not_have(shifted, model, name):
    message = rf"transform_batch='{name}'.*'{CPG}'.*\['large', 'small'\]"
    for call in (shifted.translate, lambda _, target, **kw: shifted.reconstruct(target, **kw)):
        with pytest.raises(KeyError, match=message):
            call(RNA, CPG, transform_batch=name)
    with pytest.raises(KeyError, match="has no batches.*batch_key"):
        model.translate(RNA, CPG, transform_batch=name)
