"""A small cohort, and what can be done to it: the odd data of fuzz.py."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
from scipy import sparse

from modis.datasets._selection import without_pulling

SIZES = {"rna": (0, 40, 8), "protein": (25, 60, 5)}
Rng = np.random.Generator


def make(modalities: dict[str, ad.AnnData]) -> md.MuData:
    with without_pulling(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return md.MuData(modalities)


def cohort() -> md.MuData:
    """A mosaic of two modalities and three classes, with batches and a layer of counts."""
    found = {}
    for name, (first, last, n_vars) in SIZES.items():
        rng, codes = np.random.default_rng(first), np.arange(first, last) % 3
        values = rng.normal(size=(last - first, n_vars)) + codes[:, None] * np.arange(n_vars)
        obs = pd.DataFrame(index=[f"s{k}" for k in range(first, last)])
        obs["label"] = np.array(["a", "b", "c"])[codes]
        obs["run"] = np.where(np.arange(first, last) % 2, "r1", "r2")
        var = pd.DataFrame(index=[f"{name[0]}{k}" for k in range(n_vars)])
        found[name] = ad.AnnData(values.astype(np.float32), obs=obs, var=var)
        found[name].layers["counts"] = np.abs(np.round(values)).astype(np.float32)
    return make(found)


# what is done to data --------------------------------------------------------------------------

Changed = md.MuData | None
Change = Callable[[md.MuData, Rng, dict[str, Any]], Changed]


def one(change: Callable[[ad.AnnData, Rng], ad.AnnData | None]) -> Change:
    """The same for one modality, drawn; a MuData is made anew if another AnnData comes back."""

    def changed(mdata: md.MuData, rng: Rng, _: dict[str, Any]) -> Changed:
        name = str(rng.choice(list(mdata.mod)))
        other = change(mdata.mod[name], rng)
        return None if other is None else make({**mdata.mod, name: other})

    return changed


def value(what: Any) -> Change:
    def put(adata: ad.AnnData, rng: Rng) -> None:
        X = np.array(adata.X.toarray() if sparse.issparse(adata.X) else adata.X, dtype=np.float64)
        X[rng.integers(X.shape[0]), rng.integers(X.shape[1])] = what
        adata.X = X

    return one(put)


def stored(convert: Callable[[Any], Any]) -> Change:
    return one(lambda adata, _: setattr(adata, "X", convert(adata.X)))


def labels(convert: Callable[[str, Rng], Any]) -> Change:
    def put(adata: ad.AnnData, rng: Rng) -> None:
        if "label" in adata.obs and not isinstance(adata.obs["label"], pd.DataFrame):
            adata.obs["label"] = pd.Series(
                [convert(str(own), rng) for own in adata.obs["label"]],
                adata.obs_names,
                dtype=object,
            )

    return lambda mdata, rng, _: [put(adata, rng) for adata in mdata.mod.values()] and None


def option(**options: Any) -> Change:
    return lambda mdata, rng, setup: setup.update(options)


def names(axis: str, convert: Callable[[str, int], str]) -> Change:
    def put(adata: ad.AnnData, rng: Rng) -> ad.AnnData:
        own = adata.copy()
        setattr(own, axis, [convert(name, k) for k, name in enumerate(getattr(own, axis))])
        return own

    return one(put)


def rename_modality(new: str) -> Change:
    return lambda mdata, rng, _: make({new: mdata.mod["rna"], "protein": mdata.mod["protein"]})


def stale(axis: str) -> Change:
    def put(adata: ad.AnnData, _: Rng) -> None:
        setattr(adata, axis, [f"new {name}" for name in getattr(adata, axis)])

    return one(put)


def column_twice(adata: ad.AnnData, _: Rng) -> None:
    adata.obs = pd.concat([adata.obs, adata.obs], axis=1)


ODD_NAMES = {
    "long": "x" * 10_000,
    "escape": "\x1b[31m",
    "bell": "\x07",
    "newline": "a\nb",
    "formula": "=1+1",
    "mathtext": r"$\foo{$",
    "quote": 'it\'s "b"',
    "html": "<script>",
    "space": "  a  ",
    "null": "\0",
    "accent": "é",
    "emoji": "\U0001f600",
    "brace": "{x}",
    "percent": "%s",
    "markup": "[bold]",
    "word": "total",
    "unlabeled": "unlabeled",
    "features": "features",
    "slash": "a/b",
    "dot": "a.b",
    "nan": "nan",
    "None": "None",
    "surrogate": "\ud800",
}
CHANGES: dict[str, Change] = {
    **{
        f"value {what!r}": value(what)
        for what in (np.nan, np.inf, -np.inf, 1e30, 1e39, -1, 0.5, 0)
    },
    **{
        f"class {key}": labels(lambda own, rng, new=new: new if own == "a" else own)
        for key, new in ODD_NAMES.items()
    },
    **{
        f"modality {key}": rename_modality(new)
        for key, new in ODD_NAMES.items()
        if key in ("long", "escape", "slash", "dot", "space", "emoji", "null", "markup")
    },
    **{
        f"feature {key}": names("var_names", lambda own, k, new=new: f"{new}{k}")
        for key, new in ODD_NAMES.items()
        if key in ("escape", "newline", "formula", "html", "brace")
    },
    **{
        f"labels {key}": labels(convert)
        for key, convert in {
            "bytes": lambda own, _: own.encode(),
            "numbers": lambda own, _: float(ord(own)),
            "integers": lambda own, _: ord(own),
            "bools": lambda own, _: own == "a",
            "mixed": lambda own, rng: own if rng.random() < 0.5 else 1,
            "missing": lambda own, rng: own if rng.random() < 0.5 else None,
            "nan": lambda own, rng: own if rng.random() < 0.5 else np.nan,
            "unknown": lambda own, rng: own if rng.random() < 0.5 else "unknown",
            "none": lambda own, _: None,
            "one class": lambda own, _: "a",
            "case": lambda own, rng: own.upper() if rng.random() < 0.5 else own,
            "ids": lambda own, rng: f"{own}{rng.integers(10**6)}",
            "lists": lambda own, _: own,
            "dates": lambda own, _: pd.Timestamp("2026-01-01") + pd.Timedelta(days=ord(own)),
        }.items()
    },
    "csr": stored(sparse.csr_matrix),
    "csc": stored(sparse.csc_matrix),
    "coo": stored(lambda X: sparse.csr_matrix(X).tocoo().tocsr()),
    "float64": stored(lambda X: np.asarray(X, dtype=np.float64) if not sparse.issparse(X) else X),
    "float16": stored(lambda X: X.astype(np.float16) if not sparse.issparse(X) else X),
    "integers": stored(lambda X: X.astype(int)),
    "bool": stored(lambda X: X.astype(bool)),
    "objects": stored(lambda X: X.astype(object) if not sparse.issparse(X) else X),
    "complex": stored(lambda X: X.astype(complex)),
    "strings": stored(lambda X: np.full(X.shape, "x")),
    "masked": stored(
        lambda X: np.ma.array(X, mask=np.asarray(X) > 1) if not sparse.issparse(X) else X
    ),
    "fortran": stored(lambda X: np.asfortranarray(X) if not sparse.issparse(X) else X),
    "no X": stored(lambda X: None),
    "constant": stored(lambda X: X * 0),
    "one row": one(lambda adata, _: adata[:1].copy()),
    "no row": one(lambda a, _: a[:0].copy()),
    "one column": one(lambda a, _: a[:, :1].copy()),
    "no column": one(lambda a, _: a[:, :0].copy()),
    "view": one(lambda a, _: a[: max(1, a.n_obs // 2)]),
    "shuffled": one(lambda a, rng: a[rng.permutation(a.n_obs), rng.permutation(a.n_vars)].copy()),
    "obs numbers": names("obs_names", lambda _, k: str(k)),
    "obs twice": names("obs_names", lambda own, k: "s1" if k < 2 else own),
    "var twice": names("var_names", lambda own, k: "v" if k < 2 else own),
    "var empty": names("var_names", lambda own, k: "" if k == 0 else own),
    "obs odd": names("obs_names", lambda own, k: f"{own}\x1b[31m" if k == 0 else own),
    "stale obs": stale("obs_names"),
    "stale var": stale("var_names"),
    "column twice": one(column_twice),
    "no column label": one(lambda a, _: setattr(a, "obs", a.obs.drop(columns="label"))),
    "categories": one(lambda a, _: a.obs.__setitem__("label", a.obs["label"].astype("category"))),
    "batch missing": one(lambda a, _: a.obs.__setitem__("run", None)),
    "extra modality": lambda mdata, rng, _: make(
        {**mdata.mod, "x": next(iter(mdata.mod.values()))}
    ),
    "one modality": lambda mdata, rng, _: make(dict([next(iter(mdata.mod.items()))])),
    "no modality": lambda mdata, rng, _: make({}),
    "reversed": lambda mdata, rng, _: make(dict(reversed(mdata.mod.items()))),
    "shared label": lambda mdata, rng, _: mdata.obs.__setitem__("label", "a"),
    "whole view": lambda mdata, rng, _: mdata[: mdata.n_obs // 2],
    **{
        f"option {key}={own!r}": option(**{key: own})
        for key, own in (
            ("labels_key", None),
            ("labels_key", "no"),
            ("labels_key", {"rna": "label"}),
            ("labels_key", 3),
            ("batch_key", "run"),
            ("batch_key", "no"),
            ("batch_key", {"rna": "run"}),
            ("layer", "counts"),
            ("layer", {"rna": "counts"}),
            ("layer", "no"),
            ("likelihood", "nb"),
            ("likelihood", "poisson"),
            ("likelihood", "beta"),
            ("likelihood", {"protein": "zinb"}),
            ("likelihood", "normal"),
            ("likelihood", None),
            ("modalities", ["rna"]),
            ("modalities", []),
            ("modalities", "protein"),
            ("unlabeled_category", "a"),
            ("unlabeled_category", None),
            ("unlabeled_category", -1.0),
            ("categorical_covariate_keys", ["run"]),
            ("categorical_covariate_keys", "run"),
            ("label_key", "label"),
        )
    },
}
