import anndata as ad
import numpy as np
import pandas as pd
import pytest

from modis.data import collect_batches, collect_labels, find_labels

from .._make import fingerprint, make_mudata


def _mdata(own, shared=None, names=None):
    """Labels by modality and observation; `names` by modality where it has no column."""
    columns = {m: pd.DataFrame({"label": pd.Series(labels)}) for m, labels in own.items()}
    columns |= {m: pd.DataFrame(index=index) for m, index in (names or {}).items()}
    var = {m: pd.DataFrame(index=[f"{m}0"]) for m in columns}
    ones = {m: np.ones((len(obs), 1), dtype=np.float32) for m, obs in columns.items()}
    mdata = make_mudata({m: ad.AnnData(ones[m], columns[m], var[m]) for m in columns})
    if shared is not None:
        mdata.obs["label"] = pd.Series(shared).reindex(mdata.obs_names)
    return mdata


def _collect(mdata, key="label", unlabeled="unknown"):
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
    mdata = _mdata({"a": A, "b": {"s1": "y", "s3": "z"}})
    mdata.mod["b"].obs["other"] = ["y", "q"]
    found = _collect(mdata, {"a": "label", "b": "other"})
    assert found == {"a": A, "b": {"s1": "y", "s3": "q"}}
    # modalities that are left out are not labelled, whatever the others say of their observations
    mdata = _mdata({"a": A, "b": A})
    assert _collect(mdata, {"a": "label"}) == {"a": A, "b": dict.fromkeys(A)}


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT, "  ", " unknown "], ids=repr)
def test_ways_to_be_unlabelled(missing):
    mdata = _mdata({"a": A | {"s8": missing}})
    assert _collect(mdata) == {"a": A | {"s8": None}}
    mdata.mod["a"].obs["label"] = pd.Categorical([*"xy", missing])
    assert _collect(mdata) == {"a": A | {"s8": None}}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([1, np.nan, 2]), ["1", None, "2"]),
        (np.array([1.5, 2, 2]), ["1.5", "2", "2"]),
        (pd.array([1, None, 2], dtype="Int64"), ["1", None, "2"]),
        (np.array([True, False, True]), ["True", "False", "True"]),
        (pd.Categorical([1.0, np.nan, 2.0]), ["1", None, "2"]),
        (np.array([1, "02", 2], dtype=object), ["1", "02", "2"]),
    ],
)
def test_numbers_are_names(values, expected):
    mdata = _mdata({}, names={"a": ["s0", "s1", "s2"]})
    mdata.mod["a"].obs["label"] = values
    assert list(_collect(mdata)["a"].values()) == expected


def test_numbers_are_the_same_names_in_all_places():
    # a column with gaps is read as floats
    mdata = _mdata({"a": {"s0": 1, "s1": 2}}, {"s0": 1.0, "s1": np.nan})
    assert _collect(mdata) == {"a": {"s0": "1", "s1": "2"}}
    hidden = _collect(_mdata({"a": {"s0": 0, "s1": -1}}), unlabeled="-1")
    assert hidden == {"a": {"s0": "0", "s1": None}}


def test_words_that_mean_not_known():
    words = {"s0": "NA", "s1": "None", "s2": "Unknown", "s3": "NA", "s4": "nan", "s5": "unknown"}
    mdata = _mdata({"a": words | {"s6": "other"}, "b": {"s0": "NA", "s7": "N/A ", "s8": "Nana"}})
    with pytest.warns(UserWarning, match="is one of these words are taken as unlabelled") as said:
        labels = _collect(mdata)
    assert labels["a"] == dict.fromkeys(words) | {"s6": "other"}
    assert labels["b"] == {"s0": None, "s7": None, "s8": "Nana"}
    assert len(said) == 1
    named = "'NA' (2), 'None' (1), 'Unknown' (1), 'nan' (1), 'N/A' (1). If"
    assert named in str(said[0].message)
    # what is said to be the category needs no warning
    mdata = _mdata({"a": {"s0": "unassigned", "s1": "x"}})
    assert _collect(mdata, unlabeled="unassigned") == {"a": {"s0": None, "s1": "x"}}


def test_a_hidden_label_never_leaks():
    labels = A | {"s5": "x"}
    hidden = A | {"s5": "unknown"}
    for mdata in (_mdata({"a": hidden}, labels), _mdata({"a": labels}, hidden)):
        says = r"1 observation.*'a'.*'unknown'.*taken as unlabelled"
        with pytest.warns(UserWarning, match=says):
            assert _collect(mdata) == {"a": A | {"s5": None}}
    # the paper's missing class: known in one modality, hidden in the other
    mdata = _mdata({"a": {"s0": "x"}, "b": {"s0": "unknown", "s1": "x"}})
    assert _collect(mdata) == {"a": {"s0": "x"}, "b": {"s0": None, "s1": "x"}}
    # nothing leaks into a modality without labels
    mdata = _mdata({"a": {"s0": "x", "s1": "unknown"}}, names={"b": ["s0", "s1"]})
    assert _collect(mdata)["b"] == {"s0": "x", "s1": None}
    # nor do labels disagree that are hidden
    mdata = _mdata({"a": {"s0": "x"}, "b": {"s0": "y"}}, {"s0": "unknown"})
    with pytest.warns(UserWarning, match="taken as unlabelled"):
        assert _collect(mdata) == {"a": {"s0": None}, "b": {"s0": None}}


def test_disagreement_names_observations_and_places():
    in_b = r"mdata\.mod\['b'\]\.obs\['label'\]"
    for mdata, places in [
        (_mdata({"a": A, "b": {"s1": "z", "s0": "x"}}), rf"'y' in mdata\.mod.* and 'z' in {in_b}"),
        (_mdata({"b": A}, {"s1": "z"}), rf"'y' in {in_b} and 'z' in mdata\.obs\['label'\]"),
    ]:
        with pytest.raises(ValueError, match=rf"for 1 observation\(s\): 's1'.*'s1' is {places}"):
            _collect(mdata)


@pytest.mark.parametrize("key", ["disease", {"a": "label", "b": "disease"}])
def test_no_column_names_the_columns_at_hand(key):
    mdata = _mdata({"a": A, "b": B})
    with pytest.raises(KeyError, match=r"disease.*labels_key.*mdata\.obs.*label"):
        _collect(mdata, key)
    for found in (find_labels(mdata, ["a", "b"], key, "?"), find_labels(mdata, ["a"], None, "?")):
        assert all(column.isna().all() for column in found.values())
        assert found["a"].index.equals(mdata.mod["a"].obs_names)


def _batches(mdata, key, **how):
    return {m: list(c) for m, c in collect_batches(mdata, ["a", "b"], key, **how).items()}


def test_batches():
    mdata = _mdata({"a": A, "b": B})
    mdata.obs["donor"] = [1, 1, 2, 2]
    mdata.mod["b"].obs["donor"] = ["p", "q"]
    mdata.mod["b"].obs["site"] = pd.Categorical(["north", "south"])
    # a modality's own column goes first
    assert _batches(mdata, "donor") == {"a": ["1", "1"], "b": ["p", "q"]}
    both = {"a": "donor", "b": "site"}
    assert _batches(mdata, both) == {"a": ["1", "1"], "b": ["north", "south"]}
    for key, says in [("site", "'a'"), ({"a": "donor"}, "'b'")]:
        with pytest.raises(KeyError, match="batch_key") as caught:
            _batches(mdata, key)
        message = str(caught.value)
        assert f"mod[{says}]" in message
        # what is missing is a column, not a dict
        assert "{" not in message.split("Columns found")[0]
