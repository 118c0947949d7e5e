import logging

import numpy as np
import pytest

from modis import MODIS
from modis.pl import palette

from .._make import CPG, RNA, make_mdata, make_mudata
from ._made import BRIEFLY


@pytest.fixture
def three():
    """Classes a, b and c of which the model is taught c later."""
    return make_mdata(pairing="paired", classes=["a", "b", "c"])


def _of(mdata, *classes, modalities=(RNA, CPG)):
    return make_mudata(
        {n: mdata.mod[n][mdata.mod[n].obs["label"].isin(classes)].copy() for n in modalities}
    )


@pytest.fixture
def trained(fit, three):
    return fit(_of(three, "a", "b"), train={"max_epochs": 20})


def test_a_class_of_five_samples(trained, three, tmp_path, caplog):
    before = trained.predict(three, soft=True)
    latent = trained.get_latent_representation(three)
    trained.add_class("c", _of(three, "c")[:5].copy())
    after = trained.predict(three, soft=True)
    assert list(after) == ["a", "b", "c"]
    np.testing.assert_allclose(after.sum(axis=1), 1, rtol=1e-5)
    truth = three.mod[RNA].obs["label"]
    assert (trained.predict(three) == truth)[truth == "c"].mean() > 0.8
    # of the others, each keeps its class, and its share of what is left
    known = truth != "c"
    assert (after.loc[known, "c"] < 0.5).mean() > 0.9
    np.testing.assert_allclose(after["a"] * before["b"], after["b"] * before["a"], atol=1e-6)
    np.testing.assert_array_equal(trained.get_latent_representation(three), latent)
    new = three.copy()
    for adata in new.mod.values():
        del adata.obs["label"]
    embedding = trained.joint_embedding(new)
    assert "c" in set(embedding.obs["predicted"])
    assert embedding.uns["predicted_colors"] == list(palette("abc").values())
    with caplog.at_level(logging.INFO, "scvi.modis"):
        assert list(trained.predict_set(three)) == ["a", "b"]
    assert "Sets do not contain the added classes ['c']" in caplog.text
    trained.save(tmp_path / "model")
    assert MODIS.load(tmp_path / "model", False).predict(three, soft=True).equals(after)


def test_a_modality_without_the_class_does_not_tell_of_it(trained, three):
    trained.add_class("c", _of(three, "c", modalities=[RNA]))
    assert (trained.predict(three, modality=CPG, soft=True)["c"] == 0).all()
    assert (trained.predict(three, modality=RNA) == "c").any()
    trained.add_class("d", _of(three, "c"))
    assert list(trained.predict(three, soft=True)) == ["a", "b", "c", "d"]
    # another training forgets both
    trained.train(**BRIEFLY)
    assert list(trained.predict(three, soft=True)) == ["a", "b"]


def test_what_cannot_be_added(trained, networks, three):
    with pytest.raises(TypeError, match="must be text"):
        trained.add_class(3, three)
    with pytest.raises(ValueError, match="has it already"):
        trained.add_class("a", three)
    with pytest.raises(ValueError, match="no modality with linear models"):
        networks.add_class("d", networks.adata.copy())
