"""Ways to break data, and what a refusal must say and leave."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import anndata as ad
import mudata as md
import numpy as np
import pytest

from modis import MODIS

from ._make import CPG, RNA, SCVI_KEYS, TINY, fingerprint, make_mdata, make_mudata

Change = Callable[[md.MuData], Any]


class Bad(NamedTuple):
    """One way to be wrong: what the error must say, how data are broken, and the call."""

    name: str
    says: tuple[str, ...]
    broken: Change = lambda mdata: mdata
    setup: Mapping[str, Any] = {}
    error: type[Exception] | tuple[type[Exception], ...] = ValueError

    def __str__(self) -> str:
        return self.name


def check_refused(bad: Bad, mdata: Any, call: Callable[[Any], Any]) -> None:
    """The error says what it must, in words of the user, and the data are as before."""
    is_data = isinstance(mdata, md.MuData | ad.AnnData)
    before = fingerprint(mdata) if is_data else None
    with pytest.raises(bad.error) as caught:
        call(mdata)
    message = " ".join(str(caught.value).split())
    assert [part for part in bad.says if part not in message] == []
    # quotes within quotes, and names of functions, are for programmers
    assert [part for part in ("\\'", "register(") if part in message] == []
    if is_data:
        assert fingerprint(mdata) == before
        assert not SCVI_KEYS & set(mdata.uns)


def replaced(change: Callable[[ad.AnnData], Any]) -> Change:
    """The same data with another modality of CpGs."""

    def broken(mdata: md.MuData) -> md.MuData:
        with warnings.catch_warnings():
            # anndata and mudata warn about names that are not unique
            warnings.simplefilter("ignore", UserWarning)
            return make_mudata({**mdata.mod, CPG: change(mdata.mod[CPG])})

    return broken


def with_values(convert: Callable[[np.ndarray], Any]) -> Change:
    """Other values in the modality of CpGs."""

    def broken(mdata: md.MuData) -> md.MuData:
        mdata.mod[CPG].X = convert(mdata.mod[CPG].X)
        return mdata

    return broken


def with_value(X: np.ndarray, value: float) -> np.ndarray:
    X[3, 2] = value
    return X


def numbered(mdata: md.MuData) -> md.MuData:
    """Names of observations are numbers."""
    for adata in mdata.mod.values():
        adata.obs_names = [name[1:] for name in adata.obs_names]
    return make_mudata(mdata.mod)


def twice(axis: str) -> Change:
    """The first name of an axis is the second as well."""

    def change(adata: ad.AnnData) -> ad.AnnData:
        names = list(getattr(adata, axis))
        setattr(adata, axis, [names[0], names[0], *names[2:]])
        return adata

    return replaced(change)


def with_obs(column: str, **values: Any) -> Change:
    """A column in the modalities `rna` and `cpg`: one value, or that of one name and of others."""

    def broken(mdata: md.MuData) -> md.MuData:
        for place, value in values.items():
            obs = mdata.mod[{"rna": RNA, "cpg": CPG}[place]].obs
            name, own, others = value if isinstance(value, tuple) else (None, None, value)
            obs[column] = np.where(obs.index == name, own, others)
        return mdata

    return broken


def set_up(mdata: md.MuData | None = None, **kwargs: Any) -> MODIS:
    mdata = make_mdata() if mdata is None else mdata
    MODIS.setup_mudata(mdata, labels_key="label", **kwargs)
    return MODIS(mdata, **TINY)


INFINITE = with_values(lambda X: with_value(X, np.inf))
