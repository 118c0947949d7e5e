"""Small trainings on a fixed seed give what they gave when their values were recorded.

A change that is meant to change no behaviour leaves this test green. One that mends a fault
records the values anew, in its own commit: ``python -m tests.test_lock [name ...]`` writes
``lock.json``.
"""

import json
import sys
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scvi
import torch

from modis import MODIS
from tests._make import make_mudata, make_values

RECORDED = Path(__file__).with_name("lock.json")
N_VARS = {"rna": 24, "meth": 16, "protein": 12}
CLASSES = ("a", "b", "c")
#: By name: likelihoods, first and last sample of each modality, what is hidden, and arguments.
CONFIGURATIONS = {
    "linear": {},
    "hidden": {"model": {"n_layers": 1, "n_hidden": 16}, "train": {"train_size": 0.8}},
    "mosaic": {"rows": [(0, 60), (30, 100), (80, 140)]},
    "missing_pair_links": {"missing": ("b", "protein"), "links": True},
    "no_labels_links": {"unlabeled": 1.0, "links": True, "train": {"train_size": 0.8}},
    "few_labels": {"unlabeled": 0.7},
    "unlabeled_modality": {"missing": (None, "meth"), "links": True},
    "batches": {
        "conditions": True,
        "train": {"plan_kwargs": {"loss_weights": {"batch": 1.0, "adversarial_batch": 1.0}}},
    },
    "paper": {"model": {"architecture": "paper"}, "train": {"batch_size": None}},
    "counts": {"likelihood": ["nb", "beta", "poisson"], "model": {"n_layers": 1}},
    "zero_inflated": {
        "likelihood": ["zinb", "bernoulli", "gaussian_learned_variance"],
        "model": {"n_layers": 1, "adversarial": "relativistic"},
    },
    "relativistic": {"unlabeled": 0.5, "model": {"adversarial": "relativistic"}},
}


def make_data(likelihood=None, rows=None, unlabeled=0.0, missing=None, conditions=False, **_):
    """Three modalities whose features follow three factors, of which the class decides two."""
    likelihood = likelihood or ["gaussian"] * 3
    rows = rows or [(0, 50), (50, 95), (95, 140)]
    rng = np.random.default_rng(7)
    label = np.asarray(CLASSES)[rng.integers(0, 3, size=140)]
    factors = rng.normal(size=(140, 3)) * 0.5
    factors[:, :2] += np.array([[2, 0], [-1, 1.5], [-1, -1.5]])[np.searchsorted(CLASSES, label)]
    hidden = rng.random(140) < unlabeled
    adatas = {}
    for (name, n_vars), kind, (first, last) in zip(N_VARS.items(), likelihood, rows, strict=True):
        loadings = rng.normal(size=(3, n_vars)) * 0.7
        values = make_values(kind, factors[first:last] @ loadings, rng)
        own = pd.Series(label[first:last], dtype=object)
        own[hidden[first:last]] = "unknown"
        kept = np.ones(last - first, dtype=bool)
        if missing is not None and missing[1] == name:
            if missing[0] is None:
                own[:] = "unknown"
            else:
                kept = (own != missing[0]).to_numpy()
        obs = pd.DataFrame({"label": own.to_numpy()}, index=[f"s{k}" for k in range(first, last)])
        obs["site"] = np.where(np.arange(first, last) % 2, "north", "south")
        obs["sex"] = np.where(np.arange(first, last) % 3, "f", "m")
        var = pd.DataFrame(index=[f"{name[0]}{k}" for k in range(n_vars)])
        adatas[name] = ad.AnnData(values, obs=obs, var=var)[kept].copy()
    return make_mudata(adatas)


def make_links():
    """A protein and a methylation site by gene."""
    columns = ["source_modality", "source_feature", "target_modality", "target_feature"]
    table = [("protein", f"p{k}", "rna", f"r{k}") for k in range(12)]
    table += [("meth", f"m{k}", "rna", f"r{k + 8}") for k in range(16)]
    return pd.DataFrame(table, columns=columns)


def measure(name):
    """Train a configuration and say what it gives for the first samples of each modality."""
    how = CONFIGURATIONS[name]
    mdata = make_data(**how)
    likelihood = dict(zip(N_VARS, how.get("likelihood") or ["gaussian"] * 3, strict=True))
    scvi.settings.seed = 0
    setup = {"labels_key": "label", "likelihood": likelihood}
    if how.get("conditions"):
        setup |= {"batch_key": "site", "categorical_covariate_keys": ["sex"]}
    MODIS.setup_mudata(mdata, **setup)
    links = {"feature_links": make_links()} if how.get("links") else {}
    model = MODIS(mdata, **({"n_latent": 4} | links | how.get("model", {})))
    train = {"max_epochs": 4, "batch_size": 16, "accelerator": "cpu"} | how.get("train", {})
    model.train(enable_progress_bar=False, **train)
    found = {"terms": {}}
    for key, values in model.history.items():
        found["terms"][key] = values.iloc[-1, 0]
    for modality in N_VARS:
        latent = model.get_latent_representation(modality=modality)
        found[f"latent {modality}"] = latent[:6].ravel().tolist()
        if model.module.n_classes:
            probability = model.predict(modality=modality, soft=True).to_numpy()
            found[f"probability {modality}"] = probability[:6].ravel().tolist()
    if model.module.n_classes:
        combined = model.predict(soft=True).to_numpy()
        found["probability"] = combined[::20].ravel().tolist()
    for source, target in (("rna", "protein"), ("protein", "meth"), ("meth", "meth")):
        translated = model.translate(source, target).X
        found[f"{source} to {target}"] = translated[:3].ravel().tolist()
    return found


def _rounded(found):
    if isinstance(found, dict):
        return {key: _rounded(value) for key, value in found.items()}
    if isinstance(found, list):
        return [_rounded(value) for value in found]
    return float(f"{float(found):.6g}")


@pytest.mark.filterwarnings("ignore:The feature links between")
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_gives_what_it_gave(name):
    torch.set_num_threads(1)
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))[name]
    found = measure(name)
    assert found["terms"].keys() == recorded["terms"].keys()
    terms = {key: float(value) for key, value in found.pop("terms").items()}
    assert terms == pytest.approx(recorded.pop("terms"), rel=2e-3, abs=2e-4)
    assert found.keys() == recorded.keys()
    for key, values in recorded.items():
        np.testing.assert_allclose(found[key], values, rtol=5e-3, atol=5e-4, err_msg=key)


if __name__ == "__main__":
    torch.set_num_threads(1)
    content = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.is_file() else {}
    for each in sys.argv[1:] or CONFIGURATIONS:
        content[each] = _rounded(measure(each))
    # in one line per configuration: a diff names what changed
    lines = [f"{json.dumps(key)}: {json.dumps(content[key])}" for key in CONFIGURATIONS]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
