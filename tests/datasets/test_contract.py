import numpy as np
import pandas as pd
import pytest

from modis import datasets

FUNCTIONS = {
    "unpair": lambda m, **kw: datasets.unpair(m, **kw),
    "hide_fraction": lambda m, **kw: datasets.hide_labels(m, 0.3, **kw),
    "hide_n_per_class": lambda m, **kw: datasets.hide_labels(m, n_per_class=2, **kw),
    "hide_some_classes": lambda m, **kw: datasets.hide_labels(m, 0.3, classes=["x"], **kw),
    "shrink_class": lambda m, **kw: datasets.shrink_class(m, "x", 2, **kw),
    "split_train": lambda m, **kw: datasets.split(m, **kw)[0],
    "split_test": lambda m, **kw: datasets.split(m, **kw)[1],
}


@pytest.fixture(params=FUNCTIONS)
def function(request):
    return FUNCTIONS[request.param]


def test_result_is_consistent_and_input_untouched(function, mosaic, check_consistent):
    obs = mosaic.obs.copy()
    before = {name: adata.copy() for name, adata in mosaic.mod.items()}
    result = function(mosaic)
    check_consistent(result, mosaic)
    assert {"label", "age"} <= set(result.obs.columns)
    assert isinstance(result.obs["label"].dtype, pd.CategoricalDtype)
    assert result.uns["note"] == {"who": "me"}
    result.uns["note"]["who"] = "you"
    assert mosaic.uns["note"] == {"who": "me"}
    pd.testing.assert_frame_equal(mosaic.obs, obs)
    for name, adata in mosaic.mod.items():
        pd.testing.assert_frame_equal(adata.obs, before[name].obs)
        pd.testing.assert_frame_equal(adata.to_df(), before[name].to_df())


def test_labels_may_stand_in_the_modalities(function, mosaic, check_consistent):
    from_top = function(mosaic)
    for adata in mosaic.mod.values():
        adata.obs["label"] = mosaic.obs["label"].reindex(adata.obs_names)
    del mosaic.obs["label"]
    from_modalities = function(mosaic)
    check_consistent(from_modalities, mosaic)
    assert from_top.obs["label"].astype(str).equals(from_modalities.obs["label"].astype(str))


def test_seed_decides(function, mosaic):
    def drawn(seed):
        result = function(mosaic, seed=seed)
        return {m: a.obs["label"].astype(str).to_dict() for m, a in result.mod.items()}

    assert drawn(0) == drawn(0)
    assert drawn(0) != drawn(1)


def test_result_survives_a_file(function, mosaic, write_and_read):
    result = function(mosaic)
    again = write_and_read(result)
    assert list(again.mod) == list(result.mod)
    how = dict.fromkeys(("check_index_type", "check_categorical", "check_dtype"), False)
    pd.testing.assert_frame_equal(again.obs, result.obs, **how)
    for name in result.mod:
        pd.testing.assert_frame_equal(again[name].obs, result[name].obs, **how)


def test_backed_data_is_read(function, mosaic, write_and_read, check_consistent):
    backed = write_and_read(mosaic, backed="r")
    result = function(backed)
    assert not any(adata.isbacked for adata in result.mod.values())
    check_consistent(result, mosaic)
    backed.file.close()


def test_what_belongs_to_observations_and_modalities_stays(function, mosaic):
    mosaic.obsm["X_modis"] = np.array([[int(name[1:])] for name in mosaic.obs_names])
    mosaic["b"].obs["depth"] = np.arange(40)
    mosaic["b"].obs["age"] = 7
    result = function(mosaic)
    assert result.obsm["X_modis"][:, 0].tolist() == [int(name[1:]) for name in result.obs_names]
    names = result["b"].obs_names
    assert result["b"].obs["depth"].tolist() == mosaic["b"].obs.loc[names, "depth"].tolist()
    assert (result["b"].obs["age"] == 7).all()
    assert (result["a"].obs["age"] == result.obs.loc[result["a"].obs_names, "age"]).all()
    assert not any("depth" in column for column in result.obs.columns)


def test_what_is_wrong_with_labels_is_named(function, mosaic):
    with pytest.raises(KeyError, match="'disease'.*age.*label"):
        function(mosaic, labels_key="disease")
    mosaic["a"].obs["label"] = mosaic.obs["label"].reindex(mosaic["a"].obs_names)
    mosaic["a"].obs.loc["s3", "label"] = "y"
    with pytest.raises(ValueError, match=r"1 observations.*'label' in 'a'.*'s3'"):
        function(mosaic)


def test_unfit_data_are_refused(function, mosaic):
    with pytest.raises(TypeError, match="Expected a MuData, found AnnData"):
        function(mosaic["a"])
    names = mosaic["a"].obs_names.tolist()
    mosaic["a"].obs_names = [names[1], *names[1:]]
    with pytest.raises(ValueError, match="'a'.*'s1'"):
        function(mosaic)


CLASS, MODALITY = "No observation has 'label' = 'X'.*'x', 'y', 'z'", "'A'.*'a', 'b', 'c'"
UNKNOWN = [
    (lambda m: datasets.shrink_class(m, "X", 1), ValueError, CLASS),
    (lambda m: datasets.hide_labels(m, 0.5, classes=["x", "X"]), ValueError, CLASS),
    (lambda m: datasets.shrink_class(m, "x", {"A": 1}), KeyError, MODALITY),
    (lambda m: datasets.hide_labels(m, 0.5, modalities="A"), KeyError, MODALITY),
]


@pytest.mark.parametrize(("call", "error", "said"), UNKNOWN)
def test_unknown_classes_and_modalities(call, error, said, mosaic):
    with pytest.raises(error, match=said):
        call(mosaic)
