import numpy as np
import pytest
import scvi

from .._make import fingerprint

RNA, CPG = "rna seq", "CpG-îlots"


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
    told = {
        name: shifted.translate(RNA, CPG, transform_batch=name).X.mean()
        for name in ("small", "large", None)
    }
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


@pytest.mark.parametrize("name", ["other", "unheard of"])
def test_a_batch_that_the_target_does_not_have(shifted, model, name):
    message = rf"transform_batch='{name}'.*'{CPG}'.*\['large', 'small'\]"
    for call in (shifted.translate, lambda _, target, **kw: shifted.reconstruct(target, **kw)):
        with pytest.raises(KeyError, match=message):
            call(RNA, CPG, transform_batch=name)
    with pytest.raises(KeyError, match="knows no batches.*batch_key"):
        model.translate(RNA, CPG, transform_batch=name)
