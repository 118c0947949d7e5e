from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata import AnnData
from mudata import MuData
from torch import nn

from .._constants import LIKELIHOOD_DOMAINS
from ._errors import NotInDataError
from ._hints import count_sources, hint_at_likelihoods, is_whole
from ._matrix import FeatureMatrix
from ._text import name_some

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "check_likelihoods",
    "check_mudata",
    "check_names",
    "check_values",
    "resolve_modalities",
]


def resolve_modalities(mdata: MuData, modalities: Sequence[str] | None) -> list[str]:
    """Names of the modalities to use, in the order of the MuData.

    Raises
    ------
    KeyError
        If a modality is not in the MuData.
    ValueError
        If none is left, or a name cannot be used.
    """
    if isinstance(modalities, str):
        modalities = [modalities]
    names = list(mdata.mod) if modalities is None else list(modalities)
    unknown = [name for name in names if name not in mdata.mod]
    if unknown:
        raise NotInDataError(
            f"Modalities {unknown} are not in the MuData; it has {list(mdata.mod)}."
        )
    if not names:
        raise ValueError(
            "modalities=[] leaves nothing to integrate."
            if mdata.mod
            else "The MuData has no modality."
        )
    for name in names:
        # torch keeps the networks of a modality under its name
        if "." in name or not name or hasattr(nn.ModuleDict(), name):
            raise ValueError(
                f"Modality name {name!r} cannot be used: it is empty, has a dot or is a reserved "
                f"word. Rename it: MuData({{'new_name': mdata.mod[{name!r}], ...}})."
            )
    return [name for name in mdata.mod if name in set(names)]


def check_mudata(mdata: Any) -> None:
    """Refuse what is no usable MuData.

    Raises
    ------
    TypeError
        If it, or a modality, is something else.
    ValueError
        If it is a view, or its modalities share features instead of observations.
    """
    if isinstance(mdata, AnnData):
        raise TypeError(
            "MODIS takes a MuData, not an AnnData. Wrap it: "
            "mdata = mudata.MuData({'rna': adata}) (one AnnData per modality)."
        )
    if not isinstance(mdata, MuData):
        raise TypeError(f"MODIS takes a MuData, got {type(mdata).__name__}.")
    for name, adata in mdata.mod.items():
        if not isinstance(adata, AnnData):
            raise TypeError(
                f"Modality '{name}' is a {type(adata).__name__}; each modality is an AnnData."
            )
    if mdata.axis == 1:
        raise ValueError(
            "The MuData was made with axis=1: its modalities share features, and observations of "
            "the same name are different ones. Make it with axis=0 and names of their own for "
            "different observations."
        )
    if mdata.is_view or any(adata.is_view for adata in mdata.mod.values()):
        raise ValueError(
            "The MuData is a view of another one. Copy it first: mdata = mdata.copy()."
        )


def check_names(mdata: MuData, modalities: Sequence[str]) -> None:
    """Refuse empty modalities and names that are not unique.

    Raises
    ------
    ValueError
        With the modality and the first offending names.
    """
    for modality in modalities:
        adata = mdata.mod[modality]
        if adata.n_obs == 0 or adata.n_vars == 0:
            raise ValueError(
                f"Modality '{modality}' is empty ({adata.n_obs} observations x {adata.n_vars} "
                "features). Remove it, or name the modalities to use: modalities=[...]."
            )
        _check_unique(adata.obs_names, modality, "observation", "obs_names_make_unique")
        _check_unique(adata.var_names, modality, "feature", "var_names_make_unique")


def check_values(
    mdata: MuData,
    modalities: Sequence[str],
    layers: Mapping[str, str | None],
    likelihoods: Mapping[str, str],
    *,
    features: Mapping[str, np.ndarray] | None = None,
    warn: bool = True,
) -> None:
    """Refuse values that the likelihood of a modality cannot explain.

    Sparse and backed data are read once, in pieces. Constant features are warned about once per
    modality, and counts that a continuous likelihood is to explain once for all.

    Parameters
    ----------
    mdata
        The data.
    modalities
        Modalities to check.
    layers, likelihoods
        Layer and likelihood by modality.
    features
        Features to check, by modality; all by default.
    warn
        Whether to warn and to remark on the likelihoods.

    Raises
    ------
    KeyError
        If a layer is missing.
    ValueError
        If values are missing, infinite, not numbers or outside the likelihood's domain.
    """
    constants, whole, where = {}, {}, {}
    for modality in modalities:
        adata, layer = mdata.mod[modality], layers[modality]
        if layer is not None and layer not in adata.layers:
            raise NotInDataError(
                f"Modality '{modality}' has no layer '{layer}'; it has {list(adata.layers)}."
            )
        names = adata.var_names if features is None else pd.Index(features[modality])
        where[modality] = f"Modality '{modality}'" + (f", layer '{layer}'" if layer else "")
        constant, whole_range = _check_matrix(
            adata, modality, layer, likelihoods[modality], names, where[modality]
        )
        if whole_range is not None:
            whole[modality] = whole_range
        # a single observation is no reason to call its features constant
        if len(constant) and adata.n_obs > 1:
            constants[modality] = constant
    # only when every modality passed: a refused call should not warn as well
    if not warn:
        return
    hint_at_likelihoods(whole, where, stacklevel=4)
    for modality, constant in constants.items():
        warnings.warn(
            f"Modality '{modality}': {len(constant)} of {mdata.mod[modality].n_vars} features "
            f"have the same value in every observation ({name_some(constant)}); they carry no "
            "information.",
            UserWarning,
            stacklevel=4,
        )


def check_likelihoods(likelihoods: Mapping[str, str]) -> None:
    """Refuse unknown likelihoods.

    Raises
    ------
    ValueError
        With the modality and the known likelihoods.
    """
    for modality, likelihood in likelihoods.items():
        if likelihood not in LIKELIHOOD_DOMAINS:
            raise ValueError(
                f"likelihood={likelihood!r} for modality '{modality}' is not known; choose one of "
                f"{list(LIKELIHOOD_DOMAINS)}."
            )


def _check_matrix(
    adata: AnnData,
    modality: str,
    layer: str | None,
    likelihood: str,
    names: pd.Index,
    where: str,
) -> tuple[list[str], tuple[float, float] | None]:
    """Check one modality's values.

    Returns
    -------
    The constant features, and the range of the values where the likelihood takes any but all
    are whole numbers.
    """
    source = adata.X if layer is None else adata.layers[layer]
    if source is None:
        raise ValueError(
            f"{where} has no values (X is None). Name a layer: layer={list(adata.layers)}."
        )
    is_number = np.issubdtype(source.dtype, np.number) or source.dtype == bool
    if not is_number or np.issubdtype(source.dtype, np.complexfloating):
        raise ValueError(f"{where} holds {source.dtype} values; real numbers are needed.")
    domain = LIKELIHOOD_DOMAINS[likelihood]
    not_finite = np.zeros(len(names), dtype=np.int64)
    outside = np.zeros(len(names), dtype=np.int64)
    lowest = np.full(len(names), np.inf)
    highest = np.full(len(names), -np.inf)
    whole = domain == "real"
    for chunk in FeatureMatrix(adata, layer, adata.var_names.get_indexer(names)).chunks():
        not_finite += (~np.isfinite(chunk)).sum(axis=0)
        outside += _outside(chunk, domain).sum(axis=0)
        lowest = np.fmin(lowest, chunk.min(axis=0))
        highest = np.fmax(highest, chunk.max(axis=0))
        whole = whole and is_whole(chunk)
    if not_finite.any():
        raise ValueError(
            f"{where} has {int(not_finite.sum())} missing or infinite value(s) (or too large for "
            f"single precision) in {int((not_finite > 0).sum())} feature(s): "
            f"{name_some(names[not_finite > 0])}. "
            "Impute or remove these features or observations first."
        )
    if outside.any():
        raise ValueError(
            f"{where} has {int(outside.sum())} value(s) that likelihood='{likelihood}' cannot "
            f"explain ({_DOMAIN_TEXT[domain]}) in {int((outside > 0).sum())} feature(s): "
            f"{name_some(names[outside > 0])}; values range from {lowest.min():.4g} to "
            f"{highest.max():.4g}. {_remedy(adata, modality, layer, domain)}"
        )
    whole_range = (float(lowest.min()), float(highest.max())) if whole else None
    return list(names[lowest == highest]), whole_range


def _remedy(adata: AnnData, modality: str, layer: str | None, domain: str) -> str:
    """What to do with values that the likelihood cannot explain."""
    continuous = f"likelihood={{{modality!r}: 'gaussian'}}"
    if domain != "counts":
        return f"Choose {continuous}, or another layer."
    sources = count_sources(adata, layer)
    if not sources:
        return (
            f"Choose {continuous} for normalised values; for a count likelihood give raw counts, "
            "of which this modality has no layer."
        )
    name = "X" if sources[0] is None else f"the layer '{sources[0]}'"
    return (
        f"Choose {name}, which holds counts: layer={{{modality!r}: {sources[0]!r}}}; or "
        f"{continuous} for normalised values."
    )


_DOMAIN_TEXT = {
    "real": "real numbers",
    "counts": "counts are integers from 0",
    "unit": "values lie between 0 and 1",
    "binary": "values lie between 0 and 1",
}


def _outside(x: np.ndarray, domain: str) -> np.ndarray:
    if domain == "counts":
        return (x < 0) | (x != np.round(x))
    if domain in ("unit", "binary"):
        return (x < 0) | (x > 1)
    return np.zeros(x.shape, dtype=bool)


def _check_unique(names: pd.Index, modality: str, kind: str, remedy: str) -> None:
    if not names.is_unique:
        repeated = names[names.duplicated()].unique()
        raise ValueError(
            f"Modality '{modality}' has {len(repeated)} {kind} name(s) more than once: "
            f"{name_some(repeated)}. Make them unique: mdata.mod['{modality}'].{remedy}()."
        )
