from unittest import mock

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from modis.data import FeatureMatrix, _matrix
from modis.dataloaders import _dataset
from modis.model import _base, _linear_maps, _trust, _values

from .._make import CPG, PROTEIN, RNA, fingerprint, make_mdata, make_mudata

pytestmark = pytest.mark.usefixtures("quick")

#: Other minibatches may round differently.
CLOSE = {"rtol": 1e-4, "atol": 1e-6}


def _names(mdata, modality):
    return mdata.obs_names if modality is None else mdata.mod[modality].obs_names


def _frame(model, mdata, modality):
    latent = model.get_latent_representation(mdata, modality)
    return pd.DataFrame(latent, index=_names(mdata, modality))


def test_names_of_scvi_tools(model, capsys):
    """Those that cannot work here are not offered, and the view of the set-up works."""
    absent = {"convert_legacy_save", "view_registry"}
    absent |= {"differential_abundance", "get_normalized_expression"}
    assert not absent & set(dir(model))
    assert {"predict", "train", "history", "module"} <= set(dir(model))
    model.view_anndata_setup()
    assert RNA in capsys.readouterr().out


def test_training_data_are_read_once(build, monkeypatch):
    read = mock.Mock(wraps=_base.read_registered)
    matrix = mock.create_autospec(FeatureMatrix.__init__, side_effect=FeatureMatrix.__init__)
    monkeypatch.setattr(_base, "read_registered", read)
    monkeypatch.setattr(FeatureMatrix, "__init__", matrix)
    data = make_mdata()
    model = build(data)
    # the set-up reads as well, and keeps nothing
    matrix.reset_mock()
    model.train(max_epochs=1, accelerator="cpu", enable_progress_bar=False)
    for _ in range(2):
        model.predict()
        model.predict(data, RNA)
    model.translate(RNA, CPG)
    model.get_elbo()
    # a matrix of each modality, and one that is checked when the training starts
    assert (read.call_count, matrix.call_count) == (1, 4)
    other = data.mod[RNA].X[:, ::-1].copy()
    before = model.get_latent_representation(modality=RNA)
    data.mod[RNA].X = other
    assert not np.allclose(model.get_latent_representation(modality=RNA), before)


INDICES = {
    "repeated": [5, 5, 0, 5],
    "from the end": np.array([-1, 0, -2]),
    "range": range(2, 6),
    "mask": None,
    "none": [],
}


# anndata's own word on rows that were asked for twice
@pytest.mark.filterwarnings("ignore:Observation names are not unique:UserWarning")
@pytest.mark.parametrize("kind", INDICES)
def test_indices(model, mdata, kind, monkeypatch):
    for modality in (None, RNA):
        names, indices = _names(mdata, modality), INDICES[kind]
        if indices is None:
            indices = np.arange(len(names)) % 3 == 0
        rows = np.arange(len(names))[np.asarray(indices, dtype=None if len(indices) else int)]
        wanted = {"modality": modality, "indices": indices}
        latent = model.get_latent_representation(modality=modality)
        with monkeypatch.context() as patch:
            patch.setattr("modis.model._base._ROWS_AT_ONCE", 2)
            some = model.get_latent_representation(**wanted, batch_size=3)
        assert some.dtype == np.float32
        np.testing.assert_allclose(some, latent[rows], **CLOSE)
        soft = model.predict(modality=modality, soft=True)
        pd.testing.assert_frame_equal(model.predict(soft=True, **wanted), soft.iloc[rows], **CLOSE)
        assert list(model.predict(**wanted).index) == list(names[rows])
    translated = model.translate(RNA, CPG, indices=indices)
    assert list(translated.obs_names) == list(names[rows])
    everything = model.translate(RNA, CPG).X[rows]
    np.testing.assert_allclose(translated.X, everything, rtol=1e-3, atol=1e-5)


def test_rows_and_features_are_matched_by_name(model, mdata):
    """In another order, and among features that are not the model's, whatever these hold."""
    rng, mods = np.random.default_rng(1), {}
    for name, adata in mdata.mod.items():
        extra = adata.copy()
        extra.var_names = [f"other {feature}" for feature in adata.var_names]
        extra.X[:] = np.nan
        wide = ad.concat([extra, adata], axis=1, merge="same")
        mods[name] = wide[rng.permutation(wide.n_obs), rng.permutation(wide.n_vars)].copy()
    new = make_mudata(mods)
    for modality in (None, *mdata.mod):
        expected = _frame(model, mdata, modality).loc[_names(new, modality)]
        assert not expected.index.equals(_names(mdata, modality))
        pd.testing.assert_frame_equal(_frame(model, new, modality), expected, **CLOSE)
    translated = model.translate(RNA, CPG, new).to_df()
    assert list(translated.columns) == list(mdata.mod[CPG].var_names)
    expected = model.translate(RNA, CPG).to_df().loc[translated.index]
    pd.testing.assert_frame_equal(translated, expected, rtol=1e-3, atol=1e-5)


def test_some_of_the_modalities_and_no_labels(model, mdata):
    kept = [PROTEIN, CPG]
    new = make_mudata({name: mdata.mod[name].copy() for name in kept})
    for adata in new.mod.values():
        del adata.obs["label"]
    before = fingerprint(new)
    # into a modality that the data do not have
    for name in kept:
        told = model.translate(name, RNA, new).to_df()
        pd.testing.assert_frame_equal(told, model.translate(name, RNA).to_df())
    assert model.predict(new).index.equals(new.obs_names)
    embedding = model.joint_embedding(new)
    assert set(embedding.obs["modality"]) == set(kept)
    assert set(embedding.obs["label"]) == {"unknown"}
    assert set(model.get_elbo(new).index) == set(kept)
    assert fingerprint(new) == before


def test_an_observation_of_no_modality_is_missing(fit):
    data = make_mdata(("gaussian",) * 3)
    model = fit(data, modalities=[RNA, PROTEIN])
    only_cpg = [f"s{k}" for k in range(80, 100)]
    for found in (_frame(model, data, None), model.predict(soft=True), model.predict().to_frame()):
        assert found.loc[only_cpg].isna().all(axis=None)
        assert found.drop(only_cpg).notna().all(axis=None)
    assert set(model.joint_embedding().obs["modality"]) == {RNA, PROTEIN}


def test_the_same_however_data_are_stored(fit, tmp_path):
    """Integers throughout, so that every way of storing holds the same values."""

    def train(data):
        with pytest.warns(UserWarning, match=f"'{CPG}' holds whole numbers"):
            return fit(data, likelihood={RNA: "nb", CPG: "gaussian"})

    model = train(make_mdata(("nb", "nb")))
    latent = model.get_latent_representation()
    stored = make_mdata(("nb", "nb"))
    stored.mod[RNA].X = sparse.csc_matrix(stored.mod[RNA].X.astype(np.int32))
    stored.mod[CPG].X = np.asfortranarray(stored.mod[CPG].X, dtype=np.float64)
    stored.write(tmp_path / "counts.h5mu")
    before = fingerprint(stored)
    backed = md.read_h5mu(tmp_path / "counts.h5mu", backed="r")
    try:
        for data in (stored, backed):
            np.testing.assert_array_equal(model.get_latent_representation(data), latent)
            some = model.get_latent_representation(data, indices=[9, 0, 9])
            np.testing.assert_allclose(some, latent[[9, 0, 9]], **CLOSE)
            np.testing.assert_array_equal(train(data).get_latent_representation(), latent)
        assert backed.isbacked
    finally:
        backed.file.close()
    assert fingerprint(stored) == before


def test_sparse_data_never_become_one_dense_matrix(fit, monkeypatch):
    """Every step, from setup to translation, makes no more rows dense than one piece has."""
    monkeypatch.setattr(_matrix, "_CHUNK_VALUES", 12 * 20)
    monkeypatch.setattr(_dataset, "_BATCH_SIZE", 16)
    for room in (_linear_maps, _trust, _values):
        monkeypatch.setattr(room, "MOST_VALUES", 12 * 20)
    n_rows, to_dense = [], sparse.csr_matrix.toarray

    def toarray(self, *args, **kwargs):
        n_rows.append(self.shape[0])
        return to_dense(self, *args, **kwargs)

    monkeypatch.setattr(sparse.csr_matrix, "toarray", toarray)
    data = make_mdata(("nb", "nb"))
    for adata in data.mod.values():
        adata.X = sparse.csr_matrix(adata.X)
    model = fit(data, likelihood="nb")
    model.predict()
    model.get_elbo()
    model.write_latent()
    model.translate(RNA, CPG)
    model.joint_embedding(data.copy())
    # the chunks of 9 features have 26 rows
    assert 16 <= max(n_rows) <= 26
