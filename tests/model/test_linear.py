import itertools

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scvi
from sklearn.linear_model import RidgeCV
from sklearn.neighbors import KNeighborsClassifier

from modis import MODIS
from modis.datasets import intersim, unpair
from modis.model._linear_maps import _sure_slope

from .._make import make_mudata, make_values
from ._made import equal, weights

RNA, PROTEIN = "rna", "protein"
N_VARS = {RNA: 24, PROTEIN: 14}
COLUMNS = ["source_modality", "source_feature", "target_modality", "target_feature"]
LINKS = pd.DataFrame([(RNA, f"r{k}", PROTEIN, f"p{k}") for k in range(14)], columns=COLUMNS)
PROBABLE = np.array(list("abc"))


def related(n=150, pairing="paired", likelihood="gaussian", unlabelled=""):
    """Features of five factors, of which the class decides two; protein k is like rna k.

    `unlabelled` are classes whose samples have no label in protein.
    """
    rng, codes = np.random.default_rng(5), np.arange(n) % 3
    factors = rng.normal(size=(n, 5))
    factors[:, :2] += 3 * np.array([[1, 0], [-1, 1], [-1, -1]])[codes]
    loadings, adatas = 0.5 * rng.normal(size=(5, N_VARS[RNA])), {}
    for name, n_vars in N_VARS.items():
        rows = np.arange(n)
        if pairing == "unpaired":
            rows = rows[: n // 2] if name == RNA else rows[n // 2 :]
        signal = (factors @ loadings[:, :n_vars])[rows]
        noise = 0.3 * rng.normal(size=signal.shape)
        kind = "gaussian" if name == RNA else likelihood
        values = make_values(kind, signal, rng) if kind != "gaussian" else signal + noise
        label = PROBABLE[codes[rows]].astype(object)
        if name == PROTEIN:
            label[np.isin(label, list(unlabelled))] = None
        obs = pd.DataFrame({"label": label}, index=[f"s{k}" for k in rows])
        obs["run"] = np.where(rows % 2, "first", "second")
        var = pd.DataFrame(index=[f"{name[0]}{k}" for k in range(n_vars)])
        adatas[name] = ad.AnnData(values.astype(np.float32), obs=obs, var=var)
    return make_mudata(adatas)


def truth(mdata, name):
    numbers = mdata.mod[name].obs_names.str[1:].astype(int)
    return PROBABLE[numbers % 3]


def recall(model, name):
    predicted, known = model.predict(modality=name).astype(str), truth(model.adata, name)
    return {label: (predicted[known == label] == label).mean() for label in PROBABLE}


@pytest.mark.parametrize(("pairing", "links"), [("paired", None), ("unpaired", LINKS)])
@pytest.mark.parametrize("unlabelled", ["c", "abc"])
def test_a_class_without_labels_is_found(fit, pairing, links, unlabelled, messages):
    """By pairs or links; one that a modality lacks, or all; few others are predicted as it."""
    data = related(300, pairing, unlabelled=unlabelled)
    if pairing == "paired":
        # a label of one modality counts for the observation: half of them have no partner
        rna, protein = data.mod[RNA][:200].copy(), data.mod[PROTEIN][100:].copy()
        both = rna.obs_names.intersection(protein.obs_names)
        rna.obs.loc[both, "label"] = protein.obs.loc[both, "label"] = None
        data = make_mudata({RNA: rna, PROTEIN: protein})
    model = fit(data, model={"feature_links": links})
    assert any("(cross-validated); expect less in 'protein'" in said for said in messages)
    found = recall(model, PROTEIN)
    assert found["c"] > 0.75
    assert min(found.values()) > 0.75
    if unlabelled == "c":
        own = data.mod[PROTEIN].obs["label"]
        taken = model.predict(modality=PROTEIN)[own.notna().to_numpy()] == "c"
        assert taken.mean() <= 0.02


def test_links_tell_of_a_missing_class_what_pairs_do_not(fit):
    """A feature of the class never varies in pairs of the others."""
    rng, codes, modalities = np.random.default_rng(0), np.arange(600) % 3, {}
    for name, rows in {RNA: slice(300), PROTEIN: slice(600)}.items():
        x = rng.normal(size=(600, N_VARS[name]))
        x[:, :3] += 4 * np.eye(3)[codes]
        var = pd.DataFrame(index=[f"{name[0]}{k}" for k in range(N_VARS[name])])
        obs = pd.DataFrame({"label": PROBABLE[codes]}, index=[f"s{k}" for k in range(600)])
        modalities[name] = ad.AnnData(x.astype(np.float32), obs=obs, var=var)[rows].copy()
    protein = modalities[PROTEIN]
    known = protein[(codes < 2) & (np.arange(600) < 300)].copy()
    data = make_mudata({RNA: modalities[RNA], PROTEIN: known})
    new = make_mudata({PROTEIN: protein[300:].copy()})
    found = []
    for links in (None, LINKS):
        predicted = fit(data, model={"feature_links": links}).predict(new, modality=PROTEIN)
        found.append([(predicted[truth(new, PROTEIN) == k] == "c").mean() for k in PROBABLE])
    assert found[1][2] > max(0.8, found[0][2] + 0.2)
    assert max(found[1][:2]) < 0.05


NAMES = ["first", "second", "third"]


def chain(is_gone):
    """Three modalities, of which the second is linked to both others; links, and the data.

    `is_gone` says for labels and names which samples of the second and third have no label.
    """
    whole, modalities = related(600).mod[PROTEIN], {}
    for k, name in enumerate(NAMES):
        own = modalities[name] = whole[200 * k : 200 * k + 200].copy()
        own.var_names = name + own.var_names
        gone = is_gone(own.obs["label"], own.obs_names) & (name != NAMES[0])
        own.obs["label"] = own.obs["label"].where(~gone, None)
    rows = [
        (a, a + feature, b, b + feature)
        for a, b in itertools.pairwise(NAMES)
        for feature in whole.var_names
    ]
    return pd.DataFrame(rows, columns=COLUMNS), modalities


@pytest.mark.parametrize("unlabelled", ["c", "abc"])
def test_classes_go_on_to_modalities_that_are_linked_to_no_label(fit, unlabelled):
    """From the first to the second one, and from there to the third."""
    links, modalities = chain(lambda label, _: label.isin(list(unlabelled)))
    model = fit(make_mudata(modalities), model={"feature_links": links})
    for name in NAMES:
        assert min(recall(model, name).values()) > 0.8, name


def test_a_class_does_not_go_on_over_a_modality_without_it(fit):
    """The few rows that are predicted as it there are false."""
    links, modalities = chain(
        lambda label, names: names.str.endswith(tuple("02468")) & label.notna()
    )
    for name in NAMES[1:]:
        is_c = truth(make_mudata({name: modalities[name]}), name) == "c"
        modalities[name] = modalities[name][~is_c].copy()
    model = fit(make_mudata(modalities), model={"feature_links": links})
    codes = [model.module.modality_codes[name] for name in NAMES]
    told = [f"guest_weight_{code}" in model.module.linear for code in codes]
    assert told == [False, True, False]
    assert (model.predict(modality="third") == "c").mean() == 0


def weakly_paired(n, seed):
    """Five classes, hard to tell by proteins, which have no sample of class e."""
    centres, rng, codes = np.random.default_rng(0), np.random.default_rng(seed), np.arange(n) % 5
    modalities = {}
    for name, n_features, strength in ((RNA, 40, 1.0), (PROTEIN, 60, 0.3)):
        x = strength * centres.normal(size=(5, n_features))[codes]
        modalities[name] = ad.AnnData((x + rng.normal(size=x.shape)).astype(np.float32))
        modalities[name].obs_names = [f"{seed}_{k}" for k in range(n)]
        modalities[name].var_names = [f"{name}{k}" for k in range(n_features)]
        modalities[name].obs["label"] = np.array(list("abcde"))[codes]
    return make_mudata(modalities | {PROTEIN: modalities[PROTEIN][codes < 4].copy()})


def test_new_samples_are_not_taken_for_a_class_that_pairs_hardly_tell_of(fit):
    """Training samples lie on shared axes where their pairs do, new ones do not."""
    new, model = weakly_paired(250, seed=1), fit(weakly_paired(60, seed=2))
    assert "guest_weight_1" in model.module.linear
    assert (model.predict(new, modality=PROTEIN) == "e").mean() < 0.08
    # nor do pairs that tell no more than the class add to its means
    assert not any(name.startswith("ridge_") for name, _ in model.module.linear.named_buffers())


def test_what_pairs_add_depends_on_how_sure_it_is():
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 40, 30))
    assert _sure_slope(np.zeros_like(x), noise) == 0
    slopes = [_sure_slope(x, strength * x + noise) for strength in (-0.5, 0, 0.1, 0.5, 1)]
    assert slopes == sorted(slopes)
    assert slopes[0] == 0
    assert slopes[1] < 0.02
    assert slopes[-1] == pytest.approx(1, abs=0.1)
    # one pair more never decides whether there is a translation
    weak = [_sure_slope(x[:n], 0.1 * x[:n] + noise[:n]) for n in range(20, 41)]
    assert np.abs(np.diff(weak)).max() < 0.02
    assert 0 < min(weak)


def test_a_class_that_nothing_tells_of_is_not_found(fit):
    """And that modality leaves it to the other where a sample has both."""
    whole = related(240, unlabelled="c")
    parts = {RNA: slice(90), PROTEIN: slice(90, 180)}
    model = fit(make_mudata({name: whole.mod[name][rows].copy() for name, rows in parts.items()}))
    assert recall(model, PROTEIN)["c"] == 0
    rna, protein = model.module.linear.array("log_prior")
    np.testing.assert_allclose(np.exp(rna), 1 / 3)
    np.testing.assert_allclose(np.exp(protein), [0.5, 0.5, np.nan])
    # of 30 samples in 150, 12 were to be expected among 60
    rarity = np.exp(model.module.linear.array("log_rarity"))
    np.testing.assert_allclose(rarity, [[1, 1, 1], [1, 1, 0.5 / 12]])
    new = make_mudata({name: own[180:].copy() for name, own in whole.mod.items()})
    right = model.predict(new) == truth(new, RNA)
    assert right[truth(new, RNA) == "c"].mean() > 0.6
    assert right.mean() > 0.85


def test_many_samples_tell_a_class_that_their_modality_lacks(fit):
    """Without pairs and links: they are far from all other classes, and networks say which."""
    whole = related(6_000, "unpaired")
    protein = whole.mod[PROTEIN]
    is_new = np.arange(protein.n_obs) >= 2_700
    known = protein[(protein.obs["label"] != "c").to_numpy() & ~is_new].copy()
    model = fit(make_mudata({RNA: whole.mod[RNA].copy(), PROTEIN: known}))
    new = make_mudata({PROTEIN: protein[is_new].copy()})
    predicted, right = model.predict(new, modality=PROTEIN), truth(new, PROTEIN)
    assert (predicted[right == "c"] == "c").mean() > 0.5
    assert (predicted[right != "c"] == "c").mean() < 0.03


def test_unpaired_translations_are_class_means(fit):
    """Weighted by what the model says of the classes; without links nothing more is known."""
    data = related(150, "unpaired")
    model = fit(data)
    probability = model.predict(modality=RNA, soft=True).to_numpy()
    protein = data.mod[PROTEIN]
    means = np.stack([protein.X[truth(data, PROTEIN) == label].mean(axis=0) for label in PROBABLE])
    np.testing.assert_allclose(model.translate(RNA, PROTEIN).X, probability @ means, atol=1e-3)


def test_pairs_and_links_tell_more_than_the_class(fit):
    """As much as ridge on the pairs; links of unpaired samples at least something."""
    whole = related(600).mod

    def part(**rows):
        return make_mudata({name: whole[name][own].copy() for name, own in rows.items()})

    data = part(rna=slice(150), protein=slice(150))
    new = part(rna=slice(300, None), protein=slice(300, None))
    unpaired = part(rna=slice(150), protein=slice(150, 300))
    expected = new.mod[PROTEIN].X
    means = pd.DataFrame(data.mod[PROTEIN].X).groupby(truth(data, PROTEIN)).mean()
    errors = {"class": np.square(means.loc[truth(new, RNA)].to_numpy() - expected).mean()}
    ridge = RidgeCV(10.0 ** np.arange(-3, 4)).fit(data.mod[RNA].X, data.mod[PROTEIN].X)
    errors["ridge"] = np.square(ridge.predict(new.mod[RNA].X) - expected).mean()
    told = {"pairs": fit(data), "links": fit(unpaired, model={"feature_links": LINKS})}
    for name, model in told.items():
        errors[name] = np.square(model.translate(RNA, PROTEIN, new).X - expected).mean()
    assert errors["pairs"] < 1.05 * errors["ridge"] < 0.5 * errors["class"]
    assert errors["links"] < 0.9 * errors["class"]


@pytest.mark.parametrize("linked", [True, False])
def test_links_align_modalities_without_a_single_label(linked):
    data = unpair(intersim(n_samples=500, seed=0))
    scvi.settings.seed = 0
    MODIS.setup_mudata(data)
    model = MODIS(data, feature_links=data.uns["feature_links"] if linked else None)
    model.train(max_epochs=25, accelerator="cpu", enable_progress_bar=False)
    latents = {name: model.get_latent_representation(modality=name) for name in data.mod}
    labels = {name: adata.obs["label"].to_numpy() for name, adata in data.mod.items()}
    worst = min(
        KNeighborsClassifier(15).fit(latents[a], labels[a]).score(latents[b], labels[b])
        for a, b in itertools.permutations(latents, 2)
    )
    # without links, clusters of the modalities meet at random
    assert worst >= 0.9 if linked else worst < 0.6


@pytest.mark.parametrize("likelihood", ["nb", "beta", "bernoulli"])
def test_translations_stay_in_range(fit, likelihood):
    data = related(90, likelihood=likelihood)
    model = fit(data, likelihood={PROTEIN: likelihood})
    values, given = model.translate(RNA, PROTEIN).X, data.mod[PROTEIN].X
    assert values.min() >= 0
    if likelihood == "nb":
        np.testing.assert_allclose(values.sum(axis=1), np.median(given.sum(axis=1)), rtol=1e-4)
    else:
        assert values.max() <= 1
    mean = np.square(given - given.mean(axis=0)).mean()
    assert np.square(values / values.mean() * given.mean() - given).mean() < mean


def test_batches_are_added_to_translations(fit):
    """By default the target's largest, and the rest is as without them."""
    data = related(150)
    protein = data.mod[PROTEIN]
    shift = np.linspace(-4, 4, protein.n_vars)
    protein.X[(protein.obs["run"] == "first").to_numpy()] += shift
    model = fit(data, batch_key="run")
    runs = ("first", "second")
    first, second = (model.translate(RNA, PROTEIN, transform_batch=run).X for run in runs)
    np.testing.assert_allclose((first - second).mean(axis=0), shift, atol=0.6)
    np.testing.assert_allclose(second, related(150).mod[PROTEIN].X, atol=3)


def test_pairs_are_neighbours_in_the_latent_space(fit):
    """Closer than samples of their class; classes alone cannot tell them."""
    data = related(150)
    for linear, bounds in ((True, (0.0, 0.05)), (False, (0.1, 0.6))):
        model = fit(data.copy(), model={"n_latent": 12, "linear_models": linear})
        rna, protein = (model.get_latent_representation(modality=name) for name in N_VARS)
        distance = np.square(rna[:, None] - protein[None]).sum(axis=2)
        closer = (distance < distance.diagonal()[:, None]).mean()
        assert bounds[0] <= closer <= bounds[1]


def _labelled(label, data):
    for adata in data.mod.values():
        adata.obs["label"] = label
    return data


def _by_spread(n):
    """Classes with the same means, whose samples are more or less far from them."""
    data, rng = related(n), np.random.default_rng(6)
    for adata in data.mod.values():
        sizes = 4.0 ** np.array([0, 1, 2])[np.arange(n) % 3]
        adata.X = (sizes[:, None] * rng.normal(size=adata.shape)).astype(np.float32)
    return data


def test_classes_that_differ_by_spread_only_are_predicted(fit):
    """Missing values do not count as close to the mean."""
    data = _by_spread(180)
    model, new = fit(data[:120].copy()), data[120:].copy()
    for code, (name, adata) in enumerate(new.mod.items()):
        assert f"deviation_weight_{code}" in model.module.linear
        assert (model.predict(new, modality=name) == truth(new, name)).mean() > 0.9
        lost = np.random.default_rng(1).random(adata.shape) < 0.5
        lost[:, 0] = False
        adata.X = np.where(lost, np.nan, adata.X)
        assert (model.predict(new, modality=name) == truth(new, name)).mean() > 0.9


KINDS = {
    "of different spread": lambda: _by_spread(60),
    "paired": lambda: related(60),
    "unpaired": lambda: related(60, "unpaired"),
    "one modality": lambda: make_mudata({RNA: related(60).mod[RNA]}),
    "one class": lambda: _labelled("a", related(60)),
    "no label": lambda: _labelled(None, related(60)),
    "no label, unpaired": lambda: _labelled(None, related(60, "unpaired")),
    "a modality without labels": lambda: related(60, "unpaired", unlabelled="abc"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_there_is_comes_back_after_saving_and_training_on(fit, kind, tmp_path):
    data = KINDS[kind]()
    links = LINKS if len(data.mod) == 2 and "unpaired" in kind else None
    model = fit(data, model={"feature_links": links})
    model.save(tmp_path / "model")
    loaded = MODIS.load(tmp_path / "model", data)
    assert equal(weights(model), weights(loaded))
    before = model.get_latent_representation()
    assert np.isfinite(before).all()
    np.testing.assert_array_equal(loaded.get_latent_representation(), before)
    for source in data.mod:
        for target in data.mod:
            told = model.translate(source, target).X
            assert np.isfinite(told).all()
            np.testing.assert_array_equal(loaded.translate(source, target).X, told)
    if model.module.n_classes:
        pd.testing.assert_frame_equal(loaded.predict(soft=True), model.predict(soft=True))
    # linear models are fitted anew to the same rows
    linear = {name: value for name, value in weights(model).items() if "linear.basis" in name}
    loaded.train(max_epochs=1, accelerator="cpu", enable_progress_bar=False)
    assert linear
    assert equal(linear, {name: weights(loaded)[name] for name in linear})
    assert np.isfinite(loaded.get_latent_representation()).all()
