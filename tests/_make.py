"""Small data that tests of `data`, `model` and the contract start from, and their fingerprint."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

import anndata as ad
import joblib
import mudata as md
import numpy as np
import pandas as pd

from modis.datasets._selection import without_pulling

#: Names as users have them: spaces, accents, no order. Numbers of features differ, so that a
#: mix-up of modalities fails.
N_VARS = {"rna seq": 12, "CpG-îlots": 9, "a_protein": 7}
RNA, CPG, PROTEIN = N_VARS
TINY = {"n_latent": 4, "n_hidden": 8}
BRIEFLY = {"max_epochs": 1, "accelerator": "cpu", "enable_progress_bar": False}

#: First and last observation of each modality. Every group of observations with the same
#: modalities and the same class is large enough to give one to validation.
PAIRINGS = {
    "unpaired": [(0, 30), (30, 52), (52, 70)],
    "mosaic": [(0, 60), (20, 100), (40, 80)],
    "paired": [(0, 32), (0, 32), (0, 32)],
}

#: What scvi-tools writes into a registered object.
SCVI_KEYS = {"_scvi_uuid", "_scvi_manager_uuid"}


@contextmanager
def quick_linear_models() -> Iterator[None]:
    """Two penalties and folds: for tests of what is around a model, not of what it says."""
    values = {"_PENALTIES": np.array([0.01, 1.0]), "_N_FOLDS": 2}
    with mock.patch.multiple("modis.linear._classes", **values):
        yield


@contextmanager
def quick_reports(*, umap: bool = False) -> Iterator[None]:
    """Two penalties for the rival, too, and no UMAP, which compiles itself in every process."""
    fewest = mock.patch("modis.report._figures._FEWEST_FOR_UMAP", 0 if umap else 10**6)
    with quick_linear_models(), fewest, mock.patch("modis.studies._rivals._CS", [0.01, 1.0]):
        yield


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
            {"rank": np.arange(N_VARS[name])}, index=[f"{name[0]}{k}" for k in range(N_VARS[name])]
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


def fingerprint(item: Any) -> dict[str, Any]:
    """Everything in a MuData or an AnnData by path: values, dtypes, memory layout and identity.

    scvi-tools' own identifiers in ``uns`` are left out.
    """
    found = {"": f"{type(item).__name__} {item.shape} view={item.is_view} {id(item)}"}
    for name in ["obs", "var", "uns", "obsm", "varm", "obsp", "varp"]:
        found[name] = _digest(getattr(item, name))
    if isinstance(item, md.MuData):
        found |= {name: _digest(getattr(item, name)) for name in ("axis", "obsmap", "varmap")}
        found["mod"] = {name: fingerprint(each) for name, each in item.mod.items()}
        found["order"] = list(item.mod)
        return found
    found |= {"layers": _digest(item.layers), "raw": item.raw}
    if not item.isbacked:
        found["X"] = _digest(item.X)
        found["X is"] = None if item.is_view else id(item.X)
    return found


def _digest(item: Any) -> Any:
    if isinstance(item, Mapping):
        return [(key, _digest(item[key])) for key in item if key not in SCVI_KEYS]
    if isinstance(item, pd.DataFrame):
        columns = [(name, str(item[name].dtype), _digest(item[name].array)) for name in item]
        return [*columns, item.index.name, _digest(item.index.array)]
    return joblib.hash(item)
