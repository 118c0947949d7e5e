"""Feature importance: exact sums, the observations explained, and the truth of a simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scvi
import torch

from modis import MODIS
from modis.datasets import intersim, unpair

from .._make import make_mdata, make_mudata
from .conftest import LIKELIHOODS

RNA, CPG, PROTEIN = "rna seq", "CpG-îlots", "a_protein"
MODALITIES = [RNA, CPG, PROTEIN]
COLUMNS = ["modality", "class", "rank", "feature", "importance", "attribution"]
COLUMNS += ["direction", "mean_class", "mean_baseline"]


def by_feature(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values(["class", "feature"], ignore_index=True)


def scaled(model: MODIS, modality: str, rows: np.ndarray) -> torch.Tensor:
    x = np.asarray(model.adata.mod[modality].X)[rows]
    return model.module.scale(modality, torch.as_tensor(x))


def score(model: MODIS, modality: str, x: torch.Tensor, code: int) -> torch.Tensor:
    """Logit minus the mean logit of the other two classes."""
    with torch.no_grad():
        logits = model.module.class_logits(model.module.encoders[modality](x).mean)
    others = [k for k in range(logits.shape[1]) if k != code]
    return logits[:, code] - logits[:, others].mean(dim=1)


@pytest.mark.parametrize("modality", MODALITIES)
def test_table(model, mdata, modality):
    table = model.feature_importance(modality)
    assert list(table.columns) == COLUMNS
    assert set(table["modality"]) == {modality}
    assert list(table["class"].unique()) == ["a", "b", "c"]
    for _, own in table.groupby("class"):
        assert set(own["feature"]) == set(mdata.mod[modality].var_names)
        assert list(own["rank"]) == list(range(1, len(own) + 1))
        assert own["importance"].is_monotonic_decreasing
    np.testing.assert_array_equal(table["importance"], table["attribution"].abs())
    higher = table["mean_class"] > table["mean_baseline"]
    np.testing.assert_array_equal(higher, table["direction"] == "up")
    one = model.feature_importance(modality, "b")
    pd.testing.assert_frame_equal(
        one, table[table["class"] == "b"].reset_index(drop=True), rtol=1e-5
    )


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("baseline", ["other_classes", "mean"])
def test_contributions_sum_to_the_difference_in_score(model, mdata, modality, baseline):
    table = model.feature_importance(modality, baseline=baseline, n_steps=300)
    labels = mdata.mod[modality].obs["label"].to_numpy(str)
    means = {
        name: scaled(model, modality, labels == name).mean(dim=0, keepdim=True) for name in "abc"
    }
    for code, name in enumerate("abc"):
        start = torch.zeros_like(means[name])
        if baseline == "other_classes":
            start = torch.stack([means[other] for other in "abc" if other != name]).mean(dim=0)
        x = scaled(model, modality, labels == name)
        expected = score(model, modality, x, code).mean() - score(model, modality, start, code)[0]
        found = table.loc[table["class"] == name, "attribution"].sum()
        assert found == pytest.approx(float(expected), rel=0.02, abs=2e-3)


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_linear_encoder_gives_every_feature_its_own_part(linear, mdata, modality):
    """One slope per feature, through the components, whatever the observation and the path."""
    encoder, x = linear.module.encoders[modality], scaled(linear, modality, np.arange(30))
    assert encoder.projection is not None
    x.requires_grad_()
    logits = linear.module.class_logits(encoder(x).mean)
    slope = torch.autograd.grad((logits[:, 1] - (logits[:, 0] + logits[:, 2]) / 2).sum(), x)[0]
    torch.testing.assert_close(slope, slope[:1].expand_as(slope))
    labels = mdata.mod[modality].obs["label"].to_numpy(str)
    mean = scaled(linear, modality, labels == "b").mean(dim=0)
    expected = pd.Series((slope[0] * mean).numpy(), mdata.mod[modality].var_names)
    for n_steps in (1, 20):
        table = linear.feature_importance(modality, "b", baseline="mean", n_steps=n_steps)
        found = table.set_index("feature")["attribution"]
        np.testing.assert_allclose(found, expected[found.index], rtol=1e-3, atol=1e-5)


def test_means_are_in_the_units_of_the_data(model, mdata):
    table = by_feature(model.feature_importance(RNA, "a"))
    adata = mdata.mod[RNA][:, table["feature"]]
    labels = adata.obs["label"].to_numpy(str)
    means = {name: adata.X[labels == name].mean(axis=0) for name in "abc"}
    np.testing.assert_allclose(table["mean_class"], means["a"], rtol=1e-4, atol=1e-4)
    expected = (means["b"] + means["c"]) / 2
    np.testing.assert_allclose(table["mean_baseline"], expected, rtol=1e-4, atol=1e-4)


def test_means_of_counts_are_counts_at_the_typical_depth(model, mdata):
    table = by_feature(model.feature_importance(PROTEIN, "a"))
    adata = mdata.mod[PROTEIN][:, table["feature"]]
    counts = adata.X[(adata.obs["label"] == "a").to_numpy()]
    typical = float(model.module.decoder(PROTEIN).typical_library)
    expected = np.expm1(np.log1p(counts / counts.sum(axis=1, keepdims=True) * typical).mean(0))
    np.testing.assert_allclose(table["mean_class"], expected, rtol=1e-3)


def test_a_gene_that_decides_comes_first(fit):
    """Only one of twelve features differs between the classes."""
    data = make_mdata(("gaussian", "gaussian"), "unpaired")
    rng = np.random.default_rng(0)
    for adata in data.mod.values():
        adata.X = rng.normal(size=adata.shape).astype(np.float32)
        adata.X[:, 4] += np.where(adata.obs["label"] == "healthy", 4, -4)
    model = fit(data, train={"max_epochs": 60, "train_size": 1.0, "plan_kwargs": {"lr": 5e-3}})
    for modality in (RNA, CPG):
        labels = data.mod[modality].obs["label"]
        assert (model.predict(modality=modality).astype(str) == labels).mean() > 0.9
        table = model.feature_importance(modality)
        first = table[table["rank"] == 1].set_index("class")
        assert set(first["feature"]) == {data.mod[modality].var_names[4]}
        assert first["direction"].to_dict() == {"healthy": "up", "Crohn's": "down"}
        assert (first["attribution"] > 0).all()
        second = table.loc[table["rank"] == 2, "importance"].max()
        assert first["importance"].min() > 2 * second


# which observations ----------------------------------------------------------------------------


def test_unlabelled_observations_belong_to_the_class_predicted(model, mdata):
    hidden = mdata.copy()
    own = hidden.mod[RNA].obs
    own["label"] = np.where(np.arange(len(own)) < 30, own["label"], "unknown")
    member = own["label"].where(own["label"] != "unknown", model.predict(hidden, RNA).astype(str))
    hidden.obs = hidden.obs.drop(columns="label", errors="ignore")
    for name in set(member):
        rows = np.flatnonzero(member == name)
        table = model.feature_importance(RNA, name, hidden)
        chosen = model.feature_importance(RNA, name, hidden, indices=rows)
        pd.testing.assert_frame_equal(table, chosen)


def test_data_without_labels(model, mdata):
    bare = make_mudata({RNA: mdata.mod[RNA].copy()})
    del bare.mod[RNA].obs["label"]
    predicted = model.predict(bare, RNA)
    table = model.feature_importance(RNA, mdata=bare)
    assert list(table["class"].unique()) == sorted(set(predicted))
    name = predicted.iloc[0]
    rows = np.flatnonzero(predicted == name)
    own = table[table["class"] == name].reset_index(drop=True)
    chosen = model.feature_importance(RNA, name, bare, indices=rows)
    pd.testing.assert_frame_equal(own, chosen, rtol=1e-5)


def test_indices_are_explained_whatever_their_class(model):
    single = [model.feature_importance(RNA, "a", indices=[row]) for row in (0, 1, 5)]
    both = model.feature_importance(RNA, "a", indices=[0, 1, 5])
    mean = sum(by_feature(table)["attribution"] for table in single) / 3
    np.testing.assert_allclose(by_feature(both)["attribution"], mean, rtol=1e-4, atol=1e-6)
    mask = np.isin(np.arange(60), [0, 1, 5])
    pd.testing.assert_frame_equal(model.feature_importance(RNA, "a", indices=mask), both)


def test_order_of_rows_and_features_does_not_matter(model, mdata):
    rng = np.random.default_rng(1)
    other = make_mudata(
        {
            name: adata[rng.permutation(adata.n_obs), rng.permutation(adata.n_vars)].copy()
            for name, adata in mdata.mod.items()
        }
    )
    found = model.feature_importance(CPG, mdata=other)
    expected = model.feature_importance(CPG)
    pd.testing.assert_frame_equal(by_feature(found), by_feature(expected), rtol=1e-3, atol=1e-5)


def test_at_most_so_many_observations(model, mdata):
    some = model.feature_importance(RNA, "a", max_obs=5)
    pd.testing.assert_frame_equal(model.feature_importance(RNA, "a", max_obs=5), some)
    everything = model.feature_importance(RNA, "a")
    assert not np.allclose(by_feature(some)["mean_class"], by_feature(everything)["mean_class"])
    pd.testing.assert_frame_equal(model.feature_importance(RNA, "a", max_obs=None), everything)


def test_the_model_stays_as_it_was(model):
    before = {key: value.clone() for key, value in model.module.state_dict().items()}
    model.module.zero_grad()
    model.feature_importance(RNA)
    assert not model.module.training
    assert all(parameter.grad is None for parameter in model.module.parameters())
    for key, value in model.module.state_dict().items():
        assert torch.equal(value, before[key])


@pytest.mark.parametrize("scaling", ["minmax", "none"])
def test_other_scalings(fit, mdata, scaling):
    model = fit(mdata.copy(), model={"scaling": scaling}, likelihood=LIKELIHOODS)
    table = by_feature(model.feature_importance(RNA, "a", baseline="mean"))
    adata = mdata.mod[RNA][:, table["feature"]]
    own = adata.X[(adata.obs["label"] == "a").to_numpy()].mean(axis=0)
    np.testing.assert_allclose(table["mean_class"], own, rtol=1e-3, atol=1e-4)
    # the mean of the training samples, which are all of them
    everything = adata.X.mean(axis=0)
    np.testing.assert_allclose(table["mean_baseline"], everything, rtol=1e-3, atol=1e-4)


# refused ---------------------------------------------------------------------------------------

REFUSED = [
    ({"modality": "rna"}, KeyError, r"Unknown modality 'rna'; the model has \['rna seq'"),
    ({"class_name": "d"}, ValueError, r"Unknown class 'd'; the model has \['a', 'b', 'c'\]"),
    ({"baseline": "zero"}, ValueError, "'zero' is not known.*other_classes.*mean"),
    ({"n_steps": 0}, ValueError, "n_steps=0 must be at least 1"),
    ({"max_obs": 0}, ValueError, "max_obs=0 must be at least 1"),
    ({"indices": []}, ValueError, "names no observation"),
]


@pytest.mark.parametrize(("arguments", "error", "said"), REFUSED)
def test_refused(model, arguments, error, said):
    with pytest.raises(error, match=said):
        model.feature_importance(**{"modality": RNA} | arguments)


def test_class_without_observation(model, mdata):
    adata = mdata.mod[RNA]
    rest = make_mudata({RNA: adata[(adata.obs["label"] != "b").to_numpy()].copy()})
    said = r"'rna seq' has no observation of class 'b'.*'b': 0"
    with pytest.raises(ValueError, match=said):
        model.feature_importance(RNA, "b", rest)
    assert list(model.feature_importance(RNA, mdata=rest)["class"].unique()) == ["a", "c"]


def test_a_single_class_has_no_other_to_compare_with(model, mdata):
    adata = mdata.mod[RNA]
    one = make_mudata({RNA: adata[(adata.obs["label"] == "b").to_numpy()].copy()})
    with pytest.raises(ValueError, match="class 'b' only.*baseline='mean'"):
        model.feature_importance(RNA, "b", one)
    assert len(model.feature_importance(RNA, "b", one, baseline="mean")) == 12


def test_model_without_classes(fit, mdata):
    model = fit(mdata.copy(), labels_key=None, likelihood=LIKELIHOODS)
    with pytest.raises(ValueError, match="trained without classes"):
        model.feature_importance(RNA)


def test_untrained_model(mdata):
    data = mdata.copy()
    MODIS.setup_mudata(data, labels_key="label", likelihood=LIKELIHOODS)
    with pytest.raises(RuntimeError, match=r"not trained.*model\.train\(\)"):
        MODIS(data).feature_importance(RNA)


# simulation ------------------------------------------------------------------------------------


def test_features_that_the_simulation_shifts_come_first():
    scvi.settings.seed = 0
    mdata = unpair(intersim(n_samples=1500, seed=9))
    MODIS.setup_mudata(mdata, labels_key="label")
    model = MODIS(mdata)
    model.train(max_epochs=30, accelerator="cpu", enable_progress_bar=False)
    for modality, adata in mdata.mod.items():
        shifted = pd.DataFrame(
            adata.varm["differential"], adata.var_names, adata.obs["label"].cat.categories
        )
        # what is shifted in every class tells none from another
        told = shifted[~shifted.all(axis=1)]
        table = model.feature_importance(modality)
        for name, own in table[table["direction"] == "up"].groupby("class"):
            true = told.index[told[name]]
            first = own["feature"].head(len(true))
            assert first.isin(true).mean() >= 0.9, (modality, name)
