from __future__ import annotations

import anndata as ad
import numpy as np
import pytest

from modis import MODIS
from modis.data import DataSpec, read_new, read_registered

from .._make import fingerprint, make_mdata, make_mudata

RNA, CPG, PROTEIN = "rna seq", "CpG-îlots", "a_protein"


def _registered(**setup):
    mdata = make_mdata(("gaussian",) * 3, classes=["b", "a", "c"])
    for k, adata in enumerate(mdata.mod.values()):
        adata.obs["donor"] = np.where(np.arange(adata.n_obs) % 2, "d1", f"d{k}")
    MODIS.setup_mudata(mdata, **({"labels_key": "label"} | setup))
    model = MODIS(mdata, n_latent=2, n_hidden=4)
    return mdata, DataSpec.from_registry(model.adata_manager.registry)


def test_one_vocabulary_for_all_modalities():
    mdata, spec = _registered(batch_key="donor")
    before = fingerprint(mdata)
    data = read_registered(mdata, spec)
    assert list(data) == [RNA, CPG, PROTEIN]
    assert spec.classes == ["a", "b", "c"]
    assert spec.batches == ["d0", "d1", "d2"]
    for name, item in data.items():
        adata = mdata.mod[name]
        assert (item.name, item.n_obs) == (name, adata.n_obs)
        assert item.obs_names.equals(adata.obs_names)
        assert [spec.classes[code] for code in item.labels] == list(adata.obs["label"])
        assert [spec.batches[code] for code in item.batch[:, 0]] == list(adata.obs["donor"])
        np.testing.assert_array_equal(item.matrix.rows(slice(0, adata.n_obs)), adata.X)
    assert fingerprint(mdata) == before


def test_labels_are_read_as_they_are_now():
    mdata, spec = _registered()
    mdata.mod[CPG].obs["label"] = "unknown"
    data = read_registered(mdata, spec)
    assert (data[CPG].labels == -1).all()
    assert (data[RNA].labels >= 0).all()


def test_labels_are_counted_by_class():
    mdata, spec = _registered()
    mdata.mod[RNA].obs.loc[mdata.mod[RNA].obs_names[:7], "label"] = "unknown"
    data = read_registered(mdata, spec)
    for name, item in data.items():
        labels = mdata.mod[name].obs["label"]
        assert item.label_counts(3).tolist() == [(labels == c).sum() for c in "abc"]
        chosen = np.arange(3, item.n_obs, 4)
        expected = [(labels.iloc[chosen] == c).sum() for c in "abc"]
        assert item.label_counts(3, chosen).tolist() == expected
    # also of classes that nobody has
    assert data[CPG].label_counts(5).tolist()[3:] == [0, 0]
    assert data[CPG].label_counts(3, np.array([], dtype=int)).tolist() == [0, 0, 0]


def test_without_labels_and_batches():
    mdata, spec = _registered(labels_key=None)
    for item in read_registered(mdata, spec).values():
        assert (item.labels == -1).all()
        assert (item.batch == 0).all()


def test_new_data_are_read_by_name():
    mdata, spec = _registered()
    rna = mdata.mod[RNA]
    shuffled = rna[::-1, np.random.default_rng(0).permutation(rna.n_vars)].copy()
    new = make_mudata({RNA: shuffled})
    (item,) = read_new(new, spec).values()
    np.testing.assert_array_equal(item.matrix.rows(slice(0, rna.n_obs)), rna.X[::-1])
    assert item.obs_names.equals(shuffled.obs_names)


def test_new_data_may_have_more_features():
    mdata, spec = _registered(modalities=[RNA])
    known = mdata.mod[RNA]
    extra = known.copy()
    extra.var_names = [f"x{k}" for k in range(extra.n_vars)]
    wide = make_mudata({RNA: ad.concat([extra, known], axis=1, merge="same")})
    item = read_new(wide, spec)[RNA]
    assert item.matrix.shape == known.shape
    np.testing.assert_array_equal(item.matrix.rows(np.array([3])), known.X[[3]])


def test_new_data_need_no_labels_but_batches():
    mdata, spec = _registered(batch_key="donor")
    new = make_mudata({CPG: mdata.mod[CPG][:5].copy()})
    del new.mod[CPG].obs["label"]
    item = read_new(new, spec)[CPG]
    assert item.labels.tolist() == [-1] * 5
    assert item.batch.tolist() == [[1]] * 5
    new.mod[CPG].obs["donor"] = "d7"
    with pytest.raises(ValueError, match=r"'CpG-îlots' has batch 'd7'.*\['d0', 'd1', 'd2'\]"):
        read_new(new, spec)


def test_ignored_modalities_may_come_along():
    mdata, spec = _registered(modalities=[CPG, RNA])
    mdata.mod[PROTEIN].X[:] = np.nan
    assert list(read_new(mdata, spec)) == [RNA, CPG]


def test_only_the_modality_asked_for_is_read():
    mdata, spec = _registered()
    mdata.mod[PROTEIN].X[:] = np.nan
    assert list(read_new(mdata, spec, [CPG])) == [CPG]
    with pytest.raises(ValueError, match="a_protein"):
        read_new(mdata, spec)
    assert list(read_new(mdata, spec, check=False)) == [RNA, CPG, PROTEIN]


def test_a_modality_that_is_not_there():
    mdata, spec = _registered()
    new = make_mudata({RNA: mdata.mod[RNA].copy()})
    with pytest.raises(KeyError, match=r"no modality 'CpG-îlots'.*rna seq"):
        read_new(new, spec, [CPG])


def _with_covariates():
    mdata = make_mdata()
    mdata.obs["sex"] = np.where(np.arange(mdata.n_obs) % 3, "f", "m")
    for k, adata in enumerate(mdata.mod.values()):
        adata.obs["donor"] = f"d{k}"
        adata.obs["site"] = np.arange(adata.n_obs) % 2 + k
    setup = {"batch_key": "donor", "categorical_covariate_keys": ["site", "sex"]}
    MODIS.setup_mudata(mdata, labels_key="label", **setup)
    registry = MODIS(mdata, n_latent=2, n_hidden=4).adata_manager.registry
    return mdata, DataSpec.from_registry(registry)


def test_covariates_stand_beside_the_batch():
    mdata, spec = _with_covariates()
    assert spec.covariates == {"site": ["0", "1", "2"], "sex": ["f", "m"]}
    for name, item in read_registered(mdata, spec).items():
        adata = mdata.mod[name]
        assert item.batch.shape == (adata.n_obs, 3)
        names = [spec.batches, spec.covariates["site"], spec.covariates["sex"]]
        told = [[each[code] for each, code in zip(names, row, strict=True)] for row in item.batch]
        sex = mdata.obs.loc[adata.obs_names, "sex"]
        expected = zip(adata.obs["donor"], adata.obs["site"].astype(str), sex, strict=True)
        assert told == [list(row) for row in expected]


def test_new_data_need_the_covariates_too():
    mdata, spec = _with_covariates()
    new = make_mudata({CPG: mdata.mod[CPG][:4].copy()})
    with pytest.raises(KeyError, match=r"'sex' \(categorical_covariate_keys\)"):
        read_new(new, spec)
    new.mod[CPG].obs["sex"] = ["f", "m", "f", "m"]
    assert read_new(new, spec)[CPG].batch.tolist() == [[1, 1, 0], [1, 2, 1], [1, 1, 0], [1, 2, 1]]
    new.mod[CPG].obs["site"] = [1, 2, 7, 8]
    with pytest.raises(ValueError, match=r"'CpG-îlots' has covariate 'site' '7', '8'.*'0', '1'"):
        read_new(new, spec)
