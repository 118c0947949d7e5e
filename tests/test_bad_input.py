"""What cannot be used is refused at the door, in words, and nothing is lost.

The single checks, with all that they let pass, have tests of their own in tests/data.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from modis import MODIS

from ._make import SCVI_KEYS, fingerprint, make_mdata, make_modality, make_mudata

RNA, CPG = "rna seq", "CpG-îlots"
TINY = {"n_latent": 4, "n_hidden": 8}
BRIEFLY = {"max_epochs": 1, "accelerator": "cpu", "enable_progress_bar": False}
Change = Callable[[md.MuData], Any]


class Bad(NamedTuple):
    """One way to be wrong: what the error must say, how data are broken, and the call."""

    name: str
    error: type[Exception] | tuple[type[Exception], ...]
    says: tuple[str, ...]
    broken: Change = lambda mdata: mdata
    setup: Mapping[str, Any] = {}

    def __str__(self) -> str:
        return self.name


def _check_refused(bad: Bad, mdata: Any, call: Callable[[Any], Any]) -> None:
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


# ways to break data ----------------------------------------------------------------------------


def _value(value: float | None, first: Callable[[np.ndarray], Any] = np.copy) -> Change:
    """Another value in the modality of CpGs, after both matrices went through a function."""

    def broken(mdata: md.MuData) -> md.MuData:
        for adata in mdata.mod.values():
            adata.X = first(adata.X)
        mdata.mod[CPG].X[3, 2] = value
        return mdata

    return broken


def _replace(change: Callable[[ad.AnnData], Any]) -> Change:
    """The same data with another modality in the place of one."""

    def broken(mdata: md.MuData) -> md.MuData:
        with warnings.catch_warnings():
            # anndata and mudata warn about names that are not unique
            warnings.simplefilter("ignore", UserWarning)
            return make_mudata({**mdata.mod, CPG: change(mdata.mod[CPG])})

    return broken


def _convert(convert: Callable[[np.ndarray], Any]) -> Change:
    def broken(mdata: md.MuData) -> md.MuData:
        mdata.mod[CPG].X = convert(mdata.mod[CPG].X)
        return mdata

    return broken


def _rename_first_two(axis: str) -> Change:
    def change(adata: ad.AnnData) -> ad.AnnData:
        names = list(getattr(adata, axis))
        setattr(adata, axis, [names[0], names[0], *names[2:]])
        return adata

    return _replace(change)


def _obs(column: str, **values: Callable[[pd.Index], Any]) -> Change:
    """A column by place: `rna`, `cpg`, or `mdata` for that of the MuData."""

    def broken(mdata: md.MuData) -> md.MuData:
        places = {"rna": mdata.mod[RNA], "cpg": mdata.mod[CPG], "mdata": mdata}
        for place, make in values.items():
            places[place].obs[column] = make(places[place].obs_names)
        return mdata

    return broken


def _only(name: str, value: Any, others: Any = None) -> Callable[[pd.Index], np.ndarray]:
    """A value for the observation of a name, and another for the rest."""
    return lambda names: np.where(names == name, value, others)


def _sharing_features(mdata: md.MuData) -> md.MuData:
    """With axis=1 observations of the same name are not the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return make_mudata({RNA: mdata.mod[RNA], CPG: mdata.mod[RNA].copy()}, axis=1)


def _with_layer(mdata: md.MuData) -> md.MuData:
    mdata.mod[CPG].layers["beta values"] = _value(np.nan)(mdata.copy()).mod[CPG].X
    return mdata


BAD = [
    # values
    Bad("nan", ValueError, (CPG, "1 missing", "'C2'", "Impute"), _value(np.nan)),
    Bad("infinite", ValueError, (CPG, "1 missing or inf", "'C2'"), _value(-np.inf)),
    Bad(
        "nan in sparse",
        ValueError,
        (CPG, "'C2'"),
        lambda mdata: _convert(sparse.csr_matrix)(_value(np.nan)(mdata)),
    ),
    Bad(
        "nan in a layer",
        ValueError,
        (CPG, "'beta values'", "'C2'"),
        _with_layer,
        {"layer": {CPG: "beta values"}},
    ),
    Bad(
        "no count",
        ValueError,
        (CPG, "1 value(s) that likelihood='nb'", "integers", "'C2'", "Choose"),
        _value(-1, lambda X: np.abs(np.round(X))),
        {"likelihood": "nb"},
    ),
    Bad(
        "no share",
        ValueError,
        (CPG, "1 value(s) that likelihood='beta'", "between 0 and 1", "'C2'", "Choose"),
        _value(1.01, lambda X: (X > 0).astype(np.float32)),
        {"likelihood": {CPG: "beta"}},
    ),
    Bad("objects", ValueError, (CPG, "object"), _convert(lambda X: X.astype(object))),
    Bad("text", ValueError, (CPG, "numbers"), _convert(lambda X: X.astype(str))),
    Bad("complex", ValueError, (CPG, "complex"), _convert(lambda X: X.astype(complex))),
    Bad("no X", ValueError, (CPG, "X is None"), _convert(lambda X: None)),
    # shapes and names
    Bad("no observation", ValueError, (CPG, "0 observations"), _replace(lambda a: a[:0].copy())),
    Bad("no feature", ValueError, (CPG, "0 features"), _replace(lambda a: a[:, :0].copy())),
    Bad("no modality", ValueError, ("no modality",), lambda mdata: make_mudata({})),
    Bad(
        "observation twice",
        ValueError,
        (CPG, "observation", "'s20'", "obs_names_make_unique"),
        _rename_first_two("obs_names"),
    ),
    Bad(
        "feature twice",
        ValueError,
        (CPG, "feature", "'C0'", "var_names_make_unique"),
        _rename_first_two("var_names"),
    ),
    *(
        Bad(
            f"modality called {name!r}",
            ValueError,
            (repr(name), "Rename"),
            lambda mdata, name=name: make_mudata({name: mdata.mod[RNA]}),
        )
        for name in ("a.b", "", "keys")
    ),
    # what is no MuData of one's own
    Bad("view", ValueError, ("view", "mdata.copy()"), lambda mdata: mdata[:30]),
    Bad("view inside", ValueError, ("view", "copy"), _replace(lambda adata: adata[:30])),
    Bad("anndata", TypeError, ("AnnData", "MuData({'rna': adata})"), lambda mdata: mdata.mod[RNA]),
    Bad("path", TypeError, ("MuData", "str"), lambda mdata: "cohort.h5mu"),
    Bad("shared features", ValueError, ("axis=1", "axis=0"), _sharing_features),
    Bad("nested", TypeError, (CPG, "MuData"), _replace(lambda a: make_mudata({"inside": a}))),
    # labels, batches and covariates
    Bad(
        "labels not in the modality named",
        KeyError,
        ("'disease'", CPG, "'label'"),
        setup={"labels_key": {RNA: "label", CPG: "disease"}},
    ),
    Bad(
        "modalities disagree",
        ValueError,
        ("20 observation(s): 's20', 's22'", "and 15 more", RNA, CPG, "correct"),
        _obs("label", cpg=lambda names: np.repeat("Crohn's", len(names))),
    ),
    Bad(
        "mdata.obs disagrees",
        ValueError,
        ("1 observation(s): 's3'", "mdata.obs", RNA, "'label'"),
        _obs("label", mdata=_only("s3", "healthy")),
    ),
    Bad("labels_key is a list", TypeError, ("labels_key",), setup={"labels_key": ["label"]}),
    Bad("batch nowhere", KeyError, ("'donor'", RNA, "batch_key"), setup={"batch_key": "donor"}),
    Bad("batch of one", KeyError, (CPG, "batch_key"), setup={"batch_key": {RNA: "label"}}),
    Bad(
        "no batch for some",
        ValueError,
        (CPG, "1 observation(s)", "'s22'", "'donor'"),
        _obs("donor", rna=lambda names: "d1", cpg=_only("s22", None, "d1")),
        {"batch_key": "donor"},
    ),
    Bad(
        "covariate nowhere",
        KeyError,
        ("'sex'", RNA, "categorical_covariate_keys"),
        setup={"categorical_covariate_keys": ["label", "sex"]},
    ),
    Bad(
        "no category for some",
        ValueError,
        (CPG, "1 observation(s) without a category", "'s22'", "'sex'"),
        _obs("sex", rna=lambda names: "f", cpg=_only("s22", None, "f")),
        {"categorical_covariate_keys": ["sex"]},
    ),
    *(
        Bad(
            f"covariates are {keys!r}",
            TypeError,
            ("categorical_covariate_keys is a list", repr(keys)),
            setup={"categorical_covariate_keys": keys},
        )
        for keys in ("label", [3])
    ),
    # names
    Bad("no labels", KeyError, ("'disease'", "'label'", RNA), setup={"labels_key": "disease"}),
    Bad("no such modality", KeyError, ("'rna'", RNA), setup={"modalities": ["rna"]}),
    Bad("modalities is empty", ValueError, ("modalities",), setup={"modalities": []}),
    *(
        Bad(f"{key} of no modality", KeyError, (key, "'rna'", RNA), setup={key: {"rna": "nb"}})
        for key in ("layer", "likelihood", "labels_key", "batch_key")
    ),
    Bad("no such layer", KeyError, (CPG, "'counts'"), setup={"layer": {CPG: "counts"}}),
    Bad(
        "no such likelihood",
        ValueError,
        (CPG, "'normal'", "gaussian", "zinb"),
        setup={"likelihood": {CPG: "normal"}},
    ),
    Bad("no such argument", TypeError, ("label_key",), setup={"label_key": "label"}),
]


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_setup_refuses(bad):
    setup = {"labels_key": "label"} | dict(bad.setup)
    data = bad.broken(make_mdata())
    _check_refused(bad, data, lambda mdata: MODIS.setup_mudata(mdata, **setup))


def _set_up(mdata: md.MuData | None = None, **kwargs: Any) -> MODIS:
    mdata = make_mdata() if mdata is None else mdata
    MODIS.setup_mudata(mdata, labels_key="label", **kwargs)
    return MODIS(mdata, **TINY)


def test_a_refused_call_can_be_repeated_and_leaves_the_last_registration():
    mdata = _value(np.nan)(make_mdata())
    with pytest.raises(ValueError, match="missing or infinite"):
        MODIS.setup_mudata(mdata, labels_key="label")
    mdata.mod[CPG].X[3, 2] = 0
    assert _set_up(mdata).class_counts()["total"].tolist() == [60, 80]
    uns = dict(mdata.uns)
    with pytest.raises(KeyError):
        MODIS.setup_mudata(mdata, labels_key="disease")
    assert dict(mdata.uns) == uns
    assert MODIS(mdata, **TINY).class_counts().shape == (2, 5)


def test_constant_features_are_warned_about_once():
    mdata = make_mdata()
    mdata.mod[CPG].X[:, [1, 4]] = 0
    before = fingerprint(mdata)
    with pytest.warns(UserWarning, match=f"'{CPG}': 2 of 9 features.*'C1', 'C4'") as caught:
        MODIS.setup_mudata(mdata, labels_key="label")
    assert len(caught) == 1
    # the warning points at the user's own line
    assert caught[0].filename == __file__
    assert fingerprint(mdata) == before


def test_the_way_in_is_setup_mudata():
    with pytest.raises(NotImplementedError, match="setup_mudata"):
        MODIS.setup_anndata(make_modality(RNA, 0, 20))
    with pytest.raises(ValueError, match="setup_mudata"):
        MODIS(make_mdata())


# a model in use --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model() -> MODIS:
    model = _set_up()
    model.train(**BRIEFLY)
    return model


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "model"
    model.save(folder)
    return folder


CALLS: dict[str, Callable[[MODIS, Any], Any]] = {
    "get_latent_representation": lambda model, mdata: model.get_latent_representation(mdata),
    "predict": lambda model, mdata: model.predict(mdata),
    "translate": lambda model, mdata: model.translate(CPG, RNA, mdata),
    "reconstruct": lambda model, mdata: model.reconstruct(CPG, mdata),
    "get_elbo": lambda model, mdata: model.get_elbo(mdata),
    "write_latent": lambda model, mdata: model.write_latent(mdata),
    "joint_embedding": lambda model, mdata: model.joint_embedding(mdata),
}
NEW = [
    Bad(
        "features missing",
        ValueError,
        (CPG, "2 of the 9 features", "'C0', 'C1'", "var_names"),
        _replace(lambda adata: adata[:, 2:].copy()),
    ),
    Bad(
        "unknown modality",
        KeyError,
        ("'ATAC'", RNA, CPG),
        lambda mdata: make_mudata({**mdata.mod, "ATAC": make_modality("a_protein", 0, 9)}),
    ),
    Bad("nan", ValueError, (CPG, "'C2'"), _value(np.nan)),
    Bad("view", ValueError, ("view", "copy"), lambda mdata: mdata[:30]),
    Bad("anndata", TypeError, ("AnnData",), lambda mdata: mdata.mod[RNA]),
    Bad("observation twice", ValueError, (CPG, "'s20'"), _rename_first_two("obs_names")),
    Bad("empty", ValueError, (CPG, "empty"), _replace(lambda adata: adata[:0].copy())),
]
NEW_AT_LOAD = [
    Bad(
        "unknown class",
        ValueError,
        (CPG, "'colitis'", "Crohn's", "healthy"),
        _obs("label", cpg=_only("s90", "colitis", "unknown")),
    ),
    Bad(
        "modality missing",
        (KeyError, ValueError),
        (CPG, RNA),
        lambda mdata: make_mudata({RNA: mdata.mod[RNA]}),
    ),
]


@pytest.mark.filterwarnings("ignore:[0-9]+ observation.*labelled in the other:UserWarning")
@pytest.mark.parametrize("bad", [*NEW, *NEW_AT_LOAD], ids=str)
def test_new_data_are_refused(model, saved, bad):
    mdata = bad.broken(make_mdata())
    _check_refused(bad, mdata, lambda mdata: MODIS.load(saved, mdata))
    for call in CALLS.values() if bad in NEW else ():
        _check_refused(bad, mdata, lambda mdata, call=call: call(model, mdata))


@pytest.mark.parametrize(
    ("run", "says"), [("third", ("'third'", "first", "second")), (None, ("'run'", "batch_key"))]
)
def test_data_of_a_new_batch_are_refused_only_where_they_are_decoded(run, says):
    alternating = lambda names: np.where(np.arange(len(names)) % 2, "first", "second")
    of_runs = _set_up(_obs("run", rna=alternating, cpg=alternating)(make_mdata()), batch_key="run")
    of_runs.train(**BRIEFLY)
    mdata = make_mdata()
    if run is not None:
        mdata = _obs("run", rna=lambda _: run, cpg=lambda _: run)(mdata)
    bad = Bad("new batch", (KeyError, ValueError), says)
    for name, call in CALLS.items():
        if name in {"reconstruct", "get_elbo"}:
            _check_refused(bad, mdata, lambda mdata, call=call: call(of_runs, mdata))
        else:
            call(of_runs, mdata.copy())


#: Argument, error, what it says, and the call. More on links and sizes of networks are refused in
#: tests/data/test_links.py and tests/module/test_architecture.py.
ARGUMENTS = [
    ("modality", KeyError, "'rna'.*rna seq", lambda m: m.predict(modality="rna")),
    ("source", KeyError, "'rna'.*rna seq", lambda m: m.translate("rna", CPG)),
    ("target", KeyError, "'rna'.*rna seq", lambda m: m.translate(CPG, "rna")),
    ("n_samples", ValueError, "n_samples=0", lambda m: m.translate(CPG, RNA, n_samples=0)),
    ("index", IndexError, "1000.*100", lambda m: m.predict(indices=[1000])),
    ("index name", (IndexError, TypeError), "indices", lambda m: m.predict(indices=["s1"])),
    ("train_size 0", ValueError, "train_size=0", lambda m: m.train(train_size=0, **BRIEFLY)),
    ("train_size", ValueError, "train_size=1.1", lambda m: m.train(train_size=1.1, **BRIEFLY)),
    ("batch_size", ValueError, "batch_size=0", lambda m: m.train(batch_size=0, **BRIEFLY)),
    ("batch_size 1", ValueError, "batch_size=1", lambda m: m.train(batch_size=1, **BRIEFLY)),
    ("max_epochs", ValueError, "max_epochs=0", lambda m: m.train(**BRIEFLY | {"max_epochs": 0})),
    (
        "loss weight",
        ValueError,
        "'klt'.*kl",
        lambda m: m.train(plan_kwargs={"loss_weights": {"klt": 1}}, **BRIEFLY),
    ),
    ("architecture", ValueError, "'deep'.*paper", lambda m: MODIS(m.adata, architecture="deep")),
    ("adversarial", ValueError, "'gan'.*relativ", lambda m: MODIS(m.adata, adversarial="gan")),
    ("norm", ValueError, "norm='group'", lambda m: MODIS(m.adata, norm="group")),
    ("n_latent", ValueError, "n_latent=0", lambda m: MODIS(m.adata, n_latent=0)),
    ("module argument", TypeError, "'n_layer'.*n_layers", lambda m: MODIS(m.adata, n_layer=2)),
    ("links", TypeError, "DataFrame.*str", lambda m: MODIS(m.adata, feature_links="links.csv")),
]


@pytest.mark.parametrize(
    ("error", "says", "call"),
    [case[1:] for case in ARGUMENTS],
    ids=[case[0] for case in ARGUMENTS],
)
def test_arguments_are_refused(model, error, says, call):
    weights = {name: value.clone() for name, value in model.module.state_dict().items()}
    with pytest.raises(error, match=says):
        call(model)
    for name, value in model.module.state_dict().items():
        assert torch.equal(value, weights[name]), name


def test_what_cannot_be_predicted():
    model = _set_up(make_mdata(classes=["healthy"]))
    assert repr(model).startswith("MODIS, not trained")
    model.train(**BRIEFLY)
    with pytest.raises(ValueError, match=r"trained without classes.*labels_key"):
        model.predict()
    assert "predicted" not in model.joint_embedding().obs


def test_links_of_a_single_modality():
    """Nothing to link, whether the other modality is in the data or not."""
    ends = {"source_modality": RNA, "source_feature": ["r0", "r1"]}
    links = pd.DataFrame(ends | {"target_modality": CPG, "target_feature": ["C0", "C1"]})
    for n, says in [(2, "modalities that the model does not use"), (1, f"do not have.*'{CPG}'")]:
        mdata = make_mdata(("gaussian",) * n)
        MODIS.setup_mudata(mdata, labels_key="label", modalities=[RNA])
        with pytest.raises((ValueError, KeyError), match=says):
            MODIS(mdata, feature_links=links, **TINY)


def test_divergence_says_what_to_do():
    model = _set_up()
    with pytest.raises(RuntimeError, match=r"diverged.*reconstruction.*learning rate"):
        model.train(plan_kwargs={"lr": 1e30}, **BRIEFLY | {"max_epochs": 3})
    assert not model.is_trained


def test_without_data_one_must_pass_them(saved):
    model = MODIS.load(saved, False)
    own = {
        "class_counts": lambda model, _: model.class_counts(),
        "train": lambda model, _: model.train(**BRIEFLY),
    }
    for call in (CALLS | own).values():
        with pytest.raises(ValueError, match="loaded without data"):
            call(model, None)
