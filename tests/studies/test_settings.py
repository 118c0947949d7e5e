import mudata as md
import pandas as pd
import pytest
from scipy.stats import chisquare

from modis.datasets import intersim, unpair
from modis.studies import FIGURES, SETTINGS
from modis.studies._settings import Source, corrupted, settings_of, split_paired

CLASSES = [f"class_{k}" for k in range(1, 6)]
MODALITIES = ["methylation", "expression", "protein"]
#: Samples of each class in each modality.
N = 120


@pytest.fixture(scope="module")
def train():
    sizes = {"methylation": 4, "expression": 3, "protein": 3}
    return unpair(intersim(n_samples=5 * 3 * N, n_features=sizes, seed=1), seed=1)


def counts(mdata, truth):
    """Samples by class and modality."""
    labels = {name: a.obs["label"].astype(str) for name, a in truth.mod.items()}
    table = {name: labels[name].loc[a.obs_names].value_counts() for name, a in mdata.mod.items()}
    return pd.DataFrame(table).reindex(CLASSES).fillna(0)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("seed", [0, 4])
def test_exactly_what_the_setting_says_is_taken_away(train, name, seed):
    setting, rare = SETTINGS[name], CLASSES[seed % 5]
    expected = pd.DataFrame(N, index=CLASSES, columns=MODALITIES)
    assert setting.rare_class(CLASSES, seed) == (rare if setting.rare_samples else None)
    if setting.rare_samples:
        expected.loc[rare] = setting.rare_samples
    numbers = range(seed, seed + setting.missing_pairs)
    pairs = [(CLASSES[k % 5], MODALITIES[k % 3]) for k in numbers]
    for pair in pairs:
        expected.loc[pair] = setting.put_back
    assert setting.missing(CLASSES, MODALITIES, seed) == pairs
    made, again = (setting.apply(train, seed) for _ in range(2))
    assert made.obs["label"].equals(again.obs["label"])
    # what it is made of stays as it was
    assert (counts(train, train) == N).all(axis=None)
    assert (counts(made, train) == expected).all(axis=None)
    shown = counts(made, made)
    shares = pd.Series(setting.labeled_fraction * setting.reference_fraction, index=CLASSES)
    if setting.rare_samples:
        shares[rare] = 1.0
    labels = [mdata.obs["label"].astype(str) for mdata in (made, train)]
    n_wrong = (labels[0] != labels[1].loc[labels[0].index]).sum()
    if setting.corrupted_fraction:
        assert n_wrong == setting.corrupted_fraction * 15 * N
    else:
        assert (shown.sum() == expected.mul(shares, axis=0).sum().round()).all()
        assert (shown.sub(expected.mul(shares, axis=0)).abs() < 1).all(axis=None)


def test_wrong_labels_are_equally_likely(train):
    truth = train.obs["label"].astype(str)
    pairs = pd.crosstab(truth, corrupted(train, 1.0, seed=1).obs["label"].astype(str))
    for name, row in pairs.iterrows():
        assert row[name] == 0
        assert chisquare(row.drop(name)).pvalue > 1e-4


def test_every_setting_stands_in_one_figure():
    by_figure = [settings_of(figure) for figure in FIGURES]
    assert [len(names) for names in by_figure] == [5, 14, 8, 3, 3]
    assert sorted(sum(by_figure, [])) == sorted(SETTINGS) == sorted(settings_of("all"))
    assert settings_of("fig2", ["labels-5"]) == ["labels-5"]
    with pytest.raises(ValueError, match="no figure 'fig5'"):
        settings_of("fig5")
    with pytest.raises(ValueError, match="'fig2' has no setting 'rare-5'"):
        settings_of("fig2", ["rare-5"])


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
