"""Checks of a user's data before anything is done with them."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd
from anndata import AnnData
from mudata import MuData
from scipy import sparse
from sklearn.utils.sparsefuncs import min_max_axis
from torch import nn

from .._constants import LIKELIHOOD_DOMAINS
from ._errors import NotInDataError, can_be_shown, choice, name_some, shortened
from ._matrix import FeatureMatrix

# kinds of dtypes
_NUMBERS = "biuf"
_DOMAIN_TEXT = {"counts": "counts are integers from 0"}
_DOMAIN_TEXT |= dict.fromkeys(("unit", "binary"), "values lie between 0 and 1")


def resolve_modalities(mdata: MuData, modalities: Sequence[str] | None) -> list[str]:
    """Names of the modalities to use, in the order of the MuData; refuse those of no use."""
    names = list(mdata.mod) if modalities is None else list(modalities)
    unknown = [name for name in names if name not in mdata.mod]
    if unknown:
        raise NotInDataError(
            f"Modalities {unknown} are not in the MuData; it has {list(mdata.mod)}."
        )
    if not names:
        raise ValueError(
            f"modalities={modalities} leaves no modality to integrate; the MuData has "
            f"{list(mdata.mod)}."
        )
    for name in names:
        # torch keeps the networks of a modality under its name, and HDF5 its data
        if {".", "/"} & set(name) or not can_be_shown(name) or hasattr(nn.ModuleDict(), name):
            raise ValueError(
                f"Modality name {shortened(name)!r} cannot be used: it is empty or too long, has "
                "a dot, a slash or what cannot be printed, or is a reserved word. Rename it: "
                "MuData({'new_name': mdata.mod['old name'], ...})."
            )
    return [name for name in mdata.mod if name in set(names)]


def check_mudata(mdata: Any) -> None:
    """Refuse what is no MuData of AnnData, a view, and modalities that share features."""
    if not isinstance(mdata, MuData):
        raise TypeError(
            f"MODIS takes a MuData, got {type(mdata).__name__}. Is it one modality? Wrap it: "
            "mdata = mudata.MuData({'rna': adata}) (one AnnData per modality)."
        )
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
    """Refuse empty modalities, names that are not unique, and a MuData that is out of date."""
    for modality in modalities:
        adata = mdata.mod[modality]
        if adata.n_obs == 0 or adata.n_vars == 0:
            raise ValueError(
                f"Modality '{modality}' is empty ({adata.n_obs} observations x {adata.n_vars} "
                "features). Remove it, or name the modalities to use: modalities=[...]."
            )
        for kind, axis in (("observation", "obs_names"), ("feature", "var_names")):
            names = getattr(adata, axis)
            if not names.is_unique:
                repeated = names[names.duplicated()].unique()
                raise ValueError(
                    f"Modality '{modality}' has {len(repeated)} {kind} name(s) more than once: "
                    f"{name_some(repeated)}. Make them unique: "
                    f"mdata.mod['{modality}'].{axis}_make_unique()."
                )
        check_up_to_date(mdata, modality)


def check_up_to_date(mdata: MuData, modality: str) -> None:
    """Refuse a MuData that does not know all observations of a modality."""
    names = mdata.mod[modality].obs_names
    unknown = names[~names.isin(mdata.obs_names)]
    if len(unknown):
        raise ValueError(
            f"The MuData does not know {len(unknown)} observation(s) of modality '{modality}': "
            f"{name_some(unknown)}. It was not updated when the modality changed: call "
            "mdata.update()."
        )


def check_likelihoods(likelihoods: Mapping[str, str]) -> None:
    """Refuse unknown likelihoods, given by modality, with a ValueError."""
    for modality, likelihood in likelihoods.items():
        choice(f"likelihood[{modality!r}]", likelihood, list(LIKELIHOOD_DOMAINS))


def check_values(
    mdata: MuData,
    modalities: Sequence[str],
    layers: Mapping[str, str | None],
    likelihoods: Mapping[str, str],
    *,
    features: Mapping[str, np.ndarray] | None = None,
    rows: Mapping[str, np.ndarray] | None = None,
    warn: bool = True,
) -> dict[str, np.ndarray]:
    """Refuse values that the likelihood of a modality cannot explain, and layers that lack.

    By modality, `features` and `rows` are names of features and positions of observations to
    check. Data are read once, in pieces. If all pass, `warn` of constant features and of counts
    under a continuous likelihood. Numbers of missing values are returned, ``(n_rows,)`` by
    modality.
    """
    constants, counts, n_missing = {}, {}, {}
    for modality in modalities:
        adata, layer = mdata.mod[modality], layers[modality]
        names = adata.var_names if features is None else pd.Index(features[modality])
        chosen = None if rows is None else rows[modality]
        lowest, highest, is_whole, n_missing[modality] = _check_matrix(
            adata, modality, layer, likelihoods[modality], names, chosen, features is None
        )
        if is_whole and lowest.min() >= 0 and highest.max() > 1:
            counts[modality] = (
                f"{_where(modality, layer)} holds whole numbers from {lowest.min():.0f} to "
                f"{highest.max():.0f} only"
            )
        # a single observation is no reason to call its features constant
        if (lowest == highest).any() and adata.n_obs > 1:
            constants[modality] = names[lowest == highest]
    # only when every modality passed: a refused call should not warn as well
    if not warn:
        return n_missing
    if counts:
        warnings.warn(
            f"{'; '.join(counts.values())}. A gaussian does not fit counts. If they are counts, "
            f"set likelihood={dict.fromkeys(counts, 'nb')}; otherwise log-normalise them "
            "(scanpy.pp.normalize_total, scanpy.pp.log1p), or name a layer that holds such "
            f"values: layer={{{next(iter(counts))!r}: ...}}.",
            stacklevel=4,
        )
    for modality, constant in constants.items():
        warnings.warn(
            f"Modality '{modality}': {len(constant)} of {mdata.mod[modality].n_vars} features "
            f"have the same value in every observation ({name_some(constant)}); they carry no "
            "information.",
            stacklevel=4,
        )
    return n_missing


def warn_of_numbers(mdata: MuData, modalities: Sequence[str]) -> None:
    """Warn of modalities whose observations are the same by their numbers only."""
    for first, second in combinations(modalities, 2):
        shared = mdata.mod[first].obs_names.intersection(mdata.mod[second].obs_names)
        if len(shared) and shared.str.fullmatch(r"\d+").all():
            warnings.warn(
                f"{len(shared)} observations have the same number as name in '{first}' and "
                f"'{second}' ({name_some(shared)}): they are treated as the same. If not, "
                f"rename them: mdata.mod['{second}'].obs_names = '{second} ' + "
                f"mdata.mod['{second}'].obs_names; mdata.update().",
                stacklevel=4,
            )


def _check_matrix(
    adata: AnnData,
    modality: str,
    layer: str | None,
    likelihood: str,
    names: pd.Index,
    rows: np.ndarray | None,
    whole: bool,
) -> tuple[np.ndarray, np.ndarray, bool, np.ndarray]:
    """Refuse values of one modality, or tell lowest and highest, each ``(n_features,)``.

    Also whether the likelihood takes any value, but all are whole numbers; and how many lack,
    ``(n_rows,)``. Data that are `whole` have a value of every feature.
    """
    check_layer(adata, modality, layer)
    where, domain = _where(modality, layer), LIKELIHOOD_DOMAINS[likelihood]
    matrix = FeatureMatrix(adata, layer, adata.var_names.get_indexer(names))
    infinite, outside, observed = np.zeros((3, len(names)), dtype=np.int64)
    counts = [np.zeros(0, dtype=np.int64)]
    lowest, highest = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    is_whole = domain == "real"
    for chunk in matrix.chunks(rows, compact=True):
        infinite += _count(chunk, np.isinf)
        observed += chunk.shape[0] - _count(chunk, np.isnan)
        counts.append(_count(chunk, np.isnan, axis=1))
        outside += _count(chunk, partial(_outside, domain=domain))
        if sparse.issparse(chunk):
            low, high = min_max_axis(chunk, axis=0, ignore_nan=True)
        else:
            low, high = np.fmin.reduce(chunk, axis=0), np.fmax.reduce(chunk, axis=0)
        lowest, highest = np.fmin(lowest, low), np.fmax(highest, high)
        is_whole = is_whole and not _count(chunk, _is_broken).any()
    if infinite.any():
        raise ValueError(
            f"{where} has {infinite.sum()} infinite value(s) (or too large for single precision) "
            f"in {(infinite > 0).sum()} feature(s): {name_some(names[infinite > 0])}. Correct "
            "them, or make them NaN if they are not known."
        )
    n_missing = np.concatenate(counts)
    if (empty := n_missing == len(names)).any():
        found = adata.obs_names[empty if rows is None else rows[empty]]
        raise ValueError(
            f"{where} has {len(found)} observation(s) without a single value: {name_some(found)}. "
            f"Leave them out of it: mdata.mod['{modality}'] = adata[~np.isnan(adata.X).all(1)]; "
            "mdata.update()."
        )
    if whole and not observed.all():
        raise ValueError(
            f"{where} has {(observed == 0).sum()} feature(s) without a single value: "
            f"{name_some(names[observed == 0])}. Remove them."
        )
    if outside.any():
        raise ValueError(
            f"{where} has {outside.sum()} value(s) that likelihood='{likelihood}' cannot explain "
            f"({_DOMAIN_TEXT[domain]}) in {(outside > 0).sum()} feature(s): "
            f"{name_some(names[outside > 0])}; values range from {lowest.min():.4g} to "
            f"{highest.max():.4g}. Name a layer that holds such values (there are "
            f"{_layers(adata)}): layer={{{modality!r}: ...}}; or choose "
            f"likelihood={{{modality!r}: 'gaussian'}}."
        )
    return lowest, highest, is_whole, n_missing


def check_layer(adata: AnnData, modality: str, layer: str | None) -> None:
    """Refuse a modality without the layer, or without numbers in it."""
    if layer is not None and layer not in adata.layers:
        raise NotInDataError(
            f"Modality '{modality}' has no layer '{layer}'; it has {_layers(adata)}."
        )
    source, where = adata.X if layer is None else adata.layers[layer], _where(modality, layer)
    if source is None:
        raise ValueError(
            f"{where} has no values (X is None). Name a layer: layer={_layers(adata)}."
        )
    if source.dtype.kind not in _NUMBERS:
        raise ValueError(f"{where} holds {source.dtype} values; real numbers are needed.")


def _layers(adata: AnnData) -> list[str]:
    # anndata from 0.13 on counts X as the layer None
    return [name for name in adata.layers if name is not None]


def _where(modality: str, layer: str | None) -> str:
    return f"Modality '{modality}'" + (f", layer '{layer}'" if layer else "")


def _count(
    x: Any, is_counted: Callable[[np.ndarray], np.ndarray], axis: Literal[0, 1] = 0
) -> np.ndarray:
    """Values that count, by column or by row (`axis` 1); zeros of sparse rows never do."""
    if not sparse.issparse(x):
        return is_counted(x).sum(axis=axis)
    place = x.indices if axis == 0 else np.repeat(np.arange(x.shape[0]), np.diff(x.indptr))
    return np.bincount(place[is_counted(x.data)], minlength=x.shape[1 - axis])


def _is_broken(x: np.ndarray) -> np.ndarray:
    """Which values are no whole numbers."""
    return (x != np.round(x)) & ~np.isnan(x)


def _outside(x: np.ndarray, domain: str) -> np.ndarray:
    if domain == "counts":
        return (x < 0) | _is_broken(x)
    if domain in ("unit", "binary"):
        return (x < 0) | (x > 1)
    return np.zeros(x.shape, dtype=bool)
