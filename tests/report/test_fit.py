from dataclasses import replace

import mudata as md
import pytest

from modis.datasets import intersim
from modis.report import Settings
from modis.report._fit import _cohort, _model
from modis.studies import without_pulling


@pytest.fixture
def mosaic():
    """Methylation on samples 0-29, protein on 20-49, every other one a test sample."""
    paired = intersim(50, n_features={"methylation": 20, "expression": 10, "protein": 12})
    parts = {"methylation": paired["methylation"][:30], "protein": paired["protein"][20:]}
    with without_pulling():
        mdata = md.MuData({name: adata.copy() for name, adata in parts.items()})
    mdata.obs["label"] = paired.obs["label"].astype(str).reindex(mdata.obs_names)
    mdata.obs["split"] = ["train", "test"] * 25
    return mdata


def test_the_model_gets_training_observations_only(mosaic):
    columns = [list(x.obs) for x in (mosaic, *mosaic.mod.values())]
    settings = Settings(labels_key="label", split_key="split")
    model = _model(mosaic, _cohort(mosaic, settings), settings)
    names = mosaic.obs_names[mosaic.obs["split"] == "train"]
    assert set(model.adata.obs_names) == set(names)
    # the user's data stay as they were
    assert [list(x.obs) for x in (mosaic, *mosaic.mod.values())] == columns


def test_covariates_reach_the_model_from_wherever_they_stand(mosaic):
    mosaic.obs["sex"] = ["f", "m"] * 25
    mosaic["protein"].obs["age"] = mosaic["methylation"].obs["age"] = 50.0
    settings = Settings(labels_key="label", covariate=["sex"], continuous_covariate=["age"])
    settings = replace(settings, modalities=["methylation", "protein"])
    spec = _model(mosaic, _cohort(mosaic, settings), settings)._spec
    assert (spec.covariates, list(spec.numbers)) == ({"sex": ["f", "m"]}, ["age"])


def test_a_modality_that_is_left_out_is_known_by_name(mosaic):
    settings = Settings(labels_key="label", modalities=["protein"])
    cohort = _cohort(mosaic, settings)
    model = _model(mosaic, cohort, settings)
    assert list(model.get_var_names()) == ["protein"]
    assert set(cohort.part.index) == set(mosaic["protein"].obs_names)
    # a file with both may be given later
    assert model.adata["methylation"].n_vars == 0


def test_parts_that_cannot_train(mosaic):
    mosaic.obs["batch"] = mosaic.obs["split"].map({"train": "x", "test": "y"})
    with pytest.raises(ValueError, match="Batch 'y' of modality 'methylation' has only test"):
        _cohort(mosaic, Settings(split_key="split", batch_key="batch"))
    mosaic.obs["split"] = ["test"] * 30 + ["train"] * 20
    with pytest.raises(ValueError, match="'methylation' has no observation that trains"):
        _cohort(mosaic, Settings(split_key="split"))
