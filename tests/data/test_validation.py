"""The single checks; tests/test_bad_input.py has what users see of them."""

from __future__ import annotations

import mudata as md
import numpy as np
import pytest
from scipy import sparse

from modis._constants import LIKELIHOOD_DOMAINS
from modis.data import _matrix
from modis.data._validation import (
    check_likelihoods,
    check_mudata,
    check_names,
    check_values,
    resolve_modalities,
)

from .._make import fingerprint, make_mdata

RNA = "rna seq"


def _one(X) -> md.MuData:
    mdata = make_mdata(("gaussian",), "paired")
    mdata.mod[RNA].X = X
    return mdata


def _values(*extra: float) -> np.ndarray:
    """0 and 1 in turn, with other values in feature r3 from observation 5 on."""
    X = (np.add.outer(np.arange(32), np.arange(12)) % 2).astype(np.float32)
    X[5 : 5 + len(extra), 3] = extra
    return X


def _check(mdata: md.MuData, likelihood: str, **kwargs) -> None:
    before = fingerprint(mdata)
    check_values(mdata, [RNA], {RNA: None}, {RNA: likelihood}, **kwargs)
    assert fingerprint(mdata) == before


# values that lie in the domain and just outside of it
DOMAINS = {
    "real": ([-1e30, 1e30, 0.5, 1e-30], []),
    "counts": ([0, 7, 2**24], [-1, 0.5, 1 + 1e-6, 1e5 + 0.5]),
    "unit": ([0, 1, 0.5, 1e-30], [-1e-6, 1 + 1e-6, 2]),
    "binary": ([0, 1, 0.5], [-1e-6, 1 + 1e-6, 2]),
}


@pytest.mark.parametrize("stored", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
@pytest.mark.parametrize("likelihood", LIKELIHOOD_DOMAINS)
def test_domains(likelihood, stored):
    inside, outside = DOMAINS[LIKELIHOOD_DOMAINS[likelihood]]
    _check(_one(stored(_values(*inside))), likelihood)
    for value in outside:
        with pytest.raises(ValueError, match=r"1 value\(s\).*1 feature\(s\): 'r3'"):
            _check(_one(stored(_values(value))), likelihood)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float16, np.float64])
@pytest.mark.parametrize("likelihood", LIKELIHOOD_DOMAINS)
def test_any_kind_of_number(likelihood, dtype):
    _check(_one(_values().astype(dtype)), likelihood)


@pytest.mark.parametrize("likelihood", LIKELIHOOD_DOMAINS)
def test_counts_of_what_is_wrong(likelihood):
    X = _values(np.nan, np.inf, -np.inf)
    X[0, 7] = np.nan
    with pytest.raises(ValueError, match=r"4 missing or inf.* 2 feature\(s\): 'r3', 'r7'\."):
        _check(_one(X), likelihood)


def test_the_range_is_told():
    with pytest.raises(ValueError, match=r"from -3 to 2\.5"):
        _check(_one(_values(-3, 2.5)), "nb")


def test_values_too_large_for_single_precision():
    X = _values().astype(np.float64)
    X[2, 2] = 1e300
    with pytest.raises(ValueError, match="'r2'"):
        _check(_one(X), "gaussian")


@pytest.mark.parametrize("n_values", [1, 24, 10**6])
@pytest.mark.parametrize("stored", [np.asarray, sparse.csr_matrix])
def test_constant_features(stored, n_values, monkeypatch):
    # whatever the pieces in which the matrix is read
    monkeypatch.setattr(_matrix, "_CHUNK_VALUES", n_values)
    X = _values()
    X[:, 2], X[:, 9] = 0, 0.25
    mdata = _one(stored(X))
    with pytest.warns(UserWarning, match=r"2 of 12 features.*\('r2', 'r9'\)"):
        check_values(mdata, [RNA], {RNA: None}, {RNA: "beta"})
    _check(mdata, "beta", warn_constant=False)


def test_a_refused_call_does_not_warn_as_well():
    X = _values(np.nan)
    X[:, 2] = 0
    with pytest.raises(ValueError, match="'r3'"):
        _check(_one(X), "gaussian")


def test_layers():
    mdata = _one(_values(np.nan))
    mdata.mod[RNA].layers["fine"] = _values()
    check_values(mdata, [RNA], {RNA: "fine"}, {RNA: "nb"})
    with pytest.raises(KeyError, match=r"no layer 'counts'.*fine"):
        check_values(mdata, [RNA], {RNA: "counts"}, {RNA: "nb"})


def test_resolve_modalities():
    mdata = make_mdata(("gaussian",) * 3)
    assert resolve_modalities(mdata, None) == list(mdata.mod)
    # in the order of the data, once
    assert resolve_modalities(mdata, ["a_protein", RNA, RNA]) == [RNA, "a_protein"]
    assert resolve_modalities(mdata, RNA) == [RNA]


def test_check_mudata():
    mdata = make_mdata()
    check_mudata(mdata)
    with pytest.raises(ValueError, match="view"):
        check_mudata(mdata[:5])


def test_only_the_modalities_in_use_are_checked():
    mdata = make_mdata()
    mdata.mod["CpG-îlots"].X[:] = np.nan
    check_values(mdata, [RNA], {RNA: None}, {RNA: "gaussian"})
    check_names(mdata, [RNA])


def test_check_likelihoods():
    check_likelihoods(dict.fromkeys(LIKELIHOOD_DOMAINS, "gaussian"))
    check_likelihoods({name: name for name in LIKELIHOOD_DOMAINS})
    with pytest.raises(ValueError, match="'b'.*zinb"):
        check_likelihoods({"a": "nb", "b": "NB"})
