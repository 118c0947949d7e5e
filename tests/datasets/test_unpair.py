from __future__ import annotations

import mudata as md
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modis import datasets

WHAT_MUDATA_SAYS_ON_READING = pytest.mark.filterwarnings(
    "ignore:From 0.4 .update:FutureWarning",
    "ignore:var_names are not unique:UserWarning",
    "ignore:Cannot join columns with the same name:UserWarning",
)

SMALL = {"methylation": 3, "expression": 2, "protein": 2}


@settings(max_examples=25)
@given(seed=st.integers(0, 2**31), n=st.integers(10, 60))
def test_every_observation_keeps_one_modality_in_balance(seed, n):
    paired = datasets.intersim(n, (0.5, 0.3, 0.2), n_features=SMALL)
    result = datasets.unpair(paired, seed=seed)
    names = [name for adata in result.mod.values() for name in adata.obs_names]
    assert sorted(names) == sorted(paired.obs_names)
    for label in paired.obs["label"].cat.categories:
        counts = [(result[name].obs["label"] == label).sum() for name in paired.mod]
        assert max(counts) - min(counts) <= 1
    for name, adata in result.mod.items():
        assert (adata.obs["observed_modality"] == name).all()


def test_dealt_in_turn_in_the_order_drawn(paired):
    # The procedure as it is documented, written out for paired data.
    rng = np.random.default_rng(5)
    expected = {}
    for label in sorted(paired.obs["label"].unique()):
        members = paired.obs_names[paired.obs["label"] == label]
        for turn, name in enumerate(members[rng.permutation(len(members))]):
            expected[name] = list(paired.mod)[turn % 3]
    result = datasets.unpair(paired, seed=5)
    assert result.obs["observed_modality"].astype(str).to_dict() == expected


def test_seed_decides(paired):
    first, again, other = (
        datasets.unpair(paired, seed=seed).obs["observed_modality"].reindex(paired.obs_names)
        for seed in (0, 0, 1)
    )
    assert first.equals(again)
    assert not first.equals(other)


def test_mosaic_observations_keep_a_modality_that_they_have(mosaic, check_consistent):
    result = datasets.unpair(mosaic)
    check_consistent(result, mosaic)
    assert sum(adata.n_obs for adata in result.mod.values()) == mosaic.n_obs == 60
    # Within a class 20 observations: 6-7 only in a, 3-4 only in b; equal shares are possible.
    for label in "xyz":
        counts = [(adata.obs["label"] == label).sum() for adata in result.mod.values()]
        assert max(counts) - min(counts) <= 1


def test_unlabelled_observations_are_dealt_too(mosaic):
    mosaic.obs.loc[mosaic.obs["label"] == "z", "label"] = np.nan
    result = datasets.unpair(mosaic)
    assert result.n_obs == 60
    assert result.obs["label"].isna().sum() == 20


def test_observed_key(mosaic, check_consistent):
    order = [int(name[1:]) for name in mosaic.obs_names]
    mosaic.obs["kept"] = ["a" if i < 25 else "b" if i < 55 else None for i in order]
    result = datasets.unpair(mosaic, observed_key="kept")
    check_consistent(result, mosaic)
    assert {name: adata.n_obs for name, adata in result.mod.items()} == {"a": 25, "b": 30}
    assert (result.obs["kept"] == result.obs["observed_modality"].astype(str)).all()


def test_observed_key_needs_no_labels(mosaic):
    mosaic.obs["kept"] = "b"
    mosaic.obs.loc[~mosaic.obs_names.isin(mosaic["b"].obs_names), "kept"] = "a"
    del mosaic.obs["label"]
    assert datasets.unpair(mosaic, observed_key="kept")["b"].n_obs == 40


def test_observed_key_must_name_a_modality_of_the_observation(mosaic):
    mosaic.obs["kept"] = "a"
    with pytest.raises(ValueError, match=r"gives 20 observations to modality 'a'.*'s40'"):
        datasets.unpair(mosaic, observed_key="kept")
    mosaic.obs["kept"] = "rna"
    with pytest.raises(ValueError, match="'rna'.*none of the modalities"):
        datasets.unpair(mosaic, observed_key="kept")


def test_modalities(mosaic):
    result = datasets.unpair(mosaic, modalities=["a", "b"])
    assert list(result.mod) == ["a", "b"]
    assert result.n_obs == 60
    with pytest.raises(KeyError, match="'rna'.*'a', 'b', 'c'"):
        datasets.unpair(mosaic, modalities=["rna"])


@WHAT_MUDATA_SAYS_ON_READING
def test_the_simulation_made_by_r(shared_data):
    mdata = md.read_h5mu(shared_data / "intersim_r.h5mu")
    result = datasets.unpair(mdata, observed_key="observed_modality")
    observed = mdata.obs["observed_modality"]
    for name, adata in result.mod.items():
        assert set(adata.obs_names) == set(observed.index[observed == name])
        assert adata.obs["label"].equals(mdata.obs["label"].reindex(adata.obs_names))
        assert adata.obs["split"].equals(mdata.obs["split"].reindex(adata.obs_names))


@WHAT_MUDATA_SAYS_ON_READING
def test_counts_of_a_real_cohort(shared_data):
    mdata = md.read_h5mu(shared_data / "brca_tcga.h5mu")
    train = mdata[mdata.obs["split70_seed0"].to_numpy() == "train"]
    result = datasets.unpair(train.copy(), seed=0)
    sizes = train.obs["label"].value_counts()
    expected = [sum((n - turn + 3) // 4 for n in sizes) for turn in range(4)]
    assert [adata.n_obs for adata in result.mod.values()] == expected
