"""Rows, features and storage: whatever the data look like, the same answer for the same values."""

from __future__ import annotations

from collections.abc import Callable

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from modis.data import _matrix
from modis.dataloaders import _dataset
from modis.model import _training

from .._make import fingerprint, make_mdata, make_modality, make_mudata

RNA, CPG, PROTEIN = "rna seq", "CpG-îlots", "a_protein"
MODALITIES = [None, RNA, CPG, PROTEIN]


def _changed(mdata: md.MuData, change: Callable[[ad.AnnData], ad.AnnData]) -> md.MuData:
    return make_mudata({name: change(adata).copy() for name, adata in mdata.mod.items()})


def _names(mdata: md.MuData, modality: str | None) -> pd.Index:
    return mdata.obs_names if modality is None else mdata.mod[modality].obs_names


def _frame(model, mdata: md.MuData, modality: str | None) -> pd.DataFrame:
    latent = model.get_latent_representation(mdata, modality)
    return pd.DataFrame(latent, index=_names(mdata, modality))


INDICES = {
    "some": [3, 1, 2],
    "repeated": [5, 5, 0, 5],
    "from the end": [-1, 0, -2],
    "one": [7],
    "array": np.arange(10)[::-1],
    "range": range(2, 6),
    "mask": None,
    "none": [],
    "empty array": np.array([], dtype=int),
}


# anndata's own word on rows that were asked for twice
@pytest.mark.filterwarnings("ignore:Observation names are not unique:UserWarning")
@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("kind", INDICES)
def test_indices(model, mdata, modality, kind):
    names, indices = _names(mdata, modality), INDICES[kind]
    if indices is None:
        indices = np.arange(len(names)) % 3 == 0
    rows = np.arange(len(names))[np.asarray(indices, dtype=None if len(indices) else int)]
    # other minibatches may round differently
    close = {"rtol": 1e-4, "atol": 1e-6}
    latent = model.get_latent_representation(modality=modality)
    some = model.get_latent_representation(modality=modality, indices=indices)
    assert some.dtype == np.float32
    np.testing.assert_allclose(some, latent[rows], **close)
    soft = model.predict(modality=modality, soft=True)
    pd.testing.assert_frame_equal(
        model.predict(modality=modality, soft=True, indices=indices), soft.iloc[rows], **close
    )
    hard = model.predict(modality=modality, indices=indices)
    assert list(hard.index) == list(names[rows])
    if modality is not None:
        translated = model.translate(modality, RNA, indices=indices)
        assert list(translated.obs_names) == list(names[rows])
        everything = model.translate(modality, RNA).X[rows]
        np.testing.assert_allclose(translated.X, everything, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_the_size_of_minibatches_does_not_matter(model, batch_size):
    for modality in MODALITIES:
        np.testing.assert_allclose(
            model.get_latent_representation(modality=modality, batch_size=batch_size),
            model.get_latent_representation(modality=modality),
            rtol=1e-4,
            atol=1e-6,
        )


@pytest.mark.parametrize("modality", MODALITIES)
def test_shuffled_observations_give_shuffled_rows(model, mdata, modality):
    rng = np.random.default_rng(1)
    shuffled = _changed(mdata, lambda adata: adata[rng.permutation(adata.n_obs)])
    expected = _frame(model, mdata, modality).loc[_names(shuffled, modality)]
    assert not expected.index.equals(_names(mdata, modality))
    pd.testing.assert_frame_equal(
        _frame(model, shuffled, modality), expected, rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("modality", MODALITIES)
def test_permuted_features_give_the_same_latents(model, mdata, modality):
    rng = np.random.default_rng(1)
    permuted = _changed(mdata, lambda adata: adata[:, rng.permutation(adata.n_vars)])
    assert list(permuted.mod[RNA].var_names) != list(mdata.mod[RNA].var_names)
    np.testing.assert_array_equal(
        model.get_latent_representation(permuted, modality),
        model.get_latent_representation(modality=modality),
    )
    translated = model.translate(RNA, CPG, permuted)
    assert list(translated.var_names) == list(mdata.mod[CPG].var_names)
    np.testing.assert_array_equal(translated.X, model.translate(RNA, CPG).X)


@pytest.mark.parametrize("values", [0, 0.5, np.nan])
def test_other_features_are_ignored_whatever_they_hold(model, mdata, values):
    def widen(adata: ad.AnnData) -> ad.AnnData:
        extra = adata.copy()
        extra.var_names = [f"other {name}" for name in adata.var_names]
        extra.X[:] = values
        return ad.concat([extra, adata], axis=1, merge="same")

    wide = _changed(mdata, widen)
    assert wide.mod[RNA].n_vars == 24
    np.testing.assert_array_equal(
        model.get_latent_representation(wide), model.get_latent_representation()
    )


@pytest.mark.parametrize("kept", [[RNA], [PROTEIN, CPG]])
def test_some_of_the_modalities_and_no_labels(model, mdata, kept):
    new = make_mudata({name: mdata.mod[name].copy() for name in kept})
    for adata in new.mod.values():
        del adata.obs["label"]
    before = fingerprint(new)
    for name in kept:
        np.testing.assert_array_equal(
            model.get_latent_representation(new, name),
            model.get_latent_representation(modality=name),
        )
        # into a modality that the data do not have
        pd.testing.assert_frame_equal(
            model.translate(name, RNA, new).to_df(), model.translate(name, RNA).to_df()
        )
    assert model.get_latent_representation(new).shape == (new.n_obs, 5)
    assert model.predict(new).index.equals(new.obs_names)
    embedding = model.joint_embedding(new)
    assert set(embedding.obs["modality"]) == set(kept)
    assert set(embedding.obs["label"]) == {"unknown"}
    assert set(model.get_elbo(new).index) == set(kept)
    assert fingerprint(new) == before


def test_an_observation_of_one_modality_is_encoded_from_it(model, mdata):
    combined = _frame(model, mdata, None)
    for name, (first, last) in {RNA: (0, 20), CPG: (80, 100)}.items():
        alone = [f"s{k}" for k in range(first, last)]
        expected = _frame(model, mdata, name).loc[alone]
        pd.testing.assert_frame_equal(combined.loc[alone], expected, rtol=1e-4, atol=1e-6)


def test_an_observation_of_several_modalities_weighs_them_by_precision(model, mdata):
    shared = [f"s{k}" for k in range(40, 60)]
    precision, weighted = 0.0, 0.0
    for name in (RNA, CPG, PROTEIN):
        x = torch.as_tensor(mdata.mod[name][shared].X)
        with torch.no_grad():
            qz = model.module.encode(name, x).qz
        own = 1 / qz.stddev.numpy().astype(float) ** 2
        precision, weighted = precision + own, weighted + own * qz.mean.numpy()
    combined = _frame(model, mdata, None).loc[shared]
    np.testing.assert_allclose(combined, weighted / precision, rtol=1e-4, atol=1e-6)


def test_an_observation_of_no_modality_is_missing(fit):
    data = make_mdata(("gaussian",) * 3)
    model = fit(data, modalities=[RNA, PROTEIN])
    only_cpg = [f"s{k}" for k in range(80, 100)]
    latent = _frame(model, data, None)
    assert latent.loc[only_cpg].isna().all(axis=None)
    assert latent.drop(only_cpg).notna().all(axis=None)
    assert model.predict().loc[only_cpg].isna().all()
    assert model.predict().drop(only_cpg).notna().all()
    assert model.predict(soft=True).loc[only_cpg].isna().all(axis=None)
    assert set(model.joint_embedding().obs["modality"]) == {RNA, PROTEIN}


# storage ---------------------------------------------------------------------------------------

STORED: dict[str, Callable[[np.ndarray], object]] = {
    "csr": sparse.csr_matrix,
    "csc": sparse.csc_matrix,
    "csr array": sparse.csr_array,
    "Fortran": np.asfortranarray,
    "float64": lambda X: X.astype(np.float64),
    "int": lambda X: X.astype(np.int64),
    "csr of int": lambda X: sparse.csr_matrix(X.astype(np.int32)),
}
COUNTS = ("nb", "gaussian")


def _counts() -> md.MuData:
    """Integers throughout, so that every way of storing holds the same values."""
    return make_mdata(("nb", "nb"))


def _fit_counts(fit, data: md.MuData, **setup):
    with pytest.warns(UserWarning, match=f"'{CPG}' holds whole numbers"):
        return fit(data, likelihood=dict(zip([RNA, CPG], COUNTS, strict=True)), **setup)


@pytest.fixture(scope="module")
def of_counts(fit):
    return _fit_counts(fit, _counts())


@pytest.mark.parametrize("stored", STORED)
def test_the_same_latents_however_new_data_are_stored(of_counts, stored):
    new = _counts()
    for adata in new.mod.values():
        adata.X = STORED[stored](adata.X)
    before = fingerprint(new)
    for modality in (None, RNA, CPG):
        np.testing.assert_array_equal(
            of_counts.get_latent_representation(new, modality),
            of_counts.get_latent_representation(modality=modality),
        )
    assert fingerprint(new) == before


@pytest.mark.parametrize("stored", STORED)
def test_the_same_model_however_training_data_are_stored(of_counts, fit, stored):
    data = _counts()
    for adata in data.mod.values():
        adata.X = STORED[stored](adata.X)
    before = fingerprint(data)
    model = _fit_counts(fit, data)
    np.testing.assert_array_equal(
        model.get_latent_representation(), of_counts.get_latent_representation()
    )
    assert fingerprint(data) == before


@pytest.mark.parametrize("stored", ["csr", "csc", "Fortran", "int"])
def test_backed_data(of_counts, fit, stored, tmp_path):
    data = _counts()
    for adata in data.mod.values():
        adata.X = STORED[stored](adata.X)
    data.write(tmp_path / "counts.h5mu")
    backed = md.read_h5mu(tmp_path / "counts.h5mu", backed="r")
    try:
        assert backed.isbacked
        latent = of_counts.get_latent_representation()
        np.testing.assert_array_equal(of_counts.get_latent_representation(backed), latent)
        np.testing.assert_array_equal(
            of_counts.get_latent_representation(backed, indices=[9, 0, 9]), latent[[9, 0, 9]]
        )
        model = _fit_counts(fit, backed)
        np.testing.assert_array_equal(model.get_latent_representation(), latent)
        assert backed.isbacked
    finally:
        backed.file.close()


def test_a_layer_instead_of_x(fit, of_counts):
    data = _counts()
    for adata in data.mod.values():
        adata.layers["counts"] = adata.X.copy()
    data.mod[RNA].X = None
    data.mod[CPG].layers["counts"] -= 1
    model = _fit_counts(fit, data, layer={RNA: "counts"})
    np.testing.assert_array_equal(
        model.get_latent_representation(), of_counts.get_latent_representation()
    )
    with pytest.raises(KeyError, match="'rna seq' has no layer 'counts'"):
        model.predict(make_mudata({RNA: make_modality(RNA, 0, 9, "nb")}))


def test_sparse_data_never_become_one_dense_matrix(fit, monkeypatch):
    """Every step, from setup to translation, makes no more rows dense than one piece has."""
    monkeypatch.setattr(_matrix, "_CHUNK_VALUES", 12 * 20)
    monkeypatch.setattr(_dataset, "_BATCH_SIZE", 16)
    monkeypatch.setattr(_training, "_PROJECTION_VALUES", 12 * 20)
    data, n_rows = _counts(), []
    for adata in data.mod.values():
        adata.X = sparse.csr_matrix(adata.X)
    to_dense = sparse.csr_matrix.toarray

    def toarray(self, *args, **kwargs):
        n_rows.append(self.shape[0])
        return to_dense(self, *args, **kwargs)

    monkeypatch.setattr(sparse.csr_matrix, "toarray", toarray)
    model = fit(data, likelihood="nb", model={"n_components": 4})
    model.predict()
    model.get_elbo()
    model.write_latent()
    model.translate(RNA, CPG)
    model.joint_embedding(data.copy())
    # the chunks of 9 features have 26 rows
    assert 16 <= max(n_rows) <= 26
