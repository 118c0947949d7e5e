import pandas as pd
import pytest
from scipy.stats import chisquare

from modis.datasets import intersim, unpair
from modis.studies import FIGURES, SETTINGS
from modis.studies._settings import corrupted, settings_of

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
