import mudata as md
import pytest

from modis import datasets
from modis.datasets._selection import allot


def test_largest_remainders_first():
    # Hamilton's method by hand: exact shares 4.7, 3.1, 2.2.
    assert allot([47, 31, 22], 10).tolist() == [5, 3, 2]
    assert allot([1, 1, 1], 2).tolist() == [1, 1, 0]
    assert allot([0.2] * 5, 500).tolist() == [100] * 5
    assert allot([0, 0], 3).tolist() == [0, 0]


def test_a_copy_is_another_object_to_scvi_tools(unpaired):
    unpaired.uns |= {"_scvi_uuid": "abc", "_scvi_manager_uuid": "def", "note": ["mine"]}
    copy = datasets.hide_labels(unpaired, n_per_class=1)
    assert "note" in copy.uns
    assert not [key for key in copy.uns if key.startswith("_scvi")]
    assert unpaired.uns["_scvi_uuid"] == "abc"


def test_shared_features_are_refused(mosaic):
    with pytest.raises(ValueError, match="axis=1; only MuData that share observations"):
        datasets.unpair(md.MuData({"a": mosaic["a"]}, axis=1))
