from __future__ import annotations

import numpy as np
import pandas as pd

from modis.data import collect_labels, count_classes

from .._make import make_mdata


def _labels(mdata, **changes):
    for name, values in changes.items():
        mdata.mod[name].obs["label"] = values
    return collect_labels(mdata, list(mdata.mod), "label", "unknown")


def test_counts_by_hand():
    mdata = make_mdata(("gaussian",) * 3, "unpaired")
    # one class in one modality only, everything else unlabelled there
    mdata.mod["a_protein"].obs["label"] = ["rare", *[None] * 17]
    table = count_classes(mdata, list(mdata.mod), _labels(mdata), ["Crohn's", "healthy", "rare"])
    expected = pd.DataFrame(
        [[15, 15, 0, 0, 30, 12], [11, 11, 0, 0, 22, 9], [0, 0, 1, 17, 18, 7]],
        index=pd.Index(["rna seq", "CpG-îlots", "a_protein"], name="modality"),
        columns=pd.Index(
            ["Crohn's", "healthy", "rare", "unlabeled", "total", "features"], name="class"
        ),
    )
    pd.testing.assert_frame_equal(table, expected)


def test_without_labels():
    mdata = make_mdata(pairing="unpaired")
    table = count_classes(mdata, list(mdata.mod), None, [])
    assert list(table.columns) == ["unlabeled", "total", "features"]
    np.testing.assert_array_equal(table, [[30, 30, 12], [22, 22, 9]])


def test_a_class_may_be_called_like_a_column():
    mdata = make_mdata(pairing="unpaired", classes=["total", "features", "unlabeled"])
    table = count_classes(
        mdata, list(mdata.mod), _labels(mdata), ["features", "total", "unlabeled"]
    )
    np.testing.assert_array_equal(table.iloc[0], [10, 10, 10, 0, 30, 12])
