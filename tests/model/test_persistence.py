import errno
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from unittest import mock

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import torch

from modis import MODIS
from modis.model import _archive
from modis.model._archive import INDEX, read_archive, write_archive
from modis.module import PRESETS, _presets

from .._make import CPG, PROTEIN, RNA, SCVI_KEYS, fingerprint, make_mdata, make_mudata
from ._made import BRIEFLY, cohort, shuffled, weights
from .conftest import LIKELIHOODS

pytestmark = pytest.mark.usefixtures("quick")

ANOTHER_PROCESS = """
import sys, mudata, numpy
from modis import MODIS
folder, data, out = sys.argv[1:]
models = MODIS.load(folder), MODIS.load(folder, mudata.read(data))
latents = [model.get_latent_representation() for model in models]
numpy.savez(out, *latents, models[0].translate("rna seq", "a_protein").X)
"""


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "model"
    model.save(folder)
    return folder


def _same(loaded, model, mdata=None):
    for modality in (None, *model.module.modality_codes):
        latent = loaded.get_latent_representation(mdata, modality)
        np.testing.assert_array_equal(latent, model.get_latent_representation(modality=modality))
    pd.testing.assert_frame_equal(loaded.predict(mdata, soft=True), model.predict(soft=True))


def test_another_process_gets_identical_latents(model, mdata, tmp_path):
    model.save(tmp_path / "model", save_anndata=True)
    mdata.write(tmp_path / "data.h5mu")
    arguments = [str(tmp_path / name) for name in ("model", "data.h5mu", "out.npz")]
    env = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    command = [sys.executable, "-c", ANOTHER_PROCESS, *arguments]
    subprocess.run(command, check=True, cwd=tmp_path, env=env, timeout=200)
    with np.load(tmp_path / "out.npz") as found:
        shipped, given, translated = found.values()
    np.testing.assert_array_equal(shipped, model.get_latent_representation())
    np.testing.assert_array_equal(given, shipped)
    np.testing.assert_array_equal(translated, model.translate(RNA, PROTEIN).X)


PAPER = {"architecture": "paper", "adversarial": "relativistic", "scaling": "none"}


@pytest.mark.parametrize("options", [{}, PAPER], ids=["default", "paper"])
def test_the_preset_stays_when_defaults_change(fit, tmp_path, monkeypatch, options):
    """And whatever data it meets."""
    data = make_mdata()
    model = fit(data, model=options)
    model.save(tmp_path / "model")
    for name, preset in PRESETS.items():
        changed = preset.with_sizes(n_layers=3, dropout=0.5, scaling="standard")
        changed = replace(changed, lr=9.0, train_size=0.3, loss_weights={})
        monkeypatch.setitem(_presets.PRESETS, name, changed)
    unlabelled = data.copy()
    for adata in unlabelled.mod.values():
        adata.obs["label"] = "unknown"
    for given in (data.copy(), unlabelled, False):
        loaded = MODIS.load(tmp_path / "model", given)
        assert loaded.preset == loaded.module.preset == model.preset
        assert loaded.module.adversarial == model.module.adversarial
        assert loaded.best_epoch_ == model.best_epoch_
        _same(loaded, model, data)
        loaded.save(tmp_path / "again", overwrite=True)
        assert MODIS.load(tmp_path / "again", data.copy()).preset == model.preset


@pytest.mark.parametrize("is_loaded", [True, False])
def test_training_goes_on(fit, tmp_path, is_loaded):
    """With the scaling of the first training; the linear models are fitted anew."""
    model = fit(make_mdata())
    if is_loaded:
        model.save(tmp_path / "model")
        model = MODIS.load(tmp_path / "model", make_mdata())
    before, n_epochs = weights(model), len(model.history["loss_train"])
    model.predict()
    model.train(**BRIEFLY)
    after = weights(model)
    assert len(model.history["loss_train"]) == n_epochs + BRIEFLY["max_epochs"]
    # in training mode, also after the model was in use: batch normalisation learns
    for name, value in before.items():
        if name.startswith("scalers"):
            assert torch.equal(value, after[name]), name
        elif name.endswith("running_mean"):
            assert not torch.equal(value, after[name]), name


def test_links_survive_whatever_becomes_of_the_table(fit, tmp_path):
    data, links = cohort()
    links = shuffled(links.assign(weight=np.linspace(0.5, 2, len(links)), sign=1))
    with pytest.warns(UserWarning, match="disagree with the data"):
        model = fit(data, model={"feature_links": links})
    summary = model.link_summary.copy()
    # in place
    links["weight"] = 9.0
    links.loc[links.index[20:], "target_feature"] = "none of the data"
    model.save(tmp_path / "model")
    # links are found by name
    turned = make_mudata({name: adata[:, ::-1].copy() for name, adata in data.mod.items()})
    x, pair = torch.ones(2, data.mod["methylation"].n_vars), ("methylation", "expression")
    for given in (turned, False):
        loaded = MODIS.load(tmp_path / "model", given)
        pd.testing.assert_frame_equal(loaded.link_summary, summary)
        assert loaded.link_agreement_ == model.link_agreement_
        assert torch.equal(loaded.module.link_maps[pair](x), model.module.link_maps[pair](x))
        _same(loaded, model, data)
        loaded.save(tmp_path / "again", overwrite=True)
        pd.testing.assert_frame_equal(MODIS.load(tmp_path / "again", False).link_summary, summary)
    # and they train on, without a second warning
    loaded = MODIS.load(tmp_path / "model", turned)
    loaded.train(**BRIEFLY)
    assert "link_train" in loaded.history


def test_a_loaded_model_reads_data_as_the_first_did(fit, tmp_path):
    data = make_mdata(("gaussian", "nb"))
    for adata in data.mod.values():
        adata.obs["run"] = np.where(np.arange(adata.n_obs) % 3, "r1", "r2")
        adata.obs["sex"] = np.where(np.arange(adata.n_obs) % 4, "m", "f")
    data.mod[CPG].layers["counts"] = data.mod[CPG].X.copy()
    data.mod[CPG].X[:] = 0.5
    setup = {"batch_key": "run", "categorical_covariate_keys": ["sex"], "layer": {CPG: "counts"}}
    model = fit(data, **setup, likelihood={CPG: "nb"}, unlabeled_category="healthy")
    model.save(tmp_path / "model")
    for given in (data.copy(), False):
        loaded, new = MODIS.load(tmp_path / "model", given), None if given else data
        for call in (
            lambda each, mdata: ad.AnnData(each.get_latent_representation(mdata)),
            lambda each, mdata: each.translate(RNA, CPG, mdata),
            lambda each, mdata: each.reconstruct(CPG, mdata, "r2"),
        ):
            np.testing.assert_array_equal(call(loaded, new).X, call(model, None).X)
        assert loaded.condition_counts_ == model.condition_counts_


def test_prefix_and_folders_in_use(model, mdata, saved, tmp_path):
    MODIS.load(saved, False).save(tmp_path / "again", prefix="run1_")
    _same(MODIS.load(tmp_path / "again", mdata.copy(), prefix="run1_"), model)
    with pytest.raises(ValueError, match=r"has no model\.json.*run1_model\.json"):
        MODIS.load(tmp_path / "again", mdata.copy())
    before = (saved / "model.json").read_bytes()
    with pytest.raises(ValueError, match="already exists"):
        model.save(saved)
    assert (saved / "model.json").read_bytes() == before


def _wide(adata):
    """With other features, and in another order."""
    extra = adata.copy()
    extra.var_names = [f"other {name}" for name in extra.var_names]
    both = ad.concat([adata, extra], axis=1, merge="same")
    return both[:, np.random.default_rng(0).permutation(both.n_vars)].copy()


def _unlabelled(adata):
    own = adata.copy()
    del own.obs["label"]
    return own


@pytest.mark.parametrize("change", [_wide, _unlabelled])
def test_data_at_load_may_differ(model, mdata, saved, change):
    """Also in the order of modalities: that of the logits stays."""
    data = make_mudata({name: change(mdata.mod[name]) for name in reversed(list(mdata.mod))})
    # mudata 0.3 pulls columns up
    data.obs = data.obs[[]]
    before = fingerprint(data)
    loaded = MODIS.load(saved, data)
    assert fingerprint(data) == before
    _same(loaded, model, mdata)
    latents = (each.get_latent_representation(modality=RNA) for each in (loaded, model))
    np.testing.assert_array_equal(*latents)
    assert loaded.module.modality_codes == model.module.modality_codes
    assert list(loaded.get_var_names()[RNA]) == list(mdata.mod[RNA].var_names)
    counts = loaded.class_counts()
    assert list(counts.columns[:3]) == list(loaded.predict(soft=True).columns) == ["a", "b", "c"]
    assert counts["unlabeled"].tolist() == ([60, 80, 40] if change is _unlabelled else [0, 0, 0])


class Bomb:
    """A pickle that makes a file when it is opened."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def _lose_a_weight(folder):
    content, _ = read_archive(folder)
    del content["weights"][next(iter(content["weights"]))]
    write_archive(folder, "", content)


def _later(folder):
    content, _ = read_archive(folder)
    with mock.patch.object(_archive, "_VERSION", 2):
        write_archive(folder, "", content)


def _change(old, new):
    def change(folder):
        text = (folder / INDEX).read_text()
        assert old in text
        (folder / INDEX).write_text(text.replace(old, new, 1))

    return change


def _arrays(folder):
    (path,) = folder.glob("arrays.*.safetensors")
    return path


def _only(name, item):
    """A folder with a single file of PyTorch, which is a pickle."""

    def write(folder):
        for path in folder.iterdir():
            path.unlink()
        torch.save(item, folder / name)

    return write


FOLDERS = {
    "missing": (shutil.rmtree, r"is not a folder.*model\.save"),
    "something else": (_only("notes.txt", None), r"has no model\.json.*notes\.txt"),
    "of the old kind": (_only("model.pt", Bomb), r"model\.pt\)\. Such a file can run any program"),
    "a pickle": (_only(INDEX, Bomb), "model.json' is damaged"),
    "arrays are a pickle": (lambda folder: torch.save(Bomb, _arrays(folder)), "checksum"),
    "index cut off": (lambda folder: os.truncate(folder / INDEX, 5000), "model.json' is damaged"),
    "arrays cut off": (lambda folder: os.truncate(_arrays(folder), 500), "arrays.*checksum"),
    "arrays missing": (lambda folder: _arrays(folder).unlink(), r"arrays.*damaged .*No such file"),
    "a name changed": (_change("a_protein", "b_protein"), "model.json' is damaged .*checksum"),
    "a path outside": (_change('"arrays.', '"../arrays.'), "model.json' is damaged"),
    "a weight lost": (_lose_a_weight, "cannot be built with this version"),
    "a later format": (_later, "in version 2 of the format"),
}


@pytest.mark.parametrize(("write", "says"), FOLDERS.values(), ids=FOLDERS)
def test_folders_are_refused_without_a_trace(saved, tmp_path, write, says):
    folder, mdata = tmp_path / "folder", make_mdata(list(LIKELIHOODS.values()))
    shutil.copytree(saved, folder)
    write(folder)
    before = fingerprint(mdata)
    bomb = tmp_path / "executed"
    for path in folder.glob("*") if folder.is_dir() else ():
        if path.read_bytes()[:2] in (b"PK", b"\x80\x04"):
            torch.save(Bomb(bomb), path)
    for given in (mdata, False):
        with pytest.raises(ValueError, match=says) as caught:
            MODIS.load(folder, given)
        assert str(folder) in str(caught.value)
    for closed in (MODIS.load_registry, MODIS.view_setup_args, MODIS.convert_legacy_save):
        with pytest.raises(NotImplementedError, match=r"MODIS\.load only"):
            closed(folder)
    assert not bomb.exists()
    assert fingerprint(mdata) == before
    assert not SCVI_KEYS & set(mdata.uns)


def test_a_flipped_bit_is_noticed_or_harmless(model, mdata, saved, tmp_path):
    rng, expected = np.random.default_rng(0), model.predict(soft=True)
    shutil.copytree(saved, tmp_path / "model")
    n_noticed = 0
    for path in (tmp_path / "model").iterdir():
        whole = path.read_bytes()
        for position in rng.integers(len(whole), size=40):
            damaged = bytearray(whole)
            damaged[position] ^= 1 << rng.integers(8)
            path.write_bytes(damaged)
            try:
                loaded = MODIS.load(tmp_path / "model", False)
            except ValueError:
                n_noticed += 1
            else:
                assert loaded.predict(mdata, soft=True).equals(expected)
        path.write_bytes(whole)
    assert n_noticed > 40


@pytest.mark.parametrize("save_anndata", [False, True])
def test_a_save_that_fails_leaves_the_old(model, networks, tmp_path, monkeypatch, save_anndata):
    """As on a full disk, at every step that touches the disk."""
    folder, n_calls, limit = tmp_path / "model", 0, 0

    def failing(call):
        def called(*args):
            nonlocal n_calls
            n_calls += 1
            if n_calls == limit:
                raise OSError(errno.ENOSPC, "No space left on device")
            return call(*args)

        return called

    for name in ("fsync", "replace"):
        monkeypatch.setattr(os, name, failing(getattr(os, name)))
    model.save(folder)
    n_failures = 0
    for limit in range(1, 30):
        n_calls = 0
        try:
            networks.save(folder, overwrite=True, save_anndata=save_anndata)
        except OSError:
            n_failures += 1
        kept = MODIS.load(folder, False).preset
        assert kept == networks.preset or (n_calls >= limit and kept == model.preset)
        if n_calls < limit:
            break
        limit, n_calls = 0, 0
        model.save(folder, overwrite=True)
    assert n_failures == (6 if save_anndata else 4)
    # and nothing is left of those that failed
    assert len(list(folder.iterdir())) == (3 if save_anndata else 2)
