from __future__ import annotations

from modis.datasets import hide_labels, intersim, unpair


def test_a_copy_is_another_object_to_scvi_tools() -> None:
    mdata = unpair(intersim(30))
    mdata.uns |= {"_scvi_uuid": "abc", "_scvi_manager_uuid": "def", "note": ["mine"]}
    copy = hide_labels(mdata, n_per_class=1)
    assert "note" in copy.uns
    assert not [key for key in copy.uns if key.startswith("_scvi")]
    assert mdata.uns["_scvi_uuid"] == "abc"
