"""The single checks; tests/test_bad_input.py has what users see of them."""

from __future__ import annotations

import mudata as md
import numpy as np
import pytest
from scipy import sparse

from modis._constants import LIKELIHOOD_DOMAINS
from modis.data import _matrix, _validation
from modis.data._validation import (
    check_likelihoods,
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


@pytest.mark.parametrize("stored", [np.asarray, sparse.csc_matrix])
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


@pytest.mark.parametrize("likelihood", ["gaussian", "nb"])
def test_counts_of_what_is_wrong(likelihood):
    X = _values(np.nan, np.inf, -np.inf).astype(np.float64)
    # too large for single precision
    X[0, 7] = 1e300
    with pytest.raises(ValueError, match=r"4 missing or inf.* 2 feature\(s\): 'r3', 'r7'\."):
        _check(_one(X), likelihood)
    # warns of nothing, constant features neither, where it refuses
    X[:, 2] = 0
    with pytest.raises(ValueError, match="'r3'"):
        _check(_one(X), likelihood)
    rows = np.array([1, 7, 6])
    with pytest.raises(ValueError, match=r"2 missing or inf.* 1 feature\(s\): 'r3'\."):
        _check(_one(X), likelihood, rows={RNA: rows}, warn=False)
    _check(_one(X), likelihood, rows={RNA: np.array([1, 9])}, warn=False)


def test_the_range_is_told():
    with pytest.raises(ValueError, match=r"from -3 to 2\.5"):
        _check(_one(_values(-3, 2.5)), "nb")


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
    _check(mdata, "beta", warn=False)


@pytest.mark.parametrize("n_values", [24, 10**6])
@pytest.mark.parametrize(
    ("extra", "warns"),
    [
        ((7,), True),
        ((2,), True),
        ((-1, 7), False),
        ((7, 0.5), False),
        ((), False),
    ],
)
def test_counts_under_a_gaussian(extra, warns, n_values, monkeypatch):
    # whatever the pieces in which the matrix is read
    monkeypatch.setattr(_matrix, "_CHUNK_VALUES", n_values)
    mdata = _one(_values(*extra))
    if warns:
        with pytest.warns(UserWarning) as caught:
            check_values(mdata, [RNA], {RNA: None}, {RNA: "gaussian"})
        (message,) = [str(item.message) for item in caught]
        assert f"Modality '{RNA}' holds whole numbers from 0 to {extra[0]} only" in message
        assert f"likelihood={{'{RNA}': 'nb'}}" in message
        assert f"layer={{'{RNA}': ...}}" in message
    else:
        _check(mdata, "gaussian")
    _check(mdata, "gaussian", warn=False)


def test_one_warning_for_all_modalities_of_counts():
    mdata = make_mdata(("nb", "gaussian", "nb"))
    mdata.mod["a_protein"].layers["raw"] = mdata.mod["a_protein"].X.copy()
    layers = dict.fromkeys(mdata.mod) | {"a_protein": "raw"}
    with pytest.warns(UserWarning) as caught:
        check_values(mdata, list(mdata.mod), layers, dict.fromkeys(mdata.mod, "gaussian"))
    (message,) = [str(item.message) for item in caught]
    assert "Modality 'a_protein', layer 'raw' holds" in message
    assert f"likelihood={{'{RNA}': 'nb', 'a_protein': 'nb'}}" in message
    assert "CpG" not in message


@pytest.mark.parametrize(
    ("likelihood", "extra", "hinted"),
    [("gaussian", (), True), ("gaussian", (0.5,), False), ("bernoulli", (), False)],
)
def test_a_remark_on_zeros_and_ones(likelihood, extra, hinted, monkeypatch):
    said = []
    monkeypatch.setattr(_validation.logger, "info", lambda text, *args: said.append(text % args))
    mdata = _one(_values(*extra))
    _check(mdata, likelihood)
    expected = f"Modality '{RNA}' holds 0 and 1 only: likelihood={{'{RNA}': 'bernoulli'}}"
    assert [text.startswith(expected) for text in said] == [True] * hinted
    _check(mdata, likelihood, warn=False)
    assert len(said) == hinted


@pytest.mark.parametrize("stored", [np.asarray, sparse.csc_matrix])
def test_no_counts_where_counts_are_needed(stored):
    likelihood = "poisson"
    mdata = _one(stored(_values(0.5)))
    adata = mdata.mod[RNA]
    adata.layers["scaled"] = stored(_values(-3))
    adata.layers["text"] = np.full(adata.shape, "a")
    with pytest.raises(ValueError, match=r"{'rna seq': 'gaussian'} .*no layer"):
        _check(mdata, likelihood)
    adata.layers["raw"] = stored(_values(12).astype(np.int64))
    with pytest.raises(ValueError, match=r"layer 'raw', .*: layer={'rna seq': 'raw'};"):
        _check(mdata, likelihood)
    adata.X = adata.layers.pop("raw")
    with pytest.raises(ValueError, match=r"X, .*: layer={'rna seq': None};"):
        check_values(mdata, [RNA], {RNA: "scaled"}, {RNA: likelihood})


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
