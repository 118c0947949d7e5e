import mudata as md
import pandas as pd
import pytest

from modis.studies._source import Source, split_paired


def test_parts_are_unpaired_and_as_the_columns_say(paired):
    for part, mdata in zip(("train", "test"), split_paired(paired), strict=True):
        seen = [name for adata in mdata.mod.values() for name in adata.obs_names]
        assert len(seen) == len(set(seen))
        assert set(seen) == set(paired.obs_names[paired.obs["split"] == part])
        for modality, adata in mdata.mod.items():
            assert (paired.obs.loc[adata.obs_names, "observed_modality"] == modality).all()


def test_without_columns_parts_are_drawn(paired):
    drawn = paired.copy()
    drawn.obs = drawn.obs.drop(columns=["split", "observed_modality"])
    train, test = split_paired(drawn)
    assert (train.n_obs, test.n_obs) == (96, 24)
    assert set(train.obs_names).isdisjoint(test.obs_names)
    # one of each of the five classes more or less
    assert all(abs(adata.n_obs - 32) <= 5 for adata in train.mod.values())


def test_simulated():
    source = Source(n_samples=150)
    parts = source.load()
    assert parts.truth.shape == (150, 658)
    assert parts.train.n_obs + parts.test.n_obs == 150
    assert parts.links.equals(parts.truth.uns["feature_links"])
    assert source.load() is parts
    other = source.load(0.5)
    assert other is not parts
    # the same effects, only smaller
    for name in other.truth.mod:
        pair = [own.truth[name].varm["differential"] for own in (other, parts)]
        assert (pair[0] == pair[1]).all()


def test_file(data_file, paired, tmp_path):
    parts = Source(str(data_file)).load()
    assert set(parts.test.obs_names) == set(paired.obs_names[paired.obs["split"] == "test"])
    assert set(parts.links) == set(paired.uns["feature_links"])
    table = tmp_path / "links.csv"
    paired.uns["feature_links"].head(5).to_csv(table, index=False)
    source = Source(str(data_file), links_file=table)
    assert len(source.load().links) == 5
    # links of a file are no links of simulated data
    assert len(source.load(1.0).links) > 5
    for own in (source, Source(links_file=table)):
        with_links, without = own.describe(None, links=True), own.describe(None, links=False)
        assert with_links != without
        assert own.describe(1.0, links=True) == own.describe(1.0, links=False)


def test_a_folder_of_tables_is_as_good_as_a_file(data_file, paired, tmp_path):
    for name, adata in paired.mod.items():
        adata.to_df().to_csv(tmp_path / f"{name}.csv")
    paired.obs[["label", "split", "observed_modality"]].to_csv(tmp_path / "labels.csv")
    (source := Source(str(tmp_path))).check()
    for part, own in zip(Source(str(data_file)).load()[:3], source.load()[:3], strict=True):
        assert set(own.mod) == set(part.mod)
        for name, adata in part.mod.items():
            pd.testing.assert_frame_equal(own[name].to_df().loc[adata.obs_names], adata.to_df())


def test_descriptions_tell_data_apart(data_file, tmp_path):
    other = tmp_path / "other.h5mu"
    other.write_bytes(data_file.read_bytes() + b" ")

    def describe(delta, *arguments, **options):
        return Source(*arguments, **options).describe(delta, links=True)

    described = [
        describe(None),
        describe(None, n_samples=100),
        describe(None, "intersim-r"),
        describe(0.5),
        describe(0.5, "intersim-r"),
        describe(None, str(data_file)),
        describe(None, str(other)),
        describe(None, str(tmp_path)),
        describe(None, str(data_file.parent)),
    ]
    assert len(set(map(str, described))) == len(described)
    assert describe(0.5, str(data_file)) == describe(0.5)
    with_reference = describe(0.5, str(data_file), reference_path=tmp_path)
    assert with_reference == describe(0.5, "intersim-r")


def test_the_r_packages_reference(shared_data):
    source = Source("intersim-r", reference_path=shared_data / "intersim_reference", n_samples=90)
    assert source.load().truth["protein"].var_names[0] == "ACC1"


def test_files_that_cannot_serve(paired, tmp_path):
    with pytest.raises(FileNotFoundError, match="no file 'synthetc', nor are there data"):
        Source("synthetc").check()
    with pytest.raises(FileNotFoundError, match="There is no file .*none.csv'.$"):
        Source(links_file=tmp_path / "none.csv").check()

    def refused(name, mdata, match):
        file = tmp_path / f"{name}.h5mu"
        mdata.write(file)
        with pytest.raises(ValueError, match=match):
            Source(str(file)).load()

    copy = paired.copy()
    copy.obs["observed_modality"] = "rna"
    refused("unknown", copy, r"names \['rna'\]; the modalities are \['methylation'")
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
    refused("mosaic", mosaic, "'protein' lacks 20 of the 120")
