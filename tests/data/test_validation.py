"""The single checks; tests/test_bad_input.py has what users see of them."""

import anndata as ad
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from modis._constants import LIKELIHOOD_DOMAINS
from modis.data import _matrix, _validation
from modis.data._validation import check_values

from .._make import fingerprint, make_mdata

RNA = "rna seq"


def _one(*extra, stored=np.asarray):
    """0 and 1 in turn, with other values in feature r3 from observation 5 on."""
    X = (np.add.outer(np.arange(32), np.arange(12)) % 2).astype(np.float64)
    X[5 : 5 + len(extra), 3] = extra
    mdata = make_mdata(("gaussian",), "paired")
    mdata.mod[RNA].X = stored(X)
    return mdata


def _check(mdata, likelihood, layer=None, **kwargs):
    before = fingerprint(mdata)
    check_values(mdata, [RNA], {RNA: layer}, {RNA: likelihood}, **kwargs)
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
    _check(_one(*inside, stored=stored), likelihood)
    for value in outside:
        with pytest.raises(ValueError, match=r"1 value\(s\).*1 feature\(s\): 'r3'"):
            _check(_one(value, stored=stored), likelihood)
    for dtype in (bool, np.uint8, np.int64, np.float16):
        _check(_one(stored=lambda X, dtype=dtype: X.astype(dtype)), likelihood, warn=False)


@pytest.mark.parametrize("likelihood", ["gaussian", "nb"])
def test_counts_of_what_is_wrong(likelihood):
    mdata = _one(np.inf, np.nan, -np.inf)
    # too large for single precision
    mdata.mod[RNA].X[0, 7] = 1e300
    with pytest.raises(ValueError, match=r"3 infinite.* 2 feature\(s\): 'r3', 'r7'\."):
        _check(mdata, likelihood)
    # warns of nothing, constant features neither, where it refuses
    mdata.mod[RNA].X[:, 2] = 0
    with pytest.raises(ValueError, match="'r3'"):
        _check(mdata, likelihood)
    with pytest.raises(ValueError, match=r"1 infinite.* 1 feature\(s\): 'r3'\."):
        _check(mdata, likelihood, rows={RNA: np.array([1, 7, 6])}, warn=False)
    _check(mdata, likelihood, rows={RNA: np.array([1, 6, 9])}, warn=False)
    mdata.mod[RNA].X[9] = np.nan
    with pytest.raises(ValueError, match=r"1 observation\(s\) without a single value: 's9'\."):
        _check(mdata, likelihood, rows={RNA: np.array([1, 9])}, warn=False)
    # of new data a feature may be missing altogether, of training data not
    mdata.mod[RNA].X[[0, 5, 7, 9]] = 1
    mdata.mod[RNA].X[:, 7] = np.nan
    _check(mdata, likelihood, features={RNA: mdata.mod[RNA].var_names}, warn=False)
    with pytest.raises(ValueError, match=r"1 feature\(s\) without a single value: 'r7'\."):
        _check(mdata, likelihood)


@pytest.mark.parametrize("n_values", [1, 24, 10**6])
@pytest.mark.parametrize("stored", [np.asarray, sparse.csr_matrix])
def test_constant_features(stored, n_values, monkeypatch):
    # whatever the pieces in which the matrix is read
    monkeypatch.setattr(_matrix, "_CHUNK_VALUES", n_values)
    mdata = _one()
    mdata.mod[RNA].X[:, [2, 9]] = 0, 0.25
    mdata.mod[RNA].X = stored(mdata.mod[RNA].X)
    with pytest.warns(UserWarning, match=r"2 of 12 features.*\('r2', 'r9'\)"):
        _check(mdata, "beta")
    _check(mdata, "beta", warn=False)


@pytest.mark.parametrize("n_values", [24, 10**6])
def test_counts_under_a_gaussian(n_values, monkeypatch):
    monkeypatch.setattr(_matrix, "_CHUNK_VALUES", n_values)
    for extra in ((-1, 7), (7, 0.5)):
        _check(_one(*extra), "gaussian")
    mdata = _one(2)
    with pytest.warns(UserWarning, match=f"'{RNA}' holds whole numbers from 0 to 2 only"):
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
    assert f"layer={{'{RNA}': ...}}" in message
    assert "CpG" not in message


def test_what_is_offered_in_place_of_values_that_do_not_fit():
    mdata = _one(-3, 2.5)
    mdata.mod[RNA].layers["raw"] = _one(12).mod[RNA].X
    says = r"from -3 to 2\.5\. Name a layer .* \['raw'\].*; or choose likelihood={'rna seq': 'gau"
    with pytest.raises(ValueError, match=says):
        _check(mdata, "poisson")
    _check(mdata, "poisson", "raw")
    with pytest.raises(KeyError, match=r"no layer 'counts'.*raw"):
        _check(mdata, "poisson", "counts")


@given(
    seed=st.integers(0, 10**6),
    domain=st.sampled_from(sorted({*LIKELIHOOD_DOMAINS.values()})),
    odd=st.lists(st.sampled_from([np.nan, np.inf, -1.0, 0.5, 1e300]), max_size=4),
    with_columns=st.booleans(),
)
def test_sparse_values_are_checked_as_dense_ones(seed, domain, odd, with_columns):
    rng = np.random.default_rng(seed)
    x = rng.poisson(0.4, size=(9, 5)) / (1 if domain == "counts" else 8)
    x[rng.integers(0, 9, len(odd)), rng.integers(0, 5, len(odd))] = odd
    likelihood = next(name for name, its in LIKELIHOOD_DOMAINS.items() if its == domain)
    found = []
    for stored in (np.asarray, sparse.csr_matrix, sparse.csc_array):
        adata = ad.AnnData(stored(x))
        names = adata.var_names[[3, 0, 4]] if with_columns else adata.var_names
        rows = np.array([1, 2, 5, 8]) if with_columns else None
        how = (names, rows, not with_columns)
        try:
            found.append(_validation._check_matrix(adata, "rna", None, likelihood, *how))
        except ValueError as error:
            found.append((np.zeros(0), np.zeros(0), str(error), np.zeros(0)))
    for other in found[1:]:
        for own, expected in zip(other, found[0], strict=True):
            np.testing.assert_array_equal(own, expected)
