import numpy as np
import pandas as pd
import pytest
import torch

from modis.model import _importance

from .._make import CPG, PROTEIN, RNA, make_mudata
from ._made import equal, weights
from .conftest import LIKELIHOODS

COLUMNS = ["modality", "class", "rank", "feature", "importance", "attribution"]
COLUMNS += ["direction", "mean_class", "mean_baseline"]


def by_feature(table):
    return table.sort_values(["class", "feature"], ignore_index=True)


def scaled(model, modality, rows):
    x = np.asarray(model.adata.mod[modality].X)[rows]
    return model.module.scale(modality, torch.as_tensor(x))


def score(model, modality, x, code):
    """Logit minus the mean logit of the other two classes."""
    mean = model.module.encoders[modality](x).mean
    logits = model.module.class_log_probability(modality, x, mean)
    others = [k for k in range(logits.shape[1]) if k != code]
    return logits[:, code] - logits[:, others].mean(dim=1)


def test_table(model, mdata):
    before = weights(model)
    table = model.feature_importance(CPG)
    assert list(table.columns) == COLUMNS
    assert set(table["modality"]) == {CPG}
    assert list(table["class"].unique()) == ["a", "b", "c"]
    for _, own in table.groupby("class"):
        assert set(own["feature"]) == set(mdata.mod[CPG].var_names)
        assert list(own["rank"]) == list(range(1, len(own) + 1))
        assert own["importance"].is_monotonic_decreasing
    np.testing.assert_array_equal(table["importance"], table["attribution"].abs())
    higher = table["mean_class"] > table["mean_baseline"]
    np.testing.assert_array_equal(higher, table["direction"] == "up")
    one = model.feature_importance(CPG, "b")
    expected = table[table["class"] == "b"].reset_index(drop=True)
    pd.testing.assert_frame_equal(one, expected, rtol=1e-5)
    # and the model is as it was
    assert equal(weights(model), before)
    assert not model.module.training
    assert all(parameter.grad is None for parameter in model.module.parameters())


@pytest.mark.parametrize("modality", [RNA, PROTEIN])
@pytest.mark.parametrize("baseline", ["other_classes", "mean"])
def test_contributions_sum_to_the_difference_in_score(
    model, mdata, monkeypatch, modality, baseline
):
    monkeypatch.setattr(_importance, "_N_STEPS", 300)
    table = model.feature_importance(modality, baseline=baseline)
    labels = mdata.mod[modality].obs["label"].to_numpy(str)
    rows = {name: scaled(model, modality, labels == name) for name in "abc"}
    means = {name: own.mean(dim=0, keepdim=True) for name, own in rows.items()}
    for code, name in enumerate("abc"):
        start = torch.zeros_like(means[name])
        if baseline == "other_classes":
            start = torch.stack([means[other] for other in "abc" if other != name]).mean(dim=0)
        with torch.no_grad():
            told = [score(model, modality, x, code).mean() for x in (rows[name], start)]
        found = table.loc[table["class"] == name, "attribution"].sum()
        assert found == pytest.approx(float(told[0] - told[1]), rel=0.02, abs=2e-3)


def test_means_are_in_the_units_of_the_data(fit, mdata):
    how = {"model": {"scaling": "minmax"}, "train": {"train_size": 1.0}}
    model = fit(mdata.copy(), likelihood=LIKELIHOODS, **how)
    table = by_feature(model.feature_importance(RNA, "a"))
    adata = mdata.mod[RNA][:, table["feature"]]
    labels = adata.obs["label"].to_numpy(str)
    means = {name: adata.X[labels == name].mean(axis=0) for name in "abc"}
    np.testing.assert_allclose(table["mean_class"], means["a"], rtol=1e-3, atol=1e-4)
    others = (means["b"] + means["c"]) / 2
    np.testing.assert_allclose(table["mean_baseline"], others, rtol=1e-3, atol=1e-4)
    # the mean of the training samples, which are all of them
    table = by_feature(model.feature_importance(RNA, "a", baseline="mean"))
    np.testing.assert_allclose(table["mean_baseline"], adata.X.mean(axis=0), rtol=1e-3)


def test_means_of_counts_are_counts_at_the_typical_depth(model, mdata):
    table = by_feature(model.feature_importance(PROTEIN, "a"))
    adata = mdata.mod[PROTEIN][:, table["feature"]]
    counts = adata.X[(adata.obs["label"] == "a").to_numpy()]
    typical = float(model.module.decoders[PROTEIN].typical_library)
    expected = np.expm1(np.log1p(counts / counts.sum(axis=1, keepdims=True) * typical).mean(0))
    np.testing.assert_allclose(table["mean_class"], expected, rtol=1e-3)


@pytest.mark.parametrize("n_labeled", [0, 30])
def test_unlabelled_observations_belong_to_the_class_predicted(model, mdata, n_labeled):
    hidden = make_mudata({RNA: mdata.mod[RNA].copy()})
    hidden.obs = hidden.obs[[]]
    own = hidden.mod[RNA].obs
    known = np.arange(len(own)) < n_labeled
    # text, whatever another test made of it
    label = own["label"].astype(str)
    member = label.where(known, model.predict(hidden, RNA).astype(str))
    own["label"] = label.where(known, "unknown")
    if not n_labeled:
        del own["label"]
    for name in set(member):
        rows = np.flatnonzero(member == name)
        table = model.feature_importance(RNA, name, hidden)
        chosen = model.feature_importance(RNA, name, hidden, indices=rows)
        pd.testing.assert_frame_equal(table, chosen)


def test_indices_are_explained_whatever_their_class(model):
    single = [model.feature_importance(RNA, "a", indices=[row]) for row in (0, 1, 5)]
    both = model.feature_importance(RNA, "a", indices=[0, 1, 5])
    mean = sum(by_feature(table)["attribution"] for table in single) / 3
    np.testing.assert_allclose(by_feature(both)["attribution"], mean, rtol=1e-4, atol=1e-6)
    mask = np.isin(np.arange(60), [0, 1, 5])
    pd.testing.assert_frame_equal(model.feature_importance(RNA, "a", indices=mask), both)


def test_so_many_observations_of_a_class_are_explained(model, mdata, monkeypatch):
    rows = np.flatnonzero(mdata.mod[RNA].obs["label"] == "a")
    monkeypatch.setattr(_importance, "_MOST_OBS", 5)
    some = model.feature_importance(RNA, "a")
    pd.testing.assert_frame_equal(model.feature_importance(RNA, "a"), some)
    everything = model.feature_importance(RNA, "a", indices=rows)
    assert not np.allclose(by_feature(some)["mean_class"], by_feature(everything)["mean_class"])
    monkeypatch.undo()
    pd.testing.assert_frame_equal(model.feature_importance(RNA, "a"), everything)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"class_name": "d"}, r"Unknown class 'd'; the model has \['a', 'b', 'c'\]"),
        ({"baseline": "zero"}, "'zero' is not known.*other_classes.*mean"),
        ({"indices": []}, "names no observation"),
    ],
)
def test_refused(model, arguments, said):
    with pytest.raises(ValueError, match=said):
        model.feature_importance(RNA, **arguments)


def test_classes_without_observation(model, mdata):
    labels = mdata.mod[RNA].obs["label"]
    rest = make_mudata({RNA: mdata.mod[RNA][(labels != "b").to_numpy()].copy()})
    with pytest.raises(ValueError, match=r"'rna seq' has no observation of class 'b'.*'b': 0"):
        model.feature_importance(RNA, "b", rest)
    assert list(model.feature_importance(RNA, mdata=rest)["class"].unique()) == ["a", "c"]
    one = make_mudata({RNA: mdata.mod[RNA][(labels == "b").to_numpy()].copy()})
    with pytest.raises(ValueError, match="class 'b' only.*baseline='mean'"):
        model.feature_importance(RNA, "b", one)
    assert len(model.feature_importance(RNA, "b", one, baseline="mean")) == 12
