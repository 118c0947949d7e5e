from __future__ import annotations

import mudata as md
import pandas as pd
import pytest

from modis.datasets import bayes_probabilities
from modis.experiments import Source, split_paired


def test_parts_are_unpaired_and_as_the_columns_say(paired):
    for part, mdata in zip(("train", "test"), split_paired(paired), strict=True):
        seen = [name for adata in mdata.mod.values() for name in adata.obs_names]
        assert len(seen) == len(set(seen))
        assert set(seen) == set(paired.obs_names[paired.obs["split"] == part])
        for modality, adata in mdata.mod.items():
            assert (paired.obs.loc[adata.obs_names, "observed_modality"] == modality).all()


def test_without_columns_parts_are_drawn(paired):
    train, test = split_paired(paired, split_key=None, observed_key=None)
    assert (train.n_obs, test.n_obs) == (192, 48)
    assert set(train.obs_names).isdisjoint(test.obs_names)
    # one of each of the five classes more or less
    assert all(abs(adata.n_obs - 64) <= 5 for adata in train.mod.values())


def test_simulated():
    source = Source(n_samples=150)
    cohort = source.load()
    assert cohort.truth.shape == (150, 658)
    assert cohort.train.n_obs + cohort.test.n_obs == 150
    assert cohort.links.equals(cohort.truth.uns["feature_links"])
    assert source.load() is cohort
    other = source.load(0.5)
    assert other is not cohort
    # the same effects, only smaller
    for name in other.truth.mod:
        pair = [c.truth[name].varm["differential"] for c in (other, cohort)]
        assert (pair[0] == pair[1]).all()


def test_file(data_file, paired, tmp_path):
    cohort = Source(str(data_file)).load()
    assert set(cohort.test.obs_names) == set(paired.obs_names[paired.obs["split"] == "test"])
    assert set(cohort.links) == set(paired.uns["feature_links"])
    table = tmp_path / "links.csv"
    paired.uns["feature_links"].head(5).to_csv(table, index=False)
    source = Source(str(data_file), links_file=table)
    assert len(source.load().links) == 5
    # links of a file are no links of simulated data
    assert len(source.load(1.0).links) > 5
    assert source.describe_links() is not None
    assert source.describe_links(1.0) is None


def test_descriptions_tell_data_apart(data_file, tmp_path):
    other = tmp_path / "other.h5mu"
    other.write_bytes(data_file.read_bytes() + b" ")
    described = [
        str(source.describe(delta))
        for source, delta in [
            (Source(), None),
            (Source(n_samples=100), None),
            (Source("intersim-r"), None),
            (Source(), 0.5),
            (Source("intersim-r"), 0.5),
            (Source(str(data_file)), None),
            (Source(str(other)), None),
        ]
    ]
    assert len(set(described)) == len(described)
    assert Source(str(data_file)).describe(0.5) == Source().describe(0.5)
    with_reference = Source(str(data_file), reference_path=tmp_path)
    assert with_reference.describe(0.5) == Source("intersim-r").describe(0.5)


def test_bayes_rows_are_those_of_the_test_samples():
    source = Source(n_samples=400)
    rows = pd.DataFrame(source.rate_bayes(0.25))
    test = source.load(0.25).test
    deltas = {f"delta_{name}": 0.25 for name in test.mod}
    best = bayes_probabilities(test, **deltas)["expression"].idxmax(axis=1)
    right = (best == test["expression"].obs["label"].astype(str)).mean()
    own = rows[(rows["metric"] == "accuracy") & (rows["source"] == "expression")]
    assert own["value"].item() == pytest.approx(right)
    assert 0.5 < right < 1


def test_the_r_packages_reference(shared_data):
    source = Source("intersim-r", reference_path=shared_data / "intersim_reference", n_samples=90)
    assert source.load().truth["protein"].var_names[0] == "ACC1"


def test_files_that_cannot_serve(paired, tmp_path):
    with pytest.raises(FileNotFoundError, match="no file 'synthetc', nor are there data"):
        Source("synthetc").check()
    with pytest.raises(FileNotFoundError, match="There is no file .*none.csv'.$"):
        Source(links_file=tmp_path / "none.csv").check()
    path = tmp_path / "bad.h5mu"
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="cannot be read as a .h5mu file"):
        Source(str(path)).load()

    def refused(name, mdata, match):
        file = tmp_path / f"{name}.h5mu"
        mdata.write(file)
        with pytest.raises(ValueError, match=match):
            Source(str(file)).load()

    copy = paired.copy()
    copy.obs["label"] = copy.obs["label"].where(copy.obs["label"] != "class_2")
    refused("unlabelled", copy, "a class for every observation")
    single = md.MuData({"protein": paired["protein"].copy()})
    single.obs["label"] = paired.obs["label"]
    refused("single", single, "two modalities and two classes")
    mosaic = md.MuData({name: paired[name].copy() for name in ("protein", "expression")})
    mosaic.mod["protein"] = mosaic["protein"][:100].copy()
    mosaic.update()
    mosaic.obs["label"] = paired.obs["label"]
    refused("mosaic", mosaic, "'protein' lacks 140 of the 240")
