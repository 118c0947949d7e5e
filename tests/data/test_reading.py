import numpy as np
import pandas as pd
import pytest

from modis import MODIS
from modis.data import DataSpec, NotInDataError, read_new, read_registered, registered_labels

from .._make import (
    BRIEFLY,
    CPG,
    PROTEIN,
    RNA,
    TINY,
    fingerprint,
    make_mdata,
    make_modality,
    make_mudata,
)


def _registered(**setup):
    mdata = make_mdata(("gaussian",) * 3, classes=["b", "a", "c"])
    mdata.obs["sex"] = np.where(np.arange(mdata.n_obs) % 3, "f", "m")
    for k, adata in enumerate(mdata.mod.values()):
        adata.obs["donor"] = np.where(np.arange(adata.n_obs) % 2, "d1", f"d{k}")
        adata.obs["site"] = np.arange(adata.n_obs) % 2 + k
    MODIS.setup_mudata(mdata, **({"labels_key": "label"} | setup))
    return mdata, DataSpec.from_registry(MODIS(mdata, **TINY).registry_)


CONDITIONS = {"batch_key": "donor", "categorical_covariate_keys": ["site", "sex"]}


def test_one_vocabulary_for_all_modalities():
    mdata, spec = _registered(**CONDITIONS)
    before = fingerprint(mdata)
    data = read_registered(mdata, spec)
    assert list(data) == [RNA, CPG, PROTEIN]
    assert spec.classes == ["a", "b", "c"]
    names = [spec.batches, *spec.covariates.values()]
    assert names == [["d0", "d1", "d2"], ["0", "1", "2", "3"], ["f", "m"]]
    labels = registered_labels(mdata, spec)
    for name, item in data.items():
        adata = mdata.mod[name]
        assert (item.name, item.n_obs) == (name, adata.n_obs)
        assert item.obs_names.equals(adata.obs_names)
        assert item.labels.dtype == item.batch.dtype == np.int64
        assert [spec.classes[code] for code in item.labels] == list(adata.obs["label"])
        assert labels[name].to_dict() == adata.obs["label"].to_dict()
        sex = mdata.obs.loc[adata.obs_names, "sex"]
        columns = [adata.obs["donor"], adata.obs["site"].astype(str), sex]
        for vocabulary, codes, column in zip(names, item.batch.T, columns, strict=True):
            assert [vocabulary[code] for code in codes] == list(column)
        np.testing.assert_array_equal(item.matrix.rows(slice(0, adata.n_obs)), adata.X)
        chosen = np.arange(3, item.n_obs, 4)
        for rows in (slice(None), chosen):
            expected = [(item.labels[rows] == k).sum() for k in range(4)]
            assert item.label_counts(4, rows).tolist() == expected
    assert fingerprint(mdata) == before


def test_numbers_stand_beside_the_codes_in_standard_units():
    mdata, _ = _registered()
    values = pd.Series(np.arange(mdata.n_obs) ** 2.0, index=mdata.obs_names)
    mdata.obs["age"] = values.astype(str)
    MODIS.setup_mudata(mdata, batch_key="donor", continuous_covariate_keys=["age"])
    spec = DataSpec.from_registry(MODIS(mdata, **TINY).registry_)
    every = np.concatenate([values[adata.obs_names] for adata in mdata.mod.values()])
    assert spec.numbers["age"] == pytest.approx([every.mean(), every.std()])
    for name, item in read_registered(mdata, spec).items():
        own = values[item.obs_names].to_numpy()
        assert item.batch.dtype == np.float32
        assert [spec.batches[int(k)] for k in item.batch[:, 0]] == list(mdata[name].obs["donor"])
        np.testing.assert_allclose(item.batch[:, 1], (own - every.mean()) / every.std(), rtol=1e-5)


def test_labels_and_batches_are_those_of_the_set_up():
    mdata, spec = _registered(**CONDITIONS)
    before, names = read_registered(mdata, spec), registered_labels(mdata, spec)
    mdata.obs["sex"] = "other"
    mdata.mod[CPG].obs["label"] = "unknown"
    mdata.mod[RNA].obs["label"] = mdata.mod[RNA].obs["label"].replace({"a": "b", "b": "a"})
    mdata.mod[PROTEIN].obs = mdata.mod[PROTEIN].obs[[]]
    after = read_registered(mdata, spec)
    for name, item in after.items():
        np.testing.assert_array_equal(item.labels, before[name].labels)
        np.testing.assert_array_equal(item.batch, before[name].batch)
        assert registered_labels(mdata, spec)[name].equals(names[name])


def test_a_model_keeps_the_labels_of_its_own_set_up(tmp_path):
    mdata, _ = _registered()
    first = MODIS(mdata, **TINY)
    counts = first.class_counts()
    for adata in mdata.mod.values():
        adata.obs["label"] = np.where(adata.obs["label"] == "a", "b", adata.obs["label"])
    MODIS.setup_mudata(mdata, labels_key="label")
    second = MODIS(mdata, **TINY)
    assert first.class_counts().equals(counts)
    assert list(second.class_counts().columns[:2]) == ["b", "c"]
    first.train(**BRIEFLY)
    for name, item in read_registered(mdata, DataSpec.from_registry(first.registry_)).items():
        known = first.module.label_counts[name]
        assert known.tolist() == item.label_counts(3, first.train_indices[name]).tolist()
        assert known[0] > 0
    # of the data that it is loaded with, as they are then
    first.save(tmp_path / "model")
    other = make_mudata({name: adata[5:30].copy() for name, adata in mdata.mod.items()})
    loaded = MODIS.load(tmp_path / "model", other)
    assert loaded.class_counts()["a"].sum() == 0
    assert loaded.class_counts()["total"].tolist() == [25] * 3
    other.mod[RNA].obs["label"] = "a"
    assert loaded.class_counts()["a"].sum() == 0


@pytest.mark.parametrize(
    ("says", "change"),
    [
        ("features: 9 then, 9 now; first changes: 'C8', 'C7'", lambda adata: adata[:, ::-1]),
        ("features: 9 then, 8 now; first changes: 'C1'", lambda adata: adata[:, 1:]),
        ("features: 9 then, 4 now; the last are gone", lambda adata: adata[:, :4]),
        ("observations: 80 then, 80 now; .* 's99', 's98'", lambda adata: adata[::-1]),
        ("observations: 80 then, 77 now; .* 's23'", lambda adata: adata[3:]),
        ("observations: .* 's200', 's201'", lambda adata: make_modality(CPG, 200, 280)),
    ],
)
def test_features_and_observations_must_be_those_of_the_set_up(says, change):
    mdata, spec = _registered()
    mdata.mod[CPG] = change(mdata.mod[CPG]).copy()
    says = says.replace(":", f" of modality '{CPG}' have changed since setup_mudata:", 1)
    for read in (read_registered, registered_labels):
        with pytest.raises(ValueError, match=f"The {says}.*Call MODIS.setup_mudata again"):
            read(mdata, spec)


@pytest.mark.parametrize(
    ("says", "change"),
    [
        ("no values .X is None", lambda mod: setattr(mod[CPG], "X", None)),
        ("holds <U1 values", lambda mod: setattr(mod[CPG], "X", np.full((80, 9), "x"))),
        ("have no modality", lambda mod: mod.pop(CPG)),
    ],
)
def test_modalities_and_values_must_still_be_there(says, change):
    mdata, spec = _registered()
    change(mdata.mod)
    with pytest.raises((ValueError, NotInDataError), match=says):
        read_registered(mdata, spec)


@pytest.mark.parametrize(("axis", "method"), [("var_names", "train"), ("obs_names", "predict")])
def test_a_model_refuses_renamed_data_before_and_after_training(axis, method):
    mdata, _ = _registered()
    model = MODIS(mdata, **TINY)
    if method == "predict":
        model.train(**BRIEFLY)
    names = list(getattr(mdata.mod[CPG], axis))
    setattr(mdata.mod[CPG], axis, [*names[:4], "new name", *names[5:]])
    with pytest.raises(ValueError, match=r"modality 'CpG-îlots' .* first changes: 'new name'\."):
        getattr(model, method)()


def test_names_that_only_the_mudata_has_changed_and_no_labels_or_batches():
    mdata, spec = _registered(labels_key=None)
    for item in read_registered(mdata, spec).values():
        assert set(item.labels) == {-1}
        assert set(item.batch.ravel()) == {0}
    assert all(column.isna().all() for column in registered_labels(mdata, spec).values())
    mdata.obs.index = [f"x{name}" for name in mdata.obs_names]
    with pytest.raises(ValueError, match=r"not know 60 .*'rna seq': 's0'.*mdata\.update\(\)"):
        read_registered(mdata, spec)


def test_only_the_modalities_asked_for_are_read():
    mdata, spec = _registered(modalities=[CPG, RNA])
    mdata.mod[PROTEIN].X[:] = np.nan
    # ignored modalities may come along
    assert list(read_new(mdata, spec)) == [RNA, CPG]
    mdata.mod[RNA].X[:] = np.nan
    assert list(read_new(mdata, spec, [CPG])) == [CPG]
    with pytest.raises(ValueError, match=RNA):
        read_new(mdata, spec)
    strange = make_mudata({CPG: mdata.mod[CPG].copy(), "strange": mdata.mod[PROTEIN].copy()})
    with pytest.raises(NotInDataError, match=r"does not know modalities \['strange'\]"):
        read_new(strange, spec)


def test_new_data_need_no_labels_but_batches_and_covariates_to_be_decoded():
    mdata, spec = _registered(**CONDITIONS)
    new = make_mudata({CPG: mdata.mod[CPG][:4].copy()})
    del new.mod[CPG].obs["label"]
    assert read_new(new, spec, decode=False)[CPG].batch.tolist() == [[0]] * 4
    with pytest.raises(KeyError, match=r"'sex' \(categorical_covariate_keys\)"):
        read_new(new, spec)
    new.mod[CPG].obs["sex"] = ["f", "m", "f", "m"]
    item = read_new(new, spec)[CPG]
    assert item.labels.tolist() == [-1] * 4
    assert item.batch.tolist() == [[1, 1, 0], [1, 2, 1], [1, 1, 0], [1, 2, 1]]


def test_only_the_rows_asked_for_are_checked():
    mdata, spec = _registered(**CONDITIONS)
    new = make_mudata({CPG: mdata.mod[CPG].copy()})
    adata = new.mod[CPG]
    adata.obs["sex"] = ["m"] * 3 + [None] * 77
    adata.X[5:] = np.nan
    rows = np.array([2, 0])
    item = read_new(new, spec, rows={CPG: rows})[CPG]
    np.testing.assert_array_equal(item.matrix.rows(rows), adata.X[rows])
    assert item.batch[rows].tolist() == [[1, 1, 1], [1, 1, 1]]
    with pytest.raises(ValueError, match="1 observation.*without a category.*'s23'"):
        read_new(new, spec, rows={CPG: np.array([1, 3])})
    adata.obs["sex"] = "m"
    with pytest.raises(ValueError, match=r"1 observation\(s\) without a single value"):
        read_new(new, spec, rows={CPG: np.array([1, 6])})
