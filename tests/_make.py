"""Small data that tests of `data`, `model` and the contract start from, and their fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
from scipy import sparse

#: Names as users have them: spaces, accents, no order. Numbers of features differ, so that a
#: mix-up of modalities fails.
N_VARS = {"rna seq": 12, "CpG-îlots": 9, "a_protein": 7}

#: First and last observation of each modality. Every group of observations with the same
#: modalities and the same class is large enough to give one to validation.
PAIRINGS = {
    "unpaired": [(0, 30), (30, 52), (52, 70)],
    "mosaic": [(0, 60), (20, 100), (40, 80)],
    "paired": [(0, 32), (0, 32), (0, 32)],
}

#: What scvi-tools writes into a registered object.
SCVI_KEYS = {"_scvi_uuid", "_scvi_manager_uuid"}


def without_pulling() -> AbstractContextManager:
    """mudata 0.3 warns about its future default unless told."""
    return md.set_options(pull_on_update=False) if hasattr(md, "set_options") else nullcontext()


def make_mudata(modalities: Mapping[str, ad.AnnData], **kwargs: Any) -> md.MuData:
    with without_pulling():
        return md.MuData(dict(modalities), **kwargs)


def make_values(likelihood: str, signal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Values that the likelihood can explain around a signal of shape ``(n_obs, n_vars)``."""
    probability = 1 / (1 + np.exp(-signal))
    if likelihood in ("nb", "zinb", "poisson"):
        values = rng.poisson(np.exp(signal) + 0.5)
    elif likelihood == "bernoulli":
        values = rng.random(signal.shape) < probability
    elif likelihood == "beta":
        values = rng.beta(5 * probability, 5 * (1 - probability))
    else:
        values = signal + rng.normal(size=signal.shape)
    return values.astype(np.float32)


def make_modality(
    name: str,
    first: int,
    last: int,
    likelihood: str = "gaussian",
    classes: Sequence[str] = ("healthy", "Crohn's"),
) -> ad.AnnData:
    """Observations `first` to `last`; the class of an observation is its number modulo."""
    numbers = np.arange(first, last)
    # not hash(), which differs from process to process
    rng = np.random.default_rng([first, last, N_VARS[name]])
    centers = rng.normal(size=(len(classes), N_VARS[name]), scale=2)
    codes = numbers % len(classes)
    adata = ad.AnnData(
        make_values(likelihood, centers[codes], rng),
        obs=pd.DataFrame(index=[f"s{number}" for number in numbers]),
        var=pd.DataFrame(
            {"rank": np.arange(N_VARS[name])},
            index=[f"{name[0]}{k}" for k in range(N_VARS[name])],
        ),
    )
    adata.obs["label"] = np.asarray(classes)[codes]
    return adata


def make_mdata(
    likelihoods: Sequence[str] = ("gaussian", "gaussian"),
    pairing: str = "mosaic",
    classes: Sequence[str] = ("healthy", "Crohn's"),
) -> md.MuData:
    """One modality per likelihood, with labels in each modality's ``obs["label"]``."""
    return make_mudata(
        {
            name: make_modality(name, first, last, likelihood, classes)
            for name, (first, last), likelihood in zip(
                N_VARS, PAIRINGS[pairing], likelihoods, strict=False
            )
        }
    )


def put(target: md.MuData | ad.AnnData, column: str, values: Any) -> None:
    """Set a column of ``obs``: a Series by name, anything else as it stands."""
    if isinstance(values, pd.Series):
        values = values.reindex(target.obs_names).to_numpy()
    target.obs[column] = values


def fingerprint(mdata: md.MuData | ad.AnnData) -> dict[str, str]:
    """Everything in the object by path: values, dtypes, memory layout, order and identity.

    scvi-tools' own identifiers in ``uns`` are left out.
    """
    found: dict[str, str] = {}
    _walk(mdata, "", found)
    return found


def _walk(item: Any, path: str, found: dict[str, str]) -> None:
    if isinstance(item, md.MuData | ad.AnnData):
        found[path] = f"{type(item).__name__} {item.shape} view={item.is_view} {id(item)}"
        names = ["obs", "var", "obsm", "varm", "obsp", "varp", "uns"]
        names += ["mod", "obsmap", "varmap", "axis"] if isinstance(item, md.MuData) else []
        names += ["X", "layers", "raw"] if isinstance(item, ad.AnnData) else []
        if isinstance(item, ad.AnnData) and not item.isbacked and not item.is_view:
            found[f"{path}.X is"] = str(id(item.X))
        for name in names:
            _walk(getattr(item, name), f"{path}.{name}", found)
    elif isinstance(item, pd.DataFrame):
        found[path] = f"columns {list(item.columns)} index {_digest(item.index)}"
        for column in item:
            _walk(item[column], f"{path}[{column!r}]", found)
    elif isinstance(item, pd.Series | pd.Index):
        found[path] = _digest(item)
    elif isinstance(item, Mapping):
        found[path] = f"keys {[key for key in item if key not in SCVI_KEYS]}"
        for key in item:
            if key not in SCVI_KEYS:
                _walk(item[key], f"{path}[{key!r}]", found)
    elif sparse.issparse(item):
        parts = [item.data, item.indices, item.indptr]
        found[path] = " ".join([item.format, str(item.shape), *(_digest(part) for part in parts)])
    else:
        found[path] = _digest(item)


def _digest(item: Any) -> str:
    if isinstance(item, pd.Series | pd.Index):
        values = pd.util.hash_array(np.asarray(item.astype(object), dtype=object).astype(str))
        categories = list(item.cat.categories) if hasattr(item, "cat") else None
        missing = np.flatnonzero(item.isna()).tolist()
        return f"{item.dtype} {item.name} {categories} {missing} {values.tobytes().hex()}"
    if isinstance(item, np.ndarray):
        content = item.astype(str) if item.dtype == object else item
        layout = (item.flags["C_CONTIGUOUS"], item.flags["F_CONTIGUOUS"])
        digest = hashlib.sha256(np.ascontiguousarray(content).tobytes()).hexdigest()
        return f"{item.dtype} {item.shape} {layout} {digest}"
    return repr(item)
