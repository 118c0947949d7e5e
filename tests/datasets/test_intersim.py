import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from modis import datasets
from modis.datasets._intersim import bayes_probabilities

OMICS = ("methylation", "expression", "protein")


def test_what_comes_back(write_and_read):
    mdata = datasets.intersim(100, (0.7, 0.3))
    assert {name: adata.shape for name, adata in mdata.mod.items()} == {
        "methylation": (100, 367),
        "expression": (100, 131),
        "protein": (100, 160),
    }
    assert mdata.obs["label"].value_counts().to_dict() == {"class_1": 70, "class_2": 30}
    assert mdata.obs["label"].iloc[:70].nunique() == 2, "rows are in random order"
    assert 0 < mdata["methylation"].X.min() < mdata["methylation"].X.max() < 1
    again = write_and_read(mdata)
    for name, adata in mdata.mod.items():
        assert adata.X.dtype == np.float32
        assert np.isfinite(adata.X).all()
        assert adata.obs["label"].equals(mdata.obs["label"])
        assert adata.obs_names.equals(mdata.obs_names)
        assert adata.varm["differential"].shape == (adata.n_vars, 2)
        assert adata.varm["differential"].dtype == bool
        np.testing.assert_array_equal(again[name].X, adata.X)
        np.testing.assert_array_equal(again[name].varm["differential"], adata.varm["differential"])
    links = (each.uns["feature_links"].to_dict("list") for each in (again, mdata))
    assert next(links) == next(links)


def test_seed_decides_the_samples_but_not_the_reference():
    first, again, other = (datasets.intersim(30, seed=seed) for seed in (0, 0, 1))
    for name in OMICS:
        np.testing.assert_array_equal(first[name].X, again[name].X)
        assert not np.array_equal(first[name].X, other[name].X)
    pd.testing.assert_frame_equal(first.uns["feature_links"], other.uns["feature_links"])


def test_effects_carry_over_from_cpg_to_gene_to_protein():
    mdata = datasets.intersim(50)
    links = mdata.uns["feature_links"]
    shifted = {
        name: pd.DataFrame(adata.varm["differential"], index=adata.var_names)
        for name, adata in mdata.mod.items()
    }
    cpgs, proteins = (links[links["source_modality"] == name] for name in OMICS[::2])
    genes = shifted["methylation"].loc[cpgs["source_feature"]]
    genes = genes.groupby(cpgs["target_feature"].to_numpy()).any()
    assert genes.reindex(mdata["expression"].var_names).equals(shifted["expression"])
    np.testing.assert_array_equal(
        shifted["protein"].loc[proteins["source_feature"]],
        shifted["expression"].loc[proteins["target_feature"]],
    )
    assert cpgs["source_feature"].tolist() == mdata["methylation"].var_names.tolist()
    assert proteins["source_feature"].tolist() == mdata["protein"].var_names.tolist()
    assert (links["target_modality"] == "expression").all()


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_share_of_differential_cpgs(p):
    mdata = datasets.intersim(5, p_dmp=p, n_features={"methylation": 2000})
    differential = mdata["methylation"].varm["differential"]
    assert abs(differential.mean() - p) <= 4 * np.sqrt(p * (1 - p) / differential.size)


def test_shifts_are_the_deltas():
    # The same seed draws the same noise, so the difference to a run without effects is exact.
    deltas = {"delta_methylation": 1.5, "delta_expression": -3.0, "delta_protein": 0.5}
    with_effect = datasets.intersim(40, **deltas)
    without = datasets.intersim(40, **dict.fromkeys(deltas, 0.0))
    codes = with_effect.obs["label"].cat.codes.to_numpy()
    for name, delta in zip(OMICS, deltas.values(), strict=True):
        values, base = with_effect[name].X.astype(float), without[name].X.astype(float)
        if name == "methylation":
            values, base = logit(values), logit(base)
        expected = delta * with_effect[name].varm["differential"].T[codes]
        np.testing.assert_allclose(values - base, expected, atol=2e-3)


def test_modalities_are_independent_within_a_class():
    mdata = datasets.intersim(3000, (1.0,), n_features=dict.fromkeys(OMICS, 4))
    correlation = np.abs(np.corrcoef(np.hstack([mdata[name].X for name in OMICS]).T))
    block = np.repeat(np.arange(3), 4)
    assert correlation[block[:, None] != block].max() < 4.5 / np.sqrt(3000)


@pytest.mark.parametrize(
    "n_features",
    [
        {"methylation": 3, "expression": 7, "protein": 1},
        {"methylation": 1, "expression": 1, "protein": 1},
        {"methylation": 1200, "expression": 20, "protein": 10},
        {"protein": 40},
    ],
)
def test_other_sizes(n_features):
    mdata = datasets.intersim(12, n_features=n_features)
    expected = {"methylation": 367, "expression": 131, "protein": 160} | n_features
    assert {name: adata.n_vars for name, adata in mdata.mod.items()} == expected
    assert all(adata.var_names.is_unique for adata in mdata.mod.values())
    assert all(np.isfinite(adata.X).all() for adata in mdata.mod.values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"class_proportions": (0.5, 0.4)}, "positive numbers that sum to 1"),
        ({"class_proportions": (1.2, -0.2)}, "positive numbers"),
        ({"class_proportions": ()}, "positive numbers"),
        ({"n_samples": 0}, "class_1 gets no sample"),
        ({"n_samples": 3}, "class_4 gets no sample"),
        ({"p_dmp": 1.5}, "p_dmp must lie between 0 and 1, found 1.5"),
        ({"reference": "tcga"}, "found 'tcga'"),
        ({"n_features": {"rna": 5}}, "'rna'.*methylation"),
        ({"n_features": {"protein": 0}}, "'protein'.*at least 1, found 0"),
        ({"reference_path": "/tmp"}, 'reference_path for "tcga-ov"'),
        ({"reference": "tcga-ov", "n_features": {"protein": 5}}, "n_features is only for"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        datasets.intersim(**arguments)


def _accuracy(probabilities, mdata):
    true = mdata.obs["label"].astype(str)
    return {name: (p.idxmax(axis=1) == true[p.index]).mean() for name, p in probabilities.items()}


def test_discriminant_analysis_on_many_samples_approaches_bayes_rule():
    sizes = dict(zip(OMICS, (12, 8, 10), strict=True))
    deltas = {f"delta_{name}": 0.5 for name in OMICS}
    # one simulation, so one set of differential features: many samples train, the others test
    mdata = datasets.intersim(45_000, n_features=sizes, **deltas, seed=1)
    train, test = datasets.split(mdata, 1 / 9)
    test["methylation"].X[:3, :2] = [0, 1]  # as values near the ends are rounded
    bayes = bayes_probabilities(test, **deltas)
    accuracy = _accuracy(bayes, test)
    for name in OMICS:
        x, x_test = (mdata[name].X.astype(float) for mdata in (train, test))
        if name == "methylation":
            x, x_test = logit(x), logit(x_test.clip(1e-6, 1 - 1e-6))
        learner = LinearDiscriminantAnalysis().fit(x, train[name].obs["label"].astype(str))
        np.testing.assert_allclose(bayes[name].sum(axis=1), 1)
        assert np.abs(learner.predict_proba(x_test) - bayes[name].to_numpy()).mean() < 0.01
        score = learner.score(x_test, test[name].obs["label"].astype(str))
        assert score == pytest.approx(accuracy[name], abs=0.01)
        assert 0.3 < accuracy[name] < 0.99


@pytest.mark.parametrize("reference", ["synthetic", "tcga-ov"])
def test_the_papers_classes_can_be_told_apart(reference, shared_data):
    folder = shared_data / "intersim_reference" if reference == "tcga-ov" else None
    where = {"reference": reference, "reference_path": folder}
    mdata = datasets.unpair(datasets.intersim(1000, **where))
    best = bayes_probabilities(mdata, **where, **{f"delta_{name}": 2.0 for name in OMICS})
    assert [list(own.index) for own in best.values()] == [list(mdata[n].obs_names) for n in OMICS]
    assert min(_accuracy(best, mdata).values()) > 0.999
