from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modis.data import collect_batches, collect_labels, count_classes, find_labels
from modis.data._labels import class_names, encode

from .._make import fingerprint, make_mdata, make_mudata


def _modality(name: str, obs: pd.DataFrame) -> ad.AnnData:
    var = pd.DataFrame(index=[f"{name}0", f"{name}1"])
    return ad.AnnData(np.ones((len(obs), 2), dtype=np.float32), obs=obs, var=var)


def _mdata(
    own: Mapping[str, Mapping[str, Any]],
    shared: Mapping[str, Any] | None = None,
    names: Mapping[str, str] | None = None,
    column: str = "label",
) -> md.MuData:
    """Labels by modality and observation; `names` by modality where it has no column."""
    modalities = {}
    for modality, labels in own.items():
        modalities[modality] = _modality(
            modality, pd.DataFrame({column: pd.Series(labels)}, index=list(labels))
        )
    for modality, observations in (names or {}).items():
        modalities[modality] = _modality(modality, pd.DataFrame(index=list(observations)))
    mdata = make_mudata(modalities)
    if shared is not None:
        mdata.obs[column] = pd.Series(shared).reindex(mdata.obs_names)
    return mdata


def _collect(mdata: md.MuData, key: Any = "label", unlabeled: str = "unknown") -> dict:
    before = fingerprint(mdata)
    labels = collect_labels(mdata, list(mdata.mod), key, unlabeled)
    assert fingerprint(mdata) == before
    for modality, column in labels.items():
        assert column.index.equals(mdata.mod[modality].obs_names)
    return {modality: column.to_dict() for modality, column in labels.items()}


A = {"s0": "x", "s1": "y"}
B = {"s2": "y", "s3": "z"}


def test_labels_may_stand_in_either_place():
    assert _collect(_mdata({"a": A, "b": B})) == {"a": A, "b": B}
    mdata = _mdata({}, A | B, {"a": ["s1", "s0"], "b": ["s2", "s3"]})
    assert _collect(mdata) == {"a": {"s1": "y", "s0": "x"}, "b": B}
    # both complete each other
    mdata = _mdata({"a": A | {"s4": None}, "b": B}, {"s4": "w", "s0": "x"})
    assert _collect(mdata) == {"a": A | {"s4": "w"}, "b": B}
    # a modality without labels takes them from the others
    mdata = _mdata({"a": A}, names={"b": ["s1", "s9"]})
    assert _collect(mdata) == {"a": A, "b": {"s1": "y", "s9": None}}


def test_a_column_by_modality():
    mdata = _mdata({"a": A, "b": B})
    mdata.mod["b"].obs["other"] = ["p", "q"]
    expected = {"a": A, "b": {"s2": "p", "s3": "q"}}
    assert _collect(mdata, {"a": "label", "b": "other"}) == expected


def test_modalities_that_a_dict_leaves_out_are_not_labelled():
    mdata = _mdata({"a": A, "b": {"s1": "y", "s3": "z"}})
    assert _collect(mdata, {"a": "label"}) == {"a": A, "b": {"s1": None, "s3": None}}


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT, "  ", " unknown "], ids=repr)
@pytest.mark.parametrize("dtype", [object, "category"])
def test_ways_to_be_unlabelled(missing, dtype):
    mdata = _mdata({"a": A | {"s8": missing}})
    if dtype == "category":
        mdata.mod["a"].obs["label"] = pd.Categorical([*"xy", missing])
    assert _collect(mdata) == {"a": A | {"s8": None}}


NUMERIC = {
    "int": (np.array([1, 2, 2]), ["1", "2", "2"]),
    "float with gaps": (np.array([1, np.nan, 2]), ["1", None, "2"]),
    "float": (np.array([1.5, 2, 2]), ["1.5", "2", "2"]),
    "nullable": (pd.array([1, None, 2], dtype="Int64"), ["1", None, "2"]),
    "bool": (np.array([True, False, True]), ["True", "False", "True"]),
    "category of int": (pd.Categorical([1, 2, 2]), ["1", "2", "2"]),
    "category of float": (pd.Categorical([1.0, np.nan, 2.0]), ["1", None, "2"]),
    "strings": (["1", "02", "2"], ["1", "02", "2"]),
    "mixed": (np.array([1, "1", 2], dtype=object), ["1", "1", "2"]),
}


@pytest.mark.parametrize(("values", "expected"), NUMERIC.values(), ids=NUMERIC)
def test_numbers_are_names(values, expected):
    mdata = _mdata({}, names={"a": ["s0", "s1", "s2"]})
    mdata.mod["a"].obs["label"] = values
    assert list(_collect(mdata)["a"].values()) == expected


def test_numbers_are_the_same_names_in_all_places():
    # a column with gaps is read as floats
    mdata = _mdata({}, {"s0": 1.0, "s1": np.nan}, {"a": ["s0", "s1"]})
    mdata.mod["a"].obs["label"] = [1, 2]
    assert _collect(mdata) == {"a": {"s0": "1", "s1": "2"}}
    assert _collect(_mdata({"a": {"s0": 0, "s1": -1}}), unlabeled="-1") == {
        "a": {"s0": "0", "s1": None}
    }


@pytest.mark.parametrize("hidden_in", ["modality", "mudata"])
def test_a_hidden_label_never_leaks(hidden_in):
    own, shared = A | {"s5": "x"}, A | {"s5": "x"}
    (own if hidden_in == "modality" else shared)["s5"] = "unknown"
    mdata = _mdata({"a": own}, shared)
    with pytest.warns(UserWarning, match=r"1 observation.*'a'.*'unknown'.*taken as unlabelled"):
        labels = _collect(mdata)
    assert labels == {"a": A | {"s5": None}}


def test_modalities_hide_labels_each_on_its_own():
    # the paper's missing class: known in one modality, hidden in the other
    mdata = _mdata({"a": {"s0": "x"}, "b": {"s0": "unknown", "s1": "x"}})
    assert _collect(mdata) == {"a": {"s0": "x"}, "b": {"s0": None, "s1": "x"}}
    # and nothing leaks into one without labels
    mdata = _mdata({"a": {"s0": "x", "s1": "unknown"}}, names={"b": ["s0", "s1"]})
    assert _collect(mdata)["b"] == {"s0": "x", "s1": None}


def test_disagreement_names_observations_and_places():
    mdata = _mdata({"a": A, "b": {"s1": "z", "s0": "x"}})
    with pytest.raises(ValueError, match=r"1 observation\(s\): 's1'.*'z' in 'b'.*'y' in 'a'"):
        _collect(mdata)
    with pytest.raises(ValueError, match=r"mdata\.obs and modality 'a' for 1 .*'s0'"):
        _collect(_mdata({"a": A}, {"s0": "z"}))


@pytest.mark.parametrize("key", ["disease", {"a": "label", "b": "disease"}])
def test_no_column_names_the_columns_at_hand(key):
    mdata = _mdata({"a": A, "b": B})
    with pytest.raises(KeyError, match=r"disease.*labels_key.*mdata\.obs.*label"):
        _collect(mdata, key)
    for found in (find_labels(mdata, ["a", "b"], key, "?"), find_labels(mdata, ["a"], None, "?")):
        assert all(column.isna().all() for column in found.values())
        assert found["a"].index.equals(mdata.mod["a"].obs_names)


names = st.text("ab é\0", min_size=1, max_size=3).map(str.strip).filter(bool)


@given(st.dictionaries(st.sampled_from(["m", "n", "o"]), st.lists(names | st.none())))
def test_one_vocabulary_and_codes_that_point_into_it(columns):
    series = {name: pd.Series(values, dtype=object) for name, values in columns.items()}
    vocabulary = class_names(series)
    assert vocabulary == sorted({v for values in columns.values() for v in values if v})
    codes = encode(series, vocabulary)
    for name, values in columns.items():
        assert codes[name].dtype == np.int64
        decoded = [vocabulary[code] if code >= 0 else None for code in codes[name]]
        assert decoded == values
        assert (codes[name] >= -1).all()


def test_unknown_names_are_refused():
    columns = {"a": pd.Series(["x", None, "w", "v"], dtype=object)}
    with pytest.raises(ValueError, match=r"'a' has batch 'v', 'w'.*\['x', 'y'\]"):
        encode(columns, ["x", "y"], "batch")


def test_batches():
    mdata = _mdata({"a": A, "b": B})
    mdata.obs["donor"] = [1, 1, 2, 2]
    mdata.mod["b"].obs["donor"] = ["p", "q"]
    mdata.mod["b"].obs["site"] = pd.Categorical(["north", "south"])

    def collect(key):
        return {k: list(v) for k, v in collect_batches(mdata, ["a", "b"], key).items()}

    # a modality's own column goes first
    assert collect("donor") == {"a": ["1", "1"], "b": ["p", "q"]}
    assert collect({"a": "donor", "b": "site"}) == {"a": ["1", "1"], "b": ["north", "south"]}


@pytest.mark.parametrize(("key", "says"), [("site", "'a'"), ({"a": "donor"}, "'b'")])
def test_every_modality_needs_a_batch_column(key, says):
    mdata = _mdata({"a": A, "b": B})
    mdata.mod["b"].obs["site"] = "north"
    mdata.mod["a"].obs["donor"] = 1
    with pytest.raises(KeyError, match="batch_key") as caught:
        collect_batches(mdata, ["a", "b"], key)
    message = str(caught.value).replace("\\'", "'")
    assert f"mod[{says}]" in message
    # what is missing is a column, not a dict
    assert "{" not in message.split("Columns at hand")[0]


def test_every_observation_needs_a_batch():
    mdata = _mdata({"a": A, "b": B})
    mdata.obs["donor"] = [1, 1, np.nan, 2]
    with pytest.raises(ValueError, match=r"'b' has 1 observation.*'donor': 's2'"):
        collect_batches(mdata, ["a", "b"], "donor")


def test_batches_of_some_observations():
    mdata = _mdata({"a": A, "b": B})
    mdata.obs["donor"] = [1, 1, np.nan, 2]
    found = collect_batches(mdata, ["b"], "donor", rows={"b": np.array([1])})
    assert found["b"].to_dict() == {"s3": "2"}


def test_counts_of_classes():
    """Also of classes that are called like a column of the table."""
    mdata = make_mdata(("gaussian",) * 3, "unpaired", ["total", "healthy"])
    # one class in one modality only, everything else unlabelled there
    mdata.mod["a_protein"].obs["label"] = ["rare", *[None] * 17]
    names = list(mdata.mod)
    labels = collect_labels(mdata, names, "label", "unknown")
    table = count_classes(mdata, names, labels, ["healthy", "rare", "total"])
    assert list(table.columns) == ["healthy", "rare", "total", "unlabeled", "total", "features"]
    assert table.index.tolist() == names
    expected = [[15, 0, 15, 0, 30, 12], [11, 0, 11, 0, 22, 9], [0, 1, 0, 17, 18, 7]]
    np.testing.assert_array_equal(table, expected)
