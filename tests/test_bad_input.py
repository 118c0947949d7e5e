"""What cannot be used is refused at the door, in words, and nothing is lost.

The single checks, with all that they let pass, have tests of their own in tests/data.
"""

import warnings

import mudata as md
import numpy as np
import pandas as pd
import pytest

from modis import MODIS
from modis.data import FeatureMatrix, shortened

from ._bad import (
    INFINITE,
    Bad,
    check_refused,
    numbered,
    replaced,
    set_up,
    twice,
    with_obs,
    with_value,
    with_values,
)
from ._make import CPG, RNA, TINY, make_mdata, make_modality, make_mudata


def _sharing_features(mdata):
    """With axis=1 observations of the same name are not the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return make_mudata({RNA: mdata.mod[RNA], CPG: mdata.mod[RNA].copy()}, axis=1)


CATEGORIES, NUMBERS = "categorical_covariate_keys", "continuous_covariate_keys"
BAD = [
    # values
    Bad("infinite", (CPG, "1 infinite", "'C2'", "Correct"), INFINITE),
    Bad("objects", (CPG, "object"), with_values(lambda X: X.astype(object))),
    Bad("complex", (CPG, "complex"), with_values(lambda X: X.astype(complex))),
    Bad("no X", (CPG, "X is None"), with_values(lambda X: None)),
    # shapes and names
    Bad("no observation", (CPG, "0 observations"), replaced(lambda adata: adata[:0].copy())),
    Bad("no feature", (CPG, "0 features"), replaced(lambda adata: adata[:, :0].copy())),
    Bad("no modality", ("no modality",), lambda mdata: make_mudata({})),
    Bad("twice", (CPG, "observation", "'s20'", "obs_names_make_unique"), twice("obs_names")),
    Bad("feature twice", (CPG, "feature", "'C0'", "var_names_make_unique"), twice("var_names")),
    *(
        Bad(
            f"modality called {name!r}",
            (repr(shortened(name)), "Rename"),
            lambda mdata, name=name: make_mudata({name: mdata.mod[RNA]}),
        )
        for name in ("a.b", "", "keys", "a/b", "\x1b[31m", "n" * 101)
    ),
    # what is no MuData of one's own
    Bad("view", ("view", "mdata.copy()"), lambda mdata: mdata[:30]),
    Bad("view inside", ("view", "copy"), replaced(lambda adata: adata[:30])),
    Bad("anndata", ("AnnData", "MuData({'rna': adata})"), lambda m: m.mod[RNA], error=TypeError),
    Bad("path", ("MuData", "str"), lambda mdata: "cohort.h5mu", error=TypeError),
    Bad("shared features", ("axis=1", "axis=0"), _sharing_features),
    Bad("nested", (CPG, "MuData"), replaced(lambda own: make_mudata({"a": own})), error=TypeError),
    # labels, batches and covariates
    *(
        Bad(
            f"a class called {name[:8]!r}",
            (repr(shortened(name)), "Rename"),
            with_obs("label", rna=name, cpg=name),
        )
        for name in ("total", "features", "\x1b[31m", "n" * 10_000)
    ),
    Bad("no letter", ("'?'",), with_obs("run", rna="\x07", cpg="b"), {"batch_key": "run"}),
    Bad("labels_key is a list", ("labels_key",), setup={"labels_key": ["label"]}, error=TypeError),
    Bad(
        "no batch for some",
        (CPG, "1 observation(s)", "'s22'", "'donor'"),
        with_obs("donor", rna="d1", cpg=("s22", None, "d1")),
        {"batch_key": "donor"},
    ),
    Bad("no column", ("'sex'", RNA, CATEGORIES), setup={CATEGORIES: ["sex"]}, error=KeyError),
    *(
        Bad(kind, (f"{kind} is a list", repr(keys)), setup={kind: keys}, error=TypeError)
        for kind in (CATEGORIES, NUMBERS)
        for keys in ("label", [3])
    ),
    Bad("text", ("without a number", "'label'", "60 observation"), setup={NUMBERS: ["label"]}),
    # names
    Bad("no such modality", ("'rna'", RNA), setup={"modalities": ["rna"]}, error=KeyError),
    Bad("modalities is empty", ("modalities",), setup={"modalities": []}),
    *(
        Bad(f"{key}: no modality", (key, "'rna'", RNA), setup={key: {"rna": "nb"}}, error=KeyError)
        for key in ("layer", "likelihood", "labels_key", "batch_key")
    ),
    Bad("unknown", (CPG, "'normal'", "gaussian", "zinb"), setup={"likelihood": {CPG: "normal"}}),
    Bad("typo", ("'label_key'", "mean 'labels_key'"), setup={"label_key": "a"}, error=TypeError),
]


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_setup_refuses(bad):
    setup = {"labels_key": "label"} | dict(bad.setup)
    data = bad.broken(make_mdata())
    check_refused(bad, data, lambda mdata: MODIS.setup_mudata(mdata, **setup))


def test_a_refused_call_can_be_repeated_and_leaves_the_last_registration():
    mdata = INFINITE(make_mdata())
    with pytest.raises(ValueError, match="1 infinite"):
        MODIS.setup_mudata(mdata, labels_key="label")
    mdata.mod[CPG].X[3, 2] = 0
    assert set_up(mdata).class_counts()["total"].tolist() == [60, 80]
    uns = dict(mdata.uns)
    with pytest.raises(KeyError):
        MODIS.setup_mudata(mdata, labels_key="disease")
    assert dict(mdata.uns) == uns
    assert MODIS(mdata, **TINY).class_counts().shape == (2, 5)


ODD = {
    "numbered": (numbered, f"40 observations have the same number as name in '{RNA}' and"),
    "a class misspelt": (with_obs("label", rna="ill", cpg="I ll"), "Classes 'I ll', 'ill' differ"),
    "names as labels": (
        lambda mdata: [a.obs.__setitem__("label", a.obs_names) for a in mdata.mod.values()],
        "Most of the 100 classes have fewer than 3",
    ),
    # means in every column that the class is not known
    "no class": (with_obs("label", rna="unlabeled"), r"as unlabelled: 'unlabeled' \(60\)\. If"),
    "constant features": (
        with_values(lambda X: np.where(np.isin(np.arange(9), [1, 4]), 0, X)),
        f"'{CPG}': 2 of 9 features.*'C1', 'C4'",
    ),
}


@pytest.mark.parametrize(("change", "says"), ODD.values(), ids=ODD)
def test_what_is_odd_is_warned_about(change, says):
    mdata = make_mdata(pairing="unpaired" if "ill" in says else "mosaic")
    changed = change(mdata)
    mdata = changed if isinstance(changed, md.MuData) else mdata
    with pytest.warns(UserWarning, match=says) as caught:
        MODIS.setup_mudata(mdata, labels_key="label")
    assert [each.filename for each in caught] == [__file__]


@pytest.mark.parametrize(
    ("values", "unlabeled", "classes"),
    [((b"a", b"b"), "unknown", ["a", "b"]), ((-1.0, 2.0), -1.0, ["2"]), ((-1, 2), -1, ["2"])],
)
def test_labels_that_are_no_text(values, unlabeled, classes):
    mdata = make_mdata()
    for adata in mdata.mod.values():
        adata.obs["label"] = [values[int(name[1:]) % 2] for name in adata.obs_names]
    MODIS.setup_mudata(mdata, labels_key="label", unlabeled_category=unlabeled)
    assert list(MODIS(mdata, **TINY).class_counts())[:-3] == classes


def test_masked_values_and_a_column_twice():
    mdata = make_mdata()
    adata = mdata.mod[CPG]
    adata.X = np.ma.array(adata.X, mask=with_value(0 * adata.X, 1))
    missing = FeatureMatrix(adata).rows_and_missing(slice(None))[1]
    assert np.argwhere(missing).tolist() == [[3, 2]]
    adata.obs = pd.concat([adata.obs, adata.obs], axis=1)
    with pytest.raises(ValueError, match=r"'label' occurs 2 times in mdata\.mod\['CpG"):
        MODIS.setup_mudata(mdata, labels_key="label")


def test_the_way_in_is_setup_mudata():
    with pytest.raises(NotImplementedError, match="setup_mudata"):
        MODIS.setup_anndata(make_modality(RNA, 0, 20))
    with pytest.raises(ValueError, match="setup_mudata"):
        MODIS(make_mdata())
