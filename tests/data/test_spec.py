from __future__ import annotations

import pickle
from dataclasses import fields

import numpy as np
import pytest

from modis import MODIS
from modis.data import DataSpec
from modis.data._errors import name_some
from modis.data._spec import per_modality

from .._make import make_mdata


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("nb", {"a": "nb", "b": "nb"}),
        (None, {"a": None, "b": None}),
        ({"b": "nb"}, {"a": "gaussian", "b": "nb"}),
        ({"b": None}, {"a": "gaussian", "b": None}),
    ],
)
def test_per_modality(value, expected):
    assert per_modality(value, ["a", "b"], "likelihood", "gaussian") == expected


def test_per_modality_refuses_strangers():
    with pytest.raises(KeyError, match=r"layer names modalities \['c', 'd'\].*\['a', 'b'\]"):
        per_modality({"d": 1, "a": 1, "c": 1}, ["a", "b"], "layer")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], ""),
        ("abcde", "'a', 'b', 'c', 'd', 'e'"),
        (range(1000), "'0', '1', '2', '3', '4' and 995 more"),
    ],
)
def test_name_some(names, expected):
    assert name_some(iter(names)) == expected


def test_what_was_registered_is_read_back():
    mdata = make_mdata(("gaussian", "nb", "beta"))
    for adata in mdata.mod.values():
        adata.obs["donor"] = "d1"
    mdata.mod["CpG-îlots"].layers["counts"] = mdata.mod["CpG-îlots"].X.copy()
    MODIS.setup_mudata(
        mdata,
        modalities=["CpG-îlots", "rna seq"],
        labels_key={"rna seq": "label"},
        unlabeled_category="?",
        batch_key="donor",
        layer={"CpG-îlots": "counts"},
        likelihood={"CpG-îlots": "nb"},
    )
    model = MODIS(mdata, n_latent=2, n_hidden=4)
    registry = model.adata_manager.registry
    for spec in map(DataSpec.from_registry, (registry, pickle.loads(pickle.dumps(registry)))):
        # the order of the MuData, not of the argument
        assert spec.modalities == ["rna seq", "CpG-îlots"]
        assert list(spec.var_names["CpG-îlots"]) == list(mdata.mod["CpG-îlots"].var_names)
        assert spec.layers == {"rna seq": None, "CpG-îlots": "counts"}
        assert spec.likelihoods == {"rna seq": "gaussian", "CpG-îlots": "nb"}
        assert spec.classes == ["Crohn's", "healthy"]
        assert spec.batches == ["d1"]
        assert spec.ignored == ["a_protein"]
        assert spec.labels_key == {"rna seq": "label"}
        assert spec.batch_key == "donor"
        assert spec.unlabeled_category == "?"
        assert spec.label_codes["rna seq"].tolist()[:3] == [1, 0, 1]
        assert spec.label_codes["CpG-îlots"].tolist() == [-1] * 80
        assert spec.condition_codes["CpG-îlots"].tolist() == [[0]] * 80
    # small, and without the names of patients
    by_observation = [spec.label_codes, spec.condition_codes, spec.obs_hashes]
    assert all(each["rna seq"].dtype.itemsize <= 4 for each in by_observation)
    told = {each.name: getattr(spec, each.name) for each in fields(spec)}
    assert b"s17" not in pickle.dumps(told)
    assert np.unique(spec.obs_hashes["rna seq"]).size == 60
    field = model.adata_manager.fields[-1]
    table = field.view_state_registry(registry["field_registries"]["modis"]["state_registry"])
    assert list(table.columns[2].cells) == ["Crohn's", "healthy", "d1"]
