import pickle

import numpy as np

from modis import MODIS
from modis.data import DataSpec
from modis.data._errors import name_some
from modis.data._spec import per_modality

from .._make import make_mdata


def test_one_value_or_one_by_modality():
    spread = lambda value: per_modality(value, ["a", "b"], "likelihood", "gaussian")
    assert spread("nb") == {"a": "nb", "b": "nb"}
    assert spread(None) == {"a": None, "b": None}
    assert spread({"b": "nb"}) == {"a": "gaussian", "b": "nb"}
    assert spread({"b": None}) == {"a": "gaussian", "b": None}


def test_the_first_names_are_told():
    assert name_some(iter("abcde")) == "'a', 'b', 'c', 'd', 'e'"
    assert name_some(range(1000)) == "'0', '1', '2', '3', '4' and 995 more"


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
    spec = DataSpec.from_registry(pickle.loads(pickle.dumps(registry)))
    # the order of the MuData, not of the argument
    assert spec.layers == {"rna seq": None, "CpG-îlots": "counts"}
    assert spec.likelihoods == {"rna seq": "gaussian", "CpG-îlots": "nb"}
    assert (spec.classes, spec.batches, spec.covariates) == (["Crohn's", "healthy"], ["d1"], {})
    assert (spec.modalities, spec.ignored) == (["rna seq", "CpG-îlots"], ["a_protein"])
    assert (spec.labels_key, spec.batch_key) == ({"rna seq": "label"}, "donor")
    assert spec.unlabeled_category == "?"
    codes, conditions, hashes = spec.label_codes, spec.condition_codes, spec.obs_hashes
    assert codes["rna seq"].tolist()[:3] == [1, 0, 1]
    assert codes["CpG-îlots"].tolist() == [-1] * 80
    assert conditions["CpG-îlots"].tolist() == [[0]] * 80
    # small, and without the names of patients
    assert all(each["rna seq"].dtype.itemsize <= 4 for each in (codes, conditions, hashes))
    state = registry["field_registries"]["modis"]["state_registry"]
    assert b"s17" not in pickle.dumps(state)
    assert np.unique(hashes["rna seq"]).size == 60
    table = model.adata_manager.fields[-1].view_state_registry(state)
    assert list(table.columns[2].cells) == ["Crohn's", "healthy", "d1"]
