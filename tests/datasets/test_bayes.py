import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from modis import datasets

SIZES = {"methylation": 12, "expression": 8, "protein": 10}


def _deltas(delta):
    return {f"delta_{name}": delta for name in SIZES}


def _values(adata):
    values = np.asarray(adata.X, dtype=float)
    return logit(values) if adata.var_names[0].startswith("cpg") else values


def _accuracy(probabilities, mdata):
    true = mdata.obs["label"].astype(str)
    return {
        name: (table.idxmax(axis=1) == true.loc[table.index]).mean()
        for name, table in probabilities.items()
    }


def test_discriminant_analysis_on_many_samples_approaches_it():
    # one simulation, so one set of differential features: many samples train, the others test
    mdata = datasets.intersim(45_000, n_features=SIZES, **_deltas(0.5), seed=1)
    train, test = datasets.split(mdata, 1 / 9)
    bayes = datasets.bayes_probabilities(test, **_deltas(0.5))
    accuracy = _accuracy(bayes, test)
    for name in SIZES:
        learner = LinearDiscriminantAnalysis()
        learner.fit(_values(train[name]), train[name].obs["label"].astype(str))
        learned = learner.predict_proba(_values(test[name]))
        assert np.abs(learned - bayes[name].to_numpy()).mean() < 0.01
        score = learner.score(_values(test[name]), test[name].obs["label"].astype(str))
        assert score == pytest.approx(accuracy[name], abs=0.01)
        assert 0.3 < accuracy[name] < 0.99


@pytest.mark.parametrize("reference", ["synthetic", "tcga-ov"])
def test_the_papers_classes_can_be_told_apart(reference, shared_data):
    folder = shared_data / "intersim_reference" if reference == "tcga-ov" else None
    where = {"reference": reference, "reference_path": folder}
    mdata = datasets.intersim(1000, **where)
    accuracy = _accuracy(datasets.bayes_probabilities(mdata, **where), mdata)
    assert min(accuracy.values()) > 0.999


@pytest.mark.parametrize("kind", [tuple, np.array])
def test_without_effects_only_the_proportions_are_known(kind):
    mdata = datasets.intersim(50, (0.7, 0.3), n_features=SIZES, **_deltas(0))
    for table in datasets.bayes_probabilities(mdata, kind((0.7, 0.3)), **_deltas(0)).values():
        np.testing.assert_allclose(table, np.tile([0.7, 0.3], (50, 1)))


def test_rows_are_those_of_the_modality_and_finite():
    unpaired = datasets.unpair(datasets.intersim(60, n_features=SIZES))
    unpaired["methylation"].X[:, :2] = [0, 1]  # as values near the ends are rounded
    for name, table in datasets.bayes_probabilities(unpaired).items():
        assert list(table.index) == list(unpaired[name].obs_names)
        assert list(table.columns) == [f"class_{k}" for k in range(1, 6)]
        np.testing.assert_allclose(table.sum(axis=1), 1)


def test_data_of_another_origin_are_refused():
    mdata = datasets.intersim(30, n_features=SIZES)
    with pytest.raises(ValueError, match="class_proportions must be positive numbers"):
        datasets.bayes_probabilities(mdata, (0.5, 0.5))
    mdata["protein"].var_names = pd.Index([f"p{k}" for k in range(10)])
    other_names = mdata.copy()
    del mdata["protein"].varm["differential"]
    without_truth = mdata.copy()
    del mdata.mod["protein"]
    for other in (other_names, without_truth, mdata):
        with pytest.raises(ValueError, match="'protein' is not one that .*intersim made"):
            datasets.bayes_probabilities(other)
