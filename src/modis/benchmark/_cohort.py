from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

from .._constants import LIKELIHOOD_DOMAINS
from ..data import align_links, check_mudata, collect_batches, collect_labels
from ..data._validation import check_likelihoods, check_names, check_values
from ..inputs import by_modality, check_column, stated_part, used_modalities

if TYPE_CHECKING:
    from mudata import MuData

__all__ = ["ByModality", "Cohort", "make_cohort"]

#: One value for all modalities, a dict by modality, or texts such as ``"rna=counts"``.
ByModality = str | Mapping[str, str | None] | Sequence[str] | None


@dataclass(frozen=True)
class Cohort:
    """The data of a benchmark, with only what its runs need.

    Parameters
    ----------
    modalities
        Values in ``X``, by modality.
    likelihood
        By modality.
    labels
        Class names by modality, `None` where not known.
    part
        ``"train"`` or ``"test"`` by observation; `None` if the data do not say.
    batches
        Batch names by modality; `None` without batches.
    links
        Linked features; `None` without.
    """

    modalities: dict[str, ad.AnnData]
    likelihood: dict[str, str]
    labels: dict[str, pd.Series]
    part: pd.Series | None = None
    batches: dict[str, pd.Series] | None = None
    links: pd.DataFrame | None = None

    @cached_property
    def label(self) -> pd.Series:
        """Class of every observation whose class is known."""
        known = pd.concat([column.dropna() for column in self.labels.values()])
        return known[~known.index.duplicated()]

    @cached_property
    def n_modalities(self) -> pd.Series:
        """How many modalities every observation has."""
        names = np.concatenate([adata.obs_names for adata in self.modalities.values()])
        return pd.Series(names).value_counts()

    def is_counts(self, modality: str) -> bool:
        """Whether the values are counts."""
        return LIKELIHOOD_DOMAINS[self.likelihood[modality]] == "counts"

    @cached_property
    def digest(self) -> str:
        """Equal if and only if values, names, labels, parts and batches are."""
        state = hashlib.sha256()
        for name, adata in self.modalities.items():
            state.update(f"{name} {self.likelihood[name]} {adata.shape}".encode())
            for array in _arrays(adata.X):
                state.update(np.ascontiguousarray(array).view(np.uint8).data)
            columns = [adata.var_names, adata.obs_names, self.labels[name]]
            columns += [] if self.batches is None else [self.batches[name]]
            for column in columns:
                state.update("\0".join(map(str, column)).encode())
        if self.part is not None:
            state.update("\0".join(self.part).encode())
        return state.hexdigest()

    @cached_property
    def links_digest(self) -> str | None:
        """Of the table of links."""
        if self.links is None:
            return None
        return hashlib.sha256(self.links.to_csv(index=False).encode()).hexdigest()


def make_cohort(
    mdata: MuData,
    labels_key: str,
    *,
    modalities: Sequence[str] | None = None,
    split_key: str | None = None,
    batch_key: str | None = None,
    layer: ByModality = None,
    likelihood: ByModality = None,
    links: pd.DataFrame | None = None,
    unlabeled_category: str = "unknown",
) -> Cohort:
    """Choose what is needed of the data, refusing what cannot work.

    Parameters
    ----------
    mdata
        The data; only read.
    labels_key
        Column of the MuData's or the modalities' obs.
    modalities
        Modalities to use; all by default.
    split_key, batch_key
        Columns like that of the labels.
    layer, likelihood
        As in :meth:`modis.MODIS.setup_mudata`, or as on the command line.
    links
        Linked features.
    unlabeled_category
        Class name that means: not known.

    Raises
    ------
    KeyError
        If a modality, column or layer is not in the data.
    ValueError
        If names, labels or values cannot be used.
    """
    check_mudata(mdata)
    names = used_modalities(mdata, modalities)
    check_names(mdata, names)
    for option, key in (
        ("--labels-key", labels_key),
        ("--split-key", split_key),
        ("--batch-key", batch_key),
    ):
        check_column(mdata, names, key, option)
    layers = _by_modality(layer, names, "--layer")
    given = _by_modality(likelihood, names, "--likelihood")
    likelihoods = {name: value or "gaussian" for name, value in given.items()}
    check_likelihoods(likelihoods)
    check_values(mdata, names, layers, likelihoods)
    labels = collect_labels(mdata, names, labels_key, unlabeled_category)
    classes = sorted({name for column in labels.values() for name in column.dropna()})
    if len(classes) < 2:
        found = f"only the class {classes[0]!r}" if classes else "no class at all"
        raise ValueError(
            f"Column {labels_key!r} (--labels-key) names {found}; two classes at least are needed "
            "to compare classifiers."
        )
    part = None
    if split_key is not None:
        part = stated_part(mdata, names, split_key)
        if part.nunique() < 2:
            raise ValueError(
                f"Column {split_key!r} (--split-key) says {part.iloc[0]!r} for every observation; "
                "some must train and some must test."
            )
    adatas = {}
    for name in names:
        adata = mdata.mod[name]
        x = adata.X if layers[name] is None else adata.layers[layers[name]]
        x = x.tocsr() if sparse.issparse(x) else np.asarray(x, dtype=np.float32)
        obs, var = pd.DataFrame(index=adata.obs_names), pd.DataFrame(index=adata.var_names)
        adatas[name] = ad.AnnData(x, obs=obs, var=var)
    if links is not None:
        features = {name: mdata.mod[name].var_names.to_numpy() for name in names}
        align_links(links, features, [name for name in mdata.mod if name not in names])
    batches = None if batch_key is None else collect_batches(mdata, names, batch_key)
    return Cohort(adatas, likelihoods, labels, part, batches, links)


def _by_modality(value: ByModality, names: list[str], option: str) -> dict[str, str | None]:
    if isinstance(value, Mapping):
        given: Sequence[str] = [f"{name}={own}" for name, own in value.items() if own is not None]
    else:
        given = [value] if isinstance(value, str) else list(value or ())
    return by_modality(given, names, option)


def _arrays(x: Any) -> list[np.ndarray]:
    return [x.data, x.indices, x.indptr] if sparse.issparse(x) else [x]
