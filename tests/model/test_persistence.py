from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest
import scvi
import torch

from modis import MODIS

from .._make import SCVI_KEYS, fingerprint, make_mdata, make_modality, make_mudata
from ._linked import cohort, shuffled
from .conftest import LIKELIHOODS

RNA, CPG, PROTEIN = "rna seq", "CpG-îlots", "a_protein"

ANOTHER_PROCESS = """
import sys
import mudata, numpy
from modis import MODIS

folder, data, out = sys.argv[1:]
mdata = mudata.read(data)
latents = {
    "with": MODIS.load(folder, mdata).get_latent_representation(),
    "without": MODIS.load(folder, False).get_latent_representation(mudata.read(data)),
    "shipped": MODIS.load(folder).get_latent_representation(),
    "translated": MODIS.load(folder, mdata).translate("rna seq", "a_protein").X,
}
numpy.savez(out, **latents)
"""


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "model"
    model.save(folder)
    return folder


def _same(loaded: MODIS, model: MODIS, mdata: md.MuData | None = None) -> None:
    for modality in (None, RNA, CPG, PROTEIN):
        np.testing.assert_array_equal(
            loaded.get_latent_representation(mdata, modality),
            model.get_latent_representation(modality=modality),
        )
    pd.testing.assert_frame_equal(loaded.predict(mdata, soft=True), model.predict(soft=True))


def test_another_process_gets_identical_latents(model, mdata, tmp_path):
    model.save(tmp_path / "model", save_anndata=True)
    mdata.write(tmp_path / "data.h5mu")
    subprocess.run(
        [
            sys.executable,
            "-c",
            ANOTHER_PROCESS,
            *(str(tmp_path / name) for name in ("model", "data.h5mu", "out.npz")),
        ],
        check=True,
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())},
        timeout=200,
    )
    with np.load(tmp_path / "out.npz") as found:
        for kind in ("with", "without", "shipped"):
            np.testing.assert_array_equal(found[kind], model.get_latent_representation())
        np.testing.assert_array_equal(found["translated"], model.translate(RNA, PROTEIN).X)


def test_everything_in_the_signature_survives(fit, tmp_path):
    data = make_mdata()
    options = {
        "architecture": "paper",
        "n_latent": 6,
        "adversarial": "relativistic",
        "n_hidden": 8,
        "dropout": 0.25,
        "discriminator_hidden": (9, 7),
        "scaling": "none",
    }
    model = fit(data, model=options)
    model.save(tmp_path / "model")
    for given in (make_mdata(), False):
        loaded = MODIS.load(tmp_path / "model", given)
        assert loaded.module.architecture == model.module.architecture
        assert loaded.module.adversarial == "relativistic"
        assert repr(loaded) == repr(model)
        assert loaded.best_epoch_ == model.best_epoch_


#: What a user asks for, and the sizes that a model of make_mdata() then has.
SIZES = {
    "the rule": ({}, (0, 50)),
    "hidden layers": ({"n_layers": 2}, (2, 50)),
    "components": ({"n_components": 7}, (0, 7)),
    "features themselves": ({"n_components": None}, (0, None)),
    "both": ({"n_layers": 1, "n_components": 4}, (1, 4)),
    "paper": ({"architecture": "paper"}, (2, None)),
}


def _large(mdata: md.MuData, n: int = 2_501) -> md.MuData:
    """The same samples under many names: more than the rule calls a small cohort."""
    mods = {}
    for name, adata in mdata.mod.items():
        mods[name] = adata[np.arange(n) % adata.n_obs].copy()
        mods[name].obs_names = [f"{name} {k}" for k in range(n)]
    return make_mudata(mods)


@pytest.mark.filterwarnings("ignore:Observation names are not unique:UserWarning")
@pytest.mark.parametrize("given", ["data", "no data", "large data", "unlabelled data"])
@pytest.mark.parametrize("asked", SIZES)
def test_sizes_are_the_models_whatever_data_it_meets(fit, tmp_path, asked, given):
    options, expected = SIZES[asked]
    data = make_mdata()
    model = fit(data, model=options)
    sizes = model.module.architecture
    assert (sizes.n_layers, sizes.n_components) == expected
    other = {"data": data.copy(), "no data": False, "large data": _large(data)}.get(given)
    if given == "unlabelled data":
        other = data.copy()
        for adata in other.mod.values():
            adata.obs["label"] = "unknown"
    model.save(tmp_path / "model")
    loaded = MODIS.load(tmp_path / "model", other)
    assert loaded.module.architecture == sizes
    assert repr(loaded) == repr(model)
    for modality in (None, RNA, CPG):
        np.testing.assert_array_equal(
            loaded.get_latent_representation(data, modality),
            model.get_latent_representation(modality=modality),
        )
    # and so they stay
    loaded.save(tmp_path / "again")
    assert MODIS.load(tmp_path / "again", data.copy()).module.architecture == sizes


@pytest.mark.filterwarnings("ignore:Observation names are not unique:UserWarning")
def test_a_large_cohorts_model_keeps_its_hidden_layer_with_few_data(fit, tmp_path):
    data = make_mdata()
    large = fit(_large(data), train={"max_epochs": 1, "batch_size": 512})
    assert large.module.architecture.n_layers == 1
    large.save(tmp_path / "model")
    for few in (data.copy(), False):
        loaded = MODIS.load(tmp_path / "model", few)
        assert loaded.module.architecture == large.module.architecture
        np.testing.assert_array_equal(
            loaded.get_latent_representation(data, RNA), large.get_latent_representation(data, RNA)
        )


def test_a_size_that_was_saved_is_trained_on_with(fit, tmp_path):
    """Also by its share of the observations, and with the components of the first training."""
    model = fit(make_mdata(), model={"n_components": 4})
    model.save(tmp_path / "model")
    loaded = MODIS.load(tmp_path / "model", make_mdata())
    components = loaded.module.encoders[RNA].projection.components.clone()
    loaded.train(max_epochs=1, accelerator="cpu", enable_progress_bar=False)
    assert not any(name.endswith("_validation") for name in loaded.history)
    assert torch.equal(loaded.module.encoders[RNA].projection.components, components)


def _with_links(fit) -> tuple[MODIS, md.MuData, pd.DataFrame]:
    data, links = cohort()
    links = links.assign(weight=np.linspace(0.5, 2, len(links)), sign=1)
    return fit(data, model={"feature_links": links}), data, links


@pytest.mark.parametrize("with_data", [True, False])
def test_links_survive(fit, tmp_path, with_data):
    model, data, links = _with_links(fit)
    model.save(tmp_path / "model")
    loaded = MODIS.load(tmp_path / "model", data.copy() if with_data else False)
    new = None if with_data else data
    pd.testing.assert_frame_equal(loaded.link_summary, model.link_summary)
    assert loaded.link_agreement_ == model.link_agreement_
    for name in data.mod:
        pd.testing.assert_frame_equal(
            loaded.predict(new, name, soft=True), model.predict(modality=name, soft=True)
        )
    np.testing.assert_array_equal(
        loaded.translate("protein", "methylation", new).X,
        model.translate("protein", "methylation").X,
    )
    x = torch.ones(2, data.mod["methylation"].n_vars)
    pair = ("methylation", "expression")
    assert torch.equal(loaded.module.link_maps[pair](x), model.module.link_maps[pair](x))
    # and they train on
    if with_data:
        loaded.train(max_epochs=1, accelerator="cpu", enable_progress_bar=False)
        assert "link_train" in loaded.history
    loaded.save(tmp_path / "again")
    again = MODIS.load(tmp_path / "again", False)
    pd.testing.assert_frame_equal(again.link_summary, model.link_summary)


def test_links_are_the_models_whatever_becomes_of_the_table(fit, tmp_path):
    model, data, links = _with_links(fit)
    summary = model.link_summary.copy()
    # in place
    links["weight"] = 9.0
    links.loc[links.index[20:], "target_feature"] = "none of the data"
    model.save(tmp_path / "model")
    loaded = MODIS.load(tmp_path / "model", data.copy())
    pd.testing.assert_frame_equal(loaded.link_summary, summary)
    x = torch.ones(2, data.mod["methylation"].n_vars)
    pair = ("methylation", "expression")
    assert torch.equal(loaded.module.link_maps[pair](x), model.module.link_maps[pair](x))


def test_wrong_links_are_not_warned_about_at_load(fit, tmp_path):
    data, links = cohort()
    with pytest.warns(UserWarning, match="disagree with the data"):
        model = fit(data, model={"feature_links": shuffled(links)})
    model.save(tmp_path / "model")
    loaded = MODIS.load(tmp_path / "model", data.copy())
    assert loaded.link_agreement_ == model.link_agreement_
    loaded.train(max_epochs=1, accelerator="cpu", enable_progress_bar=False)


def test_links_and_other_features_at_load(fit, tmp_path):
    """Links are found by name, in data whose features stand in another order."""
    model, data, _ = _with_links(fit)
    model.save(tmp_path / "model")
    turned = make_mudata({name: adata[:, ::-1].copy() for name, adata in data.mod.items()})
    loaded = MODIS.load(tmp_path / "model", turned)
    pd.testing.assert_frame_equal(loaded.link_summary, model.link_summary)
    for name in data.mod:
        np.testing.assert_array_equal(
            loaded.get_latent_representation(modality=name),
            model.get_latent_representation(modality=name),
        )


def test_a_loaded_model_reads_data_as_the_first_did(fit, tmp_path):
    data = make_mdata(("gaussian", "nb"))
    for adata in data.mod.values():
        adata.obs["run"] = np.where(np.arange(adata.n_obs) % 3, "r1", "r2")
        adata.obs["sex"] = np.where(np.arange(adata.n_obs) % 4, "m", "f")
    data.mod[CPG].layers["counts"] = data.mod[CPG].X.copy()
    data.mod[CPG].X[:] = 0.5
    model = fit(
        data,
        batch_key="run",
        categorical_covariate_keys=["sex"],
        layer={CPG: "counts"},
        likelihood={CPG: "nb"},
        unlabeled_category="healthy",
    )
    model.save(tmp_path / "model")
    for given in (data.copy(), False):
        loaded = MODIS.load(tmp_path / "model", given)
        new = None if given is not False else data
        np.testing.assert_array_equal(
            loaded.get_latent_representation(new), model.get_latent_representation()
        )
        np.testing.assert_array_equal(
            loaded.translate(RNA, CPG, new).X, model.translate(RNA, CPG).X
        )
        np.testing.assert_array_equal(
            loaded.reconstruct(CPG, new, "r2").X, model.reconstruct(CPG, None, "r2").X
        )
        assert loaded.condition_counts_ == model.condition_counts_
        assert all(counts[0][0] > counts[0][1] for counts in loaded.condition_counts_.values())


def test_without_data_saved_again(model, mdata, saved, tmp_path):
    MODIS.load(saved, False).save(tmp_path / "again")
    _same(MODIS.load(tmp_path / "again", mdata.copy()), model)
    _same(MODIS.load(tmp_path / "again", False), model, mdata)


def test_prefix(model, mdata, tmp_path):
    model.save(tmp_path / "model", prefix="run1_")
    _same(MODIS.load(tmp_path / "model", mdata.copy(), prefix="run1_"), model)
    with pytest.raises(ValueError, match=r"has no model\.pt.*run1_model\.pt"):
        MODIS.load(tmp_path / "model", mdata.copy())


def test_loading_does_not_change_the_data(saved, mdata):
    data = mdata.copy()
    before = fingerprint(data)
    MODIS.load(saved, data)
    assert fingerprint(data) == before


def test_new_labels_and_observations_at_load(model, mdata, saved):
    """The classes are the saved model's, also where the new data have fewer."""
    data = make_mudata({name: adata[5:30].copy() for name, adata in mdata.mod.items()})
    for adata in data.mod.values():
        adata.obs["label"] = np.where(adata.obs["label"] == "a", "unknown", adata.obs["label"])
    loaded = MODIS.load(saved, data)
    assert list(loaded.class_counts().columns[:3]) == ["a", "b", "c"]
    assert list(loaded.predict(soft=True).columns) == ["a", "b", "c"]
    np.testing.assert_allclose(
        loaded.get_latent_representation(modality=RNA),
        model.get_latent_representation(modality=RNA)[5:30],
        rtol=1e-4,
        atol=1e-6,
    )


def test_data_without_labels_at_load(model, mdata, saved):
    data = make_mudata({name: adata.copy() for name, adata in mdata.mod.items()})
    for adata in data.mod.values():
        del adata.obs["label"]
    # mudata 0.3 pulls columns up
    data.obs = data.obs[[]]
    loaded = MODIS.load(saved, data)
    _same(loaded, model)
    assert loaded.class_counts()["unlabeled"].tolist() == [60, 80, 40]


def test_permuted_features_at_load(model, mdata, saved):
    rng = np.random.default_rng(0)
    data = make_mudata(
        {name: adata[:, rng.permutation(adata.n_vars)].copy() for name, adata in mdata.mod.items()}
    )
    loaded = MODIS.load(saved, data)
    _same(loaded, model)
    assert list(loaded.get_var_names()[RNA]) == list(mdata.mod[RNA].var_names)


def test_modalities_in_another_order_at_load(model, mdata, saved):
    """The discriminator's logits are in the order of the training data."""
    data = make_mudata({name: mdata.mod[name].copy() for name in reversed(list(mdata.mod))})
    loaded = MODIS.load(saved, data)
    _same(loaded, model, mdata)
    assert loaded.module.modalities == model.module.modalities
    assert loaded.module.modality_codes == model.module.modality_codes


def test_other_features_at_load_are_ignored(model, mdata, saved):
    extra = mdata.mod[RNA].copy()
    extra.var_names = [f"other {name}" for name in extra.var_names]
    wide = ad.concat([mdata.mod[RNA], extra], axis=1, merge="same")
    others = {name: mdata.mod[name].copy() for name in (CPG, PROTEIN)}
    _same(MODIS.load(saved, make_mudata({RNA: wide, **others})), model)


def test_training_goes_on_after_loading(mdata, saved):
    loaded = MODIS.load(saved, mdata.copy())
    n_epochs = len(loaded.history["loss_train"])
    loaded.train(max_epochs=1, batch_size=16, accelerator="cpu", enable_progress_bar=False)
    assert len(loaded.history["loss_train"]) == n_epochs + 1
    assert np.isfinite(loaded.get_latent_representation()).all()


def test_likelihoods_are_in_the_saved_model(saved):
    text = repr(MODIS.load(saved, False))
    assert all(f"{name}: " in text and kind in text for name, kind in LIKELIHOODS.items())


# folders ---------------------------------------------------------------------------------------


def _missing(folder: Path, saved: Path) -> None:
    pass


def _empty(folder: Path, saved: Path) -> None:
    folder.mkdir()


def _nothing_of_ours(folder: Path, saved: Path) -> None:
    folder.mkdir()
    (folder / "notes.txt").write_text("hello")


def _truncated(folder: Path, saved: Path) -> None:
    folder.mkdir()
    whole = (saved / "model.pt").read_bytes()
    (folder / "model.pt").write_bytes(whole[: len(whole) // 2])


def _zero_bytes(folder: Path, saved: Path) -> None:
    folder.mkdir()
    (folder / "model.pt").touch()


def _text(folder: Path, saved: Path) -> None:
    folder.mkdir()
    (folder / "model.pt").write_text("not a model")


def _weights_only(folder: Path, saved: Path) -> None:
    folder.mkdir()
    torch.save(torch.nn.Linear(2, 2).state_dict(), folder / "model.pt")


def _changed(change: Callable[[dict], None]) -> Callable[[Path, Path], None]:
    def write(folder: Path, saved: Path) -> None:
        folder.mkdir()
        parts = torch.load(saved / "model.pt", weights_only=False)
        change(parts)
        torch.save(parts, folder / "model.pt")

    return write


def _lose_a_weight(parts: dict) -> None:
    del parts["model_state_dict"]["discriminator.modality_head.bias"]


def _scvi(folder: Path, saved: Path) -> None:
    adata = make_modality(RNA, 0, 20, "nb")
    scvi.model.SCVI.setup_anndata(adata)
    scvi.model.SCVI(adata, n_hidden=4, n_latent=2).save(folder)


FOLDERS = [
    ("missing", _missing, r"is no folder.*model\.save"),
    ("empty", _empty, r"has no model\.pt.*model\.save"),
    ("something else", _nothing_of_ours, r"has no model\.pt.*notes\.txt"),
    ("truncated", _truncated, r"model\.pt' is damaged"),
    ("no bytes", _zero_bytes, r"model\.pt' is damaged"),
    ("text", _text, r"model\.pt' is damaged"),
    ("a state dict", _weights_only, "is no model saved by"),
    ("no attributes", _changed(lambda parts: parts.update(attr_dict=None)), "damaged|is no model"),
    ("a weight lost", _changed(_lose_a_weight), "damaged"),
    ("another model", _scvi, "is a saved SCVI model, not a MODIS one"),
]


@pytest.mark.parametrize("with_data", [True, False])
@pytest.mark.parametrize(
    ("write", "says"), [case[1:] for case in FOLDERS], ids=[case[0] for case in FOLDERS]
)
def test_folders_are_refused(saved, tmp_path, write, says, with_data):
    folder, mdata = tmp_path / "folder", make_mdata()
    write(folder, saved)
    before = fingerprint(mdata)
    with pytest.raises(ValueError, match=says) as caught:
        MODIS.load(folder, mdata if with_data else False)
    assert re.search(re.escape(str(folder)), str(caught.value))
    assert fingerprint(mdata) == before
    assert not SCVI_KEYS & set(mdata.uns)


def test_a_folder_in_use_is_not_overwritten(model, saved):
    before = (saved / "model.pt").read_bytes()
    with pytest.raises(ValueError, match="already exists"):
        model.save(saved)
    assert (saved / "model.pt").read_bytes() == before
