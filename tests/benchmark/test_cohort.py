from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from modis.benchmark._cohort import make_cohort


def test_only_what_is_needed_is_kept(mosaic):
    cohort = make_cohort(
        mosaic, "label", split_key="part", layer="protein=counts", likelihood={"protein": "nb"}
    )
    assert list(cohort.modalities) == ["methylation", "protein"]
    counts = mosaic.mod["protein"].layers["counts"]
    np.testing.assert_array_equal(cohort.modalities["protein"].X, counts)
    assert cohort.is_counts("protein")
    assert not cohort.is_counts("methylation")
    assert len(cohort.label) == 120
    assert cohort.n_modalities.value_counts().to_dict() == {1: 80, 2: 40}
    assert set(cohort.part) == {"train", "test"}


def test_whatever_decides_the_runs_decides_the_digest(mosaic):
    how = {"split_key": "part", "batch_key": "batch"}
    for adata in mosaic.mod.values():
        adata.obs["batch"] = "one"
    digests = [make_cohort(mosaic, "label", **how).digest]
    assert make_cohort(mosaic.copy(), "label", **how).digest == digests[0]
    digests.append(make_cohort(mosaic, "label", **how, modalities=["protein"]).digest)
    with pytest.warns(UserWarning, match="'protein', layer 'counts' holds whole numbers"):
        digests.append(make_cohort(mosaic, "label", **how, layer="protein=counts").digest)
    digests.append(make_cohort(mosaic, "label", split_key="part").digest)
    digests.append(make_cohort(mosaic, "label", batch_key="batch").digest)
    name = mosaic.mod["protein"].obs_names[-1]
    for column, value in (("label", "class_9"), ("batch", "two"), ("part", "test")):
        other = mosaic.copy()
        obs = other.mod["protein"].obs
        obs[column] = obs[column].astype(str)
        assert obs.loc[name, column] != value
        obs.loc[name, column] = value
        digests.append(make_cohort(other, "label", **how).digest)
    other = mosaic.copy()
    other.mod["protein"].X[0, 0] += 1
    digests.append(make_cohort(other, "label", **how).digest)
    other.mod["protein"].X = sparse.csr_matrix(other.mod["protein"].X)
    digests.append(make_cohort(other, "label", **how).digest)
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"labels_key": "class"}, KeyError, r"no column 'class' \(--labels-key\).*label"),
        ({"split_key": "half"}, KeyError, r"no column 'half' \(--split-key\)"),
        ({"batch_key": "donor"}, KeyError, r"no column 'donor' \(--batch-key\)"),
        ({"split_key": "label"}, ValueError, "must say 'train' or 'test'"),
        ({"modalities": ["rna"]}, KeyError, r"no modality 'rna' \(--modalities\)"),
        ({"layer": "raw"}, KeyError, "no layer 'raw'"),
        ({"likelihood": "nb"}, ValueError, "cannot explain"),
        ({"likelihood": "normal"}, ValueError, "not known; choose one of"),
        ({"likelihood": ["rna=nb"]}, ValueError, "'rna', which is not used"),
        ({"likelihood": {"rna": "nb"}}, ValueError, "'rna', which is not used"),
    ],
)
def test_what_cannot_be_used_is_refused(mosaic, arguments, error, said):
    with pytest.raises(error, match=said):
        make_cohort(mosaic, **{"labels_key": "label", **arguments})


def test_two_classes_are_needed(mosaic):
    for adata in mosaic.mod.values():
        adata.obs["one"], adata.obs["none"], adata.obs["all"] = "a", "unknown", "train"
    with pytest.raises(ValueError, match="only the class 'a'"):
        make_cohort(mosaic, "one")
    with pytest.raises(ValueError, match="no class at all"):
        make_cohort(mosaic, "none")
    with pytest.raises(ValueError, match="says 'train' for every observation"):
        make_cohort(mosaic, "label", split_key="all")
    with pytest.raises(TypeError, match="Wrap it"):
        make_cohort(mosaic.mod["protein"], "label")


def test_missing_values_and_missing_names(mosaic):
    mosaic.mod["protein"].X[2, 3] = np.nan
    with pytest.raises(ValueError, match="Modality 'protein' has 1 missing"):
        make_cohort(mosaic, "label")
    names = pd.Index(["same", *mosaic.mod["protein"].var_names[1:]])
    mosaic.mod["protein"].var_names = names.where(np.arange(len(names)) > 1, "same")
    with pytest.raises(ValueError, match="feature name"):
        make_cohort(mosaic, "label")


def test_links_that_fit_nothing_are_refused(mosaic):
    columns = ["source_modality", "source_feature", "target_modality", "target_feature"]
    table = pd.DataFrame([("protein", "p", "rna", "g")], columns=columns)
    with pytest.raises(KeyError, match="modalities that the data do not have: 'rna'"):
        make_cohort(mosaic, "label", links=table)
    with pytest.raises(KeyError, match="no column 'target_feature'"):
        make_cohort(mosaic, "label", links=table[columns[:3]])
