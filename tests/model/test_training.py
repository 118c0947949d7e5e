"""Training: what is held out, kept, checked and said; and what feature links are worth."""

from __future__ import annotations

import copy
import itertools

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest
import scvi
import torch
from scipy.spatial.distance import cdist
from scvi.train import TrainRunner
from sklearn.neighbors import KNeighborsClassifier

from modis import MODIS
from modis._constants import PAIRS_KEY
from modis.datasets import intersim, unpair
from modis.metrics import link_agreement

from .._make import fingerprint, make_mdata, make_mudata
from ._linked import backwards, cohort, shuffled
from ._weights import equal, weights

RNA, CPG = "rna seq", "CpG-îlots"
BRIEFLY = {"max_epochs": 2, "batch_size": 16, "accelerator": "cpu", "enable_progress_bar": False}


def test_train_size_one_holds_nothing_out(fit):
    model = fit(make_mdata(), train={"train_size": 1.0})
    assert model.is_trained
    assert model.best_epoch_ is None
    assert not any(name.endswith("_validation") for name in model.history)


@pytest.mark.parametrize(
    ("sizes", "setup", "n_held_out"),
    [
        # as the rule sizes a small cohort with labels, and one without
        ({}, {}, [0, 0]),
        ({}, {"labels_key": None}, [6, 8]),
        ({"n_layers": 0}, {"labels_key": None}, [0, 0]),
        ({"n_layers": 1}, {}, [6, 8]),
        ({"n_components": 3}, {}, [0, 0]),
        ({"n_layers": 2, "n_components": 3}, {}, [6, 8]),
        ({"architecture": "paper"}, {}, [6, 8]),
    ],
)
def test_linear_encoders_train_on_every_observation(fit, sizes, setup, n_held_out):
    data = make_mdata()
    model = fit(data, model=sizes, **setup)
    trained = [sum(counts) for (counts,) in model.condition_counts_.values()]
    assert [60 - trained[0], 80 - trained[1]] == n_held_out
    assert any(name.endswith("_validation") for name in model.history) is (n_held_out != [0, 0])
    assert (model.best_epoch_ is None) is (n_held_out == [0, 0])


def overlapping(n: int, seed: int) -> md.MuData:
    """Classes that nobody can always tell."""
    centers, rng, codes = np.random.default_rng(0), np.random.default_rng(seed), np.arange(n) % 3
    modalities = {}
    for name, n_features in (("rna", 70), ("protein", 60)):
        x = (0.2 * centers.normal(size=(3, n_features)))[codes]
        adata = ad.AnnData((x + rng.normal(size=x.shape)).astype(np.float32))
        adata.obs_names = [f"{name} {k}" for k in range(n)]
        adata.var_names = [f"{name} feature {k}" for k in range(n_features)]
        adata.obs["label"] = np.array(["a", "b", "c"])[codes]
        modalities[name] = adata
    return make_mudata(modalities)


def test_small_cohorts_get_probabilities_that_hold():
    """The ridge penalty makes all logits small; the temperature gives that back."""
    data, new = overlapping(90, seed=1), overlapping(900, seed=2)
    scvi.settings.seed = 0
    MODIS.setup_mudata(data, labels_key="label")
    model = MODIS(data, n_components=20)
    model.train(accelerator="cpu", enable_progress_bar=False, max_epochs=150)
    assert model.module.n_train == {"rna": 90, "protein": 90}
    terms = {"ridge", "discriminator_ridge", "discriminator_temperature"}
    assert {f"{name}_train" for name in terms} <= set(model.history)
    for name, adata in new.mod.items():
        probability = model.predict(new, modality=name, soft=True)
        right = probability.idxmax(axis=1).to_numpy() == adata.obs["label"].to_numpy()
        assert 0.5 < right.mean() < 0.9
        assert probability.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.1)
        mean = torch.from_numpy(model.get_latent_representation(new, modality=name))
        plain = model.module.discriminator.classify(mean).softmax(dim=1)
        assert plain.amax(dim=1).mean() < right.mean() - 0.2


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, True),
        ({"balance_classes": False}, False),
        ({"balance_classes": False, "plan_kwargs": {"loss_weights": {"kl": 0.1}}}, False),
        ({"balance_classes": False, "plan_kwargs": {"loss_weights": {"ridge": 3.0}}}, True),
    ],
)
def test_no_ridge_where_classes_are_drawn_as_they_occur(fit, options, expected):
    given = copy.deepcopy(options)
    model = fit(make_mdata(), train=options)
    assert ("ridge_train" in model.history) is expected
    assert options == given


def test_the_users_share_goes_first(fit):
    model = fit(make_mdata(), train={"train_size": 0.5})
    assert [sum(counts) for (counts,) in model.condition_counts_.values()] == [30, 40]
    model = fit(make_mdata(), train={"train_size": 1.0}, model={"n_layers": 1})
    assert not any(name.endswith("_validation") for name in model.history)


def test_early_stopping_keeps_the_best_weights(fit):
    # with nothing to gain after the first epochs
    model = fit(
        make_mdata(),
        train={
            "max_epochs": 40,
            "train_size": 0.9,
            "plan_kwargs": {"lr": 0.05},
            "early_stopping_patience": 2,
        },
    )
    scores = model.history["selection_validation"]["selection_validation"].astype(float)
    assert len(model.history["loss_train"]) < 40
    # epochs that were not validated have no score
    best = int(np.argmin(scores.dropna())) if scores.isna().any() else int(np.argmin(scores))
    assert scores.dropna().iloc[best] == scores.min()
    assert model.best_epoch_ is not None
    assert model.best_epoch_ < len(model.history["loss_train"])


def test_without_early_stopping_all_epochs_run(fit):
    model = fit(
        make_mdata(),
        train={
            "max_epochs": 8,
            "train_size": 0.9,
            "early_stopping": False,
            "plan_kwargs": {"lr": 0.05},
        },
    )
    assert len(model.history["loss_train"]) == 8


def test_a_cohort_smaller_than_the_batch(fit):
    model = fit(make_mdata(pairing="unpaired"), train={"batch_size": 512})
    assert np.isfinite(model.get_latent_representation()).all()


@pytest.mark.filterwarnings("ignore:.* the same value in every observation:UserWarning")
@pytest.mark.parametrize("sizes", [{}, {"n_components": 4}, {"n_layers": 1}])
@pytest.mark.parametrize("n_obs", [1, 2, 17])
def test_a_last_batch_of_one_and_tiny_modalities(fit, n_obs, sizes):
    data = make_mdata()
    small = make_mudata({RNA: data.mod[RNA], CPG: data.mod[CPG][:n_obs].copy()})
    model = fit(small, train={"batch_size": 16}, model=sizes)
    assert np.isfinite(model.get_latent_representation()).all()
    # and of samples that it has not seen
    assert np.isfinite(model.get_latent_representation(data)).all()


def test_history_goes_on(fit):
    model = fit(make_mdata())
    before, first = weights(model), model.history["loss_train"].copy()
    model.train(**BRIEFLY)
    assert not equal(before, weights(model))
    assert len(model.history["loss_train"]) == 2 * len(first)
    # the scaling of the first training stays: translations keep their units
    for name, value in model.module.scalers.state_dict().items():
        assert torch.equal(value, before[f"scalers.{name}"])


@pytest.mark.parametrize("start", ["trained", "predicted from", "loaded"])
def test_training_goes_on_in_training_mode(fit, start, tmp_path):
    """Batch normalisation learns and dropout drops, also after the model was in use."""
    data = make_mdata()
    model = fit(data)
    if start == "predicted from":
        model = MODIS(data, n_latent=5, n_hidden=8)
        with pytest.warns(UserWarning, match="untrained"):
            model.predict()
    if start == "loaded":
        model.save(tmp_path / "model")
        model = MODIS.load(tmp_path / "model", data)
    before = weights(model)
    model.train(**BRIEFLY)
    statistics = [name for name in before if name.endswith("running_mean")]
    assert statistics
    for name in statistics:
        assert not torch.equal(before[name], weights(model)[name]), name


def test_after_divergence_a_lower_rate_helps(fit):
    data = make_mdata()
    model = fit(data)
    before = model.get_latent_representation()
    with pytest.raises(RuntimeError, match="diverged"):
        model.train(plan_kwargs={"lr": 1e30}, **BRIEFLY)
    # what was learnt before is not lost
    np.testing.assert_array_equal(model.get_latent_representation(), before)
    model.train(**BRIEFLY)
    assert np.isfinite(model.get_latent_representation()).all()


def test_the_users_arguments_stay_as_they_are(fit):
    callbacks, plan = [], {"lr": 1e-3, "loss_weights": {"kl": 0.1}}
    fit(make_mdata(), train={"callbacks": callbacks, "plan_kwargs": plan})
    assert callbacks == []
    assert plan == {"lr": 1e-3, "loss_weights": {"kl": 0.1}}


@pytest.mark.parametrize("batch_size", [16, 64])
def test_early_stopping_waits_for_half_of_the_epochs(fit, monkeypatch, batch_size):
    given = {}

    class Runner(TrainRunner):
        def __init__(self, *args, **kwargs) -> None:
            given.update(kwargs)
            super().__init__(*args, **kwargs | {"max_epochs": 1})

    monkeypatch.setattr(MODIS, "_train_runner_cls", Runner)
    options = {"max_epochs": 100, "batch_size": batch_size, "train_size": 0.9}
    fit(make_mdata(), train=options)
    every = given["check_val_every_n_epoch"]
    assert given["early_stopping"]
    assert given["early_stopping_patience"] * every == pytest.approx(50, abs=every)


# observations of two modalities ----------------------------------------------------------------


def distances(model: MODIS, data: md.MuData, names: list[str]) -> np.ndarray:
    """From the places that the first modality gives to observations to those of the second."""
    places = [
        model.get_latent_representation(make_mudata({name: data.mod[name][names].copy()}), name)
        for name in (RNA, CPG)
    ]
    return cdist(*places)


def linked_by_names(seed: int = 0) -> md.MuData:
    """Two views of the same hidden states, which are no classes; a mosaic."""
    rng = np.random.default_rng(seed)
    data = make_mdata(pairing="mosaic")
    hidden = rng.normal(size=(100, 2))
    for name, (first, last) in {RNA: (0, 60), CPG: (20, 100)}.items():
        adata = data.mod[name]
        x = 2 * hidden[first:last] @ rng.normal(size=(2, adata.n_vars))
        adata.X = (x + 0.3 * rng.normal(size=x.shape)).astype(np.float32)
    return data


@pytest.mark.parametrize("sizes", [{}, {"n_layers": 1}])
def test_pairing_brings_the_same_observations_together(fit, sizes):
    data = linked_by_names()
    shared = [f"s{k}" for k in range(20, 60)]
    own, relative, nearer = {}, {}, {}
    for weight in (0.0, 0.03):
        plan = {"lr": 5e-3, "loss_weights": {"pairing": weight}}
        options = {"max_epochs": 30, "train_size": 1.0, "plan_kwargs": plan}
        model = fit(data, train=options, model=sizes)
        assert ("pairing_train" in model.history) is (weight > 0)
        found = distances(model, data, shared)
        own[weight] = np.diag(found).mean()
        # a latent space that shrinks would bring everybody together
        relative[weight] = own[weight] / found[~np.eye(len(shared), dtype=bool)].mean()
        nearer[weight] = (found < np.diag(found)[:, None]).mean()
    assert own[0.03] < own[0.0] / 2
    assert relative[0.03] < relative[0.0] / 2
    # others that stand nearer than the observation itself: by chance half of them
    assert nearer[0.0] > 0.3
    assert nearer[0.03] < 0.15


def test_observations_that_validate_are_no_pairs(fit, monkeypatch):
    """What is held out takes no part in training, by whatever way."""
    data, served = make_mdata(pairing="paired"), set()
    plan = MODIS._training_plan_cls

    class Watched(plan):
        def training_step(self, batch, batch_idx):
            served.update(batch[PAIRS_KEY][RNA]["X"][:, 0].tolist())
            return super().training_step(batch, batch_idx)

    monkeypatch.setattr(MODIS, "_training_plan_cls", Watched)
    fitted = fit(data, train={"max_epochs": 20, "train_size": 0.75})
    n_training = sum(fitted.condition_counts_[RNA][0])
    assert n_training == 24
    assert len(served) == n_training


def test_without_shared_observations_the_weight_of_pairs_changes_nothing(fit):
    models = [
        fit(
            make_mdata(pairing="unpaired"),
            train={"plan_kwargs": {"loss_weights": {"pairing": weight}}},
        )
        for weight in (0.0, 5.0)
    ]
    assert "pairing_train" not in models[1].history
    assert equal(weights(models[0]), weights(models[1]))


# feature links ---------------------------------------------------------------------------------


def test_links_in_either_direction_and_any_order_give_the_same_model(fit):
    models = []
    data, links = cohort()
    mixed = pd.concat([backwards(links[::2]), links[1::2]]).sample(frac=1, random_state=0)
    for table in (links, backwards(links), mixed.assign(note="for a friend")):
        models.append(fit(data, model={"feature_links": table}))
        assert equal(weights(models[-1]), weights(models[0]))
        assert models[-1].link_agreement_ == models[0].link_agreement_
        pd.testing.assert_frame_equal(models[-1].link_summary, models[0].link_summary)
    assert not equal(weights(models[0]), weights(fit(data)))


def test_weights_and_signs_of_links_matter(fit):
    data, links = cohort()
    heavy = np.where(np.arange(len(links)) % 2, 1.0, 5.0)
    first, same, weighted = (
        fit(data, model={"feature_links": table})
        for table in (links, links.assign(weight=3.0, sign=1), links.assign(weight=heavy))
    )
    assert equal(weights(first), weights(same))
    assert not equal(weights(first), weights(weighted))


def test_data_and_links_are_left_as_they_were(fit):
    data, links = cohort()
    links.index = links.index[::-1]
    before, table = fingerprint(data), links.copy()
    model = fit(data, model={"feature_links": links})
    model.predict()
    assert fingerprint(data) == before
    pd.testing.assert_frame_equal(links, table)


def test_a_link_term_of_weight_zero_is_left_out(fit):
    data, links = cohort()
    plan = {"loss_weights": {"link": 0.0}}
    model = fit(data, model={"feature_links": links}, train={"plan_kwargs": plan})
    assert "link_train" not in model.history
    assert equal(
        weights(fit(data, train={"train_size": 1.0, "plan_kwargs": plan})),
        weights(
            fit(
                data,
                model={"feature_links": links},
                train={"train_size": 1.0, "plan_kwargs": plan},
            )
        ),
    )


def test_true_links_agree_with_the_data(fit):
    data, links = cohort()
    model = fit(data, model={"feature_links": links}, train={"train_size": 1.0})
    assert set(model.link_agreement_) == {("methylation", "expression"), ("expression", "protein")}
    for (first, second), score in model.link_agreement_.items():
        source = "methylation" if first == "methylation" else "protein"
        own = links[links["source_modality"] == source]
        columns = {
            source: data.mod[source].var_names.get_indexer(own["source_feature"]),
            "expression": data.mod["expression"].var_names.get_indexer(own["target_feature"]),
        }
        expected = link_agreement(
            data.mod[first].X, data.mod[second].X, columns[first], columns[second]
        )
        assert score == pytest.approx(expected.z_score, rel=0.02)
        assert score > 4


@pytest.mark.parametrize("wrong", [["methylation"], ["protein"], ["methylation", "protein"]])
def test_links_that_disagree_with_the_data_are_warned_about_once(fit, wrong):
    data, links = cohort()
    with pytest.warns(UserWarning, match="disagree with the data") as warned:
        model = fit(data, model={"feature_links": shuffled(links, *wrong)})
    assert len(warned) == len(wrong)
    for name in wrong:
        pair = ("expression", name) if name == "protein" else (name, "expression")
        (message,) = [str(each.message) for each in warned if f"'{name}'" in str(each.message)]
        assert f"between '{pair[0]}' and '{pair[1]}'" in message
        assert f"z = {model.link_agreement_[pair]:.1f}" in message
        assert model.link_agreement_[pair] < 3
    # it shows where the user called train
    assert {each.filename.endswith("conftest.py") for each in warned} == {True}
    assert np.isfinite(model.get_latent_representation()).all()
    model.train(**BRIEFLY)


@pytest.mark.parametrize("n_links", [1, 3, 4])
def test_so_few_links_that_nobody_can_tell_are_not_called_wrong(fit, n_links):
    data, links = cohort(300)
    few = links[links["source_modality"] == "protein"]
    few = few.drop_duplicates("target_feature")[:n_links]
    model = fit(data, model={"feature_links": few}, train={"max_epochs": 1})
    model.train(**BRIEFLY)


@pytest.mark.filterwarnings("ignore:The feature links between:UserWarning")
def test_link_scores_do_not_depend_on_what_the_modalities_are_called(fit, monkeypatch):
    monkeypatch.setattr("modis.model._training._LINK_ROWS", 25)
    data, links = cohort()
    scores = []
    for suffix in ["", "_a", "_b", "_c"]:
        renamed = links.assign(
            source_modality=links["source_modality"] + suffix,
            target_modality=links["target_modality"] + suffix,
        )
        mods = {f"{name}{suffix}": adata for name, adata in data.mod.items()}
        model = fit(make_mudata(mods), model={"feature_links": renamed}, train={"max_epochs": 1})
        scores.append(list(model.link_agreement_.values()))
    assert scores == [scores[0]] * len(scores)


def worst_transfer(model: MODIS) -> float:
    """Label transfer in the worst direction, by labels that training never saw."""
    latents = {name: model.get_latent_representation(modality=name) for name in model.adata.mod}
    labels = {name: adata.obs["label"].to_numpy() for name, adata in model.adata.mod.items()}
    return min(
        KNeighborsClassifier(15).fit(latents[a], labels[a]).score(latents[b], labels[b])
        for a, b in itertools.permutations(latents, 2)
    )


@pytest.mark.parametrize(("seed", "linked"), [(0, True), (1, True), (2, True), (0, False)])
def test_links_align_modalities_without_a_single_label(seed, linked):
    data = unpair(intersim(n_samples=500, seed=seed))
    scvi.settings.seed = seed
    MODIS.setup_mudata(data)
    model = MODIS(data, feature_links=data.uns["feature_links"] if linked else None)
    model.train(max_epochs=25, accelerator="cpu", enable_progress_bar=False)
    # without links, clusters of the modalities meet at random
    assert worst_transfer(model) >= 0.9 if linked else worst_transfer(model) < 0.6
