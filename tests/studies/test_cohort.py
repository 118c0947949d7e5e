import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from modis.model import MODIS
from modis.studies import UNLABELED, make_cohort, without_pulling


def modality(prefix, names):
    x = np.random.default_rng(len(names)).normal(size=(len(names), 3)).astype("float32")
    var = pd.DataFrame(index=[f"{prefix}{i}" for i in range(3)])
    return ad.AnnData(x, obs=pd.DataFrame(index=names), var=var)


@pytest.fixture
def small():
    """Twelve observations: rna on 0-7, protein on 4-11; two classes, two without a label."""
    names = [f"s{i}" for i in range(12)]
    with without_pulling():
        mdata = md.MuData({"rna": modality("g", names[:8]), "protein": modality("p", names[4:])})
    label = pd.Series(["a", "b"] * 5 + ["unknown", None], index=names)
    mdata.obs["label"] = label.reindex(mdata.obs_names)
    mdata.obs["split"] = ["train", "test"] * 6
    return mdata


def test_only_what_is_used_is_kept(mosaic):
    how = {"layer": "protein=counts", "likelihood": {"protein": "nb"}}
    cohort = make_cohort(mosaic, "label", split_key="part", **how)
    assert list(cohort.modalities) == ["methylation", "protein"]
    counts = mosaic.mod["protein"].layers["counts"]
    np.testing.assert_array_equal(cohort.modalities["protein"].X, counts)
    assert cohort.is_counts("protein")
    assert not cohort.is_counts("methylation")
    assert len(cohort.label) == 120
    assert cohort.n_modalities.value_counts().to_dict() == {1: 80, 2: 40}
    assert set(cohort.part) == {"train", "test"}


def test_stated_parts_and_counts(small):
    cohort = make_cohort(small, "label", split_key="split")
    assert list(cohort.part) == ["train", "test"] * 6
    assert {name: list(own) for name, own in cohort.names("train").items()} == {
        "rna": ["s0", "s2", "s4", "s6"],
        "protein": ["s4", "s6", "s8", "s10"],
    }
    assert cohort.counts("train").to_dict("index") == {
        "rna": {"a": 4, "b": 0, UNLABELED: 0},
        "protein": {"a": 3, "b": 0, UNLABELED: 1},
    }
    assert cohort.counts("test").loc["protein"].to_dict() == {"a": 0, "b": 3, UNLABELED: 1}
    assert cohort.n_modalities.sort_index(
        key=lambda names: names.str[1:].astype(int)
    ).tolist() == ([1] * 4 + [2] * 4 + [1] * 4)
    assert cohort.samples.shape == (16, 4)


def test_drawn_parts(small):
    for seed in range(3):
        cohort = make_cohort(small, "label", test_size=0.4, seed=seed)
        test = cohort.part.index[cohort.part == "test"]
        # only labelled observations, equally from both classes
        assert set(small.obs.loc[test, "label"].value_counts()) == {2}
        assert make_cohort(small, "label", test_size=0.4, seed=seed).part.equals(cohort.part)
    assert not make_cohort(small, "label", test_size=0.4).part.equals(cohort.part)
    without = make_cohort(small, test_size=0.25)
    assert (without.part == "test").sum() == 3
    assert without.label.empty
    assert make_cohort(small).part is None


def test_the_data_of_a_model(small):
    for adata in small.mod.values():
        adata.obs["site"] = ["x", "y"] * 4
        adata.layers["twice"] = 2 * adata.X
    how = {"modalities": ["rna"], "batch_key": "site", "layer": "twice"}
    cohort = make_cohort(small, "label", split_key="split", **how)
    labels = {"rna": cohort.labels["rna"].mask(lambda c: c.index == "s2", None)}
    train = cohort.mudata({"rna": pd.Index(["s2", "s0"])}, labels)
    np.testing.assert_array_equal(train.mod["rna"].X, 2 * small.mod["rna"].X[[2, 0]])
    assert train.mod["rna"].obs["label"].isna().tolist() == [True, False]
    assert train.mod["rna"].obs["site"].tolist() == ["x", "x"]
    test = cohort.mudata(cohort.names("test"))
    assert list(test.mod["rna"].obs) == ["site"]
    # the user's own modalities with their layers; of those that are not used the name alone
    whole = cohort.mudata(cohort.names("train", small.mod), cohort.labels, small.mod)
    assert "twice" in whole.mod["rna"].layers
    assert whole.mod["protein"].n_vars == 0
    # s8 and s10 are in no modality that is used
    assert list(whole.mod["protein"].obs_names) == ["s4", "s6"]
    MODIS.setup_mudata(whole, modalities=["rna"], labels_key="label", layer=cohort.layer)
    assert list(small.mod["rna"].obs) == ["site"]


def test_whatever_decides_the_runs_decides_the_digest(mosaic):
    how = {"split_key": "part", "batch_key": "batch"}
    for adata in mosaic.mod.values():
        adata.obs["batch"] = "one"
    digests = [make_cohort(mosaic, "label", **how).digest]
    assert make_cohort(mosaic.copy(), "label", **how).digest == digests[0]
    digests.append(make_cohort(mosaic, "label", **how, modalities=["protein"]).digest)
    digests.append(make_cohort(mosaic, "label", **how, layer="protein=counts").digest)
    digests.append(make_cohort(mosaic, "label", split_key="part").digest)
    digests.append(make_cohort(mosaic, "label", batch_key="batch").digest)
    name = mosaic.mod["protein"].obs_names[-1]
    for column, value in (("label", "class_9"), ("batch", "two"), ("part", "test")):
        other = mosaic.copy()
        obs = other.mod["protein"].obs
        assert obs.loc[name, column] != value
        obs.loc[name, column] = value
        digests.append(make_cohort(other, "label", **how).digest)
    other = mosaic.copy()
    other.mod["protein"].X[0, 0] += 1
    digests.append(make_cohort(other, "label", **how).digest)
    other.mod["protein"].X = sparse.csr_matrix(other.mod["protein"].X)
    digests.append(make_cohort(other, "label", **how).digest)
    assert len(set(digests)) == len(digests)


LINKS = pd.DataFrame(
    [("protein", "p", "rna", "g")],
    columns=["source_modality", "source_feature", "target_modality", "target_feature"],
)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"split_key": "half"}, KeyError, "no obs column 'half'"),
        ({"likelihood": "nb"}, ValueError, "cannot explain"),
        ({"likelihood": "normal"}, ValueError, "not known; choose one of"),
        ({"links": LINKS}, KeyError, "modalities that the data do not have: 'rna'"),
        ({"links": LINKS.iloc[:, :3]}, KeyError, "no column 'target_feature'"),
    ],
)
def test_what_cannot_be_used_is_refused(mosaic, arguments, error, said):
    with pytest.raises(error, match=said):
        make_cohort(mosaic, **{"labels_key": "label", **arguments})


def test_values_and_names_are_checked(mosaic):
    with pytest.raises(TypeError, match="Wrap it"):
        make_cohort(mosaic.mod["protein"], "label")
    mosaic.mod["protein"].X[2, 3] = np.inf
    with pytest.raises(ValueError, match="Modality 'protein' has 1 infinite"):
        make_cohort(mosaic, "label")
    names = pd.Index(["same", *mosaic.mod["protein"].var_names[1:]])
    mosaic.mod["protein"].var_names = names.where(np.arange(len(names)) > 1, "same")
    with pytest.raises(ValueError, match="feature name"):
        make_cohort(mosaic, "label")


def test_refused_splits(small):
    def refuse(said):
        with pytest.raises(ValueError, match=said):
            make_cohort(small, split_key="split")

    small.mod["rna"].obs["split"] = "train"
    refuse("4 observations have different values of 'split'")
    del small.mod["rna"].obs["split"]
    for last, said in ((None, "has '', for 1 .* 's11'"), ("val", "also has 'val'")):
        small.obs["split"] = ["train"] * 11 + [last]
        refuse(said)
