"""What cannot be used is refused at the door, in words, and nothing is lost.

The single checks, with all that they let pass, have tests of their own in tests/data.
"""

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

from modis import MODIS

from ._make import SCVI_KEYS, fingerprint, make_mdata, make_modality, make_mudata

RNA, CPG = "rna seq", "CpG-îlots"
TINY = {"n_latent": 4, "n_hidden": 8}
BRIEFLY = {"max_epochs": 1, "accelerator": "cpu", "enable_progress_bar": False}
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


def _replace(change: Callable[[ad.AnnData], Any]) -> Change:
    """The same data with another modality of CpGs."""

    def broken(mdata: md.MuData) -> md.MuData:
        with warnings.catch_warnings():
            # anndata and mudata warn about names that are not unique
            warnings.simplefilter("ignore", UserWarning)
            return make_mudata({**mdata.mod, CPG: change(mdata.mod[CPG])})

    return broken


def _values(convert: Callable[[np.ndarray], Any]) -> Change:
    """Other values in the modality of CpGs."""

    def broken(mdata: md.MuData) -> md.MuData:
        mdata.mod[CPG].X = convert(mdata.mod[CPG].X)
        return mdata

    return broken


def _with(X: np.ndarray, value: float) -> np.ndarray:
    X[3, 2] = value
    return X


def _twice(adata: ad.AnnData, axis: str) -> ad.AnnData:
    names = list(getattr(adata, axis))
    setattr(adata, axis, [names[0], names[0], *names[2:]])
    return adata


def _obs(column: str, **values: Any) -> Change:
    """A column in the modalities `rna` and `cpg`: one value, or that of one name and of others."""

    def broken(mdata: md.MuData) -> md.MuData:
        for place, value in values.items():
            obs = mdata.mod[{"rna": RNA, "cpg": CPG}[place]].obs
            name, own, others = value if isinstance(value, tuple) else (None, None, value)
            obs[column] = np.where(obs.index == name, own, others)
        return mdata

    return broken


def _sharing_features(mdata: md.MuData) -> md.MuData:
    """With axis=1 observations of the same name are not the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return make_mudata({RNA: mdata.mod[RNA], CPG: mdata.mod[RNA].copy()}, axis=1)


NAN = _values(lambda X: _with(X, np.nan))
BAD = [
    # values
    Bad("nan", (CPG, "1 missing", "'C2'", "Impute"), NAN),
    Bad(
        "no count",
        (CPG, "1 value(s) that likelihood='nb'", "integers", "'C2'", "Choose"),
        _values(lambda X: _with(np.abs(np.round(X)), -1)),
        {"likelihood": {CPG: "nb"}},
    ),
    Bad("objects", (CPG, "object"), _values(lambda X: X.astype(object))),
    Bad("complex", (CPG, "complex"), _values(lambda X: X.astype(complex))),
    Bad("no X", (CPG, "X is None"), _values(lambda X: None)),
    # shapes and names
    Bad("no observation", (CPG, "0 observations"), _replace(lambda adata: adata[:0].copy())),
    Bad("no feature", (CPG, "0 features"), _replace(lambda adata: adata[:, :0].copy())),
    Bad("no modality", ("no modality",), lambda mdata: make_mudata({})),
    Bad(
        "observation twice",
        (CPG, "observation", "'s20'", "obs_names_make_unique"),
        _replace(lambda adata: _twice(adata, "obs_names")),
    ),
    Bad(
        "feature twice",
        (CPG, "feature", "'C0'", "var_names_make_unique"),
        _replace(lambda adata: _twice(adata, "var_names")),
    ),
    *(
        Bad(
            f"modality called {name!r}",
            (repr(name), "Rename"),
            lambda mdata, name=name: make_mudata({name: mdata.mod[RNA]}),
        )
        for name in ("a.b", "", "keys")
    ),
    # what is no MuData of one's own
    Bad("view", ("view", "mdata.copy()"), lambda mdata: mdata[:30]),
    Bad("view inside", ("view", "copy"), _replace(lambda adata: adata[:30])),
    Bad(
        "anndata",
        ("AnnData", "MuData({'rna': adata})"),
        lambda mdata: mdata.mod[RNA],
        error=TypeError,
    ),
    Bad("path", ("MuData", "str"), lambda mdata: "cohort.h5mu", error=TypeError),
    Bad("shared features", ("axis=1", "axis=0"), _sharing_features),
    Bad(
        "nested",
        (CPG, "MuData"),
        _replace(lambda adata: make_mudata({"inside": adata})),
        error=TypeError,
    ),
    # labels, batches and covariates
    Bad(
        "labels disagree",
        ("20 observation(s): 's20', 's22'", "and 15 more", RNA, CPG, "correct"),
        _obs("label", cpg="Crohn's"),
    ),
    Bad("labels_key is a list", ("labels_key",), setup={"labels_key": ["label"]}, error=TypeError),
    Bad(
        "no batch for some",
        (CPG, "1 observation(s)", "'s22'", "'donor'"),
        _obs("donor", rna="d1", cpg=("s22", None, "d1")),
        {"batch_key": "donor"},
    ),
    Bad(
        "covariate nowhere",
        ("'sex'", RNA, "categorical_covariate_keys"),
        setup={"categorical_covariate_keys": ["label", "sex"]},
        error=KeyError,
    ),
    *(
        Bad(
            f"covariates are {keys!r}",
            ("categorical_covariate_keys is a list", repr(keys)),
            setup={"categorical_covariate_keys": keys},
            error=TypeError,
        )
        for keys in ("label", [3])
    ),
    # names
    Bad("no such modality", ("'rna'", RNA), setup={"modalities": ["rna"]}, error=KeyError),
    Bad("modalities is empty", ("modalities",), setup={"modalities": []}),
    *(
        Bad(
            f"{key} of no modality",
            (key, "'rna'", RNA),
            setup={key: {"rna": "nb"}},
            error=KeyError,
        )
        for key in ("layer", "likelihood", "labels_key", "batch_key")
    ),
    Bad(
        "no such likelihood",
        (CPG, "'normal'", "gaussian", "zinb"),
        setup={"likelihood": {CPG: "normal"}},
    ),
    Bad("no such argument", ("label_key",), setup={"label_key": "label"}, error=TypeError),
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
    mdata = NAN(make_mdata())
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
        (CPG, "2 of the 9 features", "'C0', 'C1'", "var_names"),
        _replace(lambda adata: adata[:, 2:].copy()),
    ),
    Bad(
        "unknown modality",
        ("'ATAC'", RNA, CPG),
        lambda mdata: make_mudata({**mdata.mod, "ATAC": make_modality("a_protein", 0, 9)}),
        error=KeyError,
    ),
    Bad("nan", (CPG, "'C2'"), NAN),
    Bad("view", ("view", "copy"), lambda mdata: mdata[:30]),
    Bad("anndata", ("AnnData",), lambda mdata: mdata.mod[RNA], error=TypeError),
    Bad("observation twice", (CPG, "'s20'"), _replace(lambda adata: _twice(adata, "obs_names"))),
    Bad("empty", (CPG, "empty"), _replace(lambda adata: adata[:0].copy())),
]
NEW_AT_LOAD = [
    Bad(
        "unknown class",
        (CPG, "'colitis'", "Crohn's", "healthy"),
        _obs("label", cpg=("s90", "colitis", "unknown")),
    ),
    Bad(
        "modality missing",
        (CPG, RNA),
        lambda mdata: make_mudata({RNA: mdata.mod[RNA]}),
        error=KeyError,
    ),
]


@pytest.mark.filterwarnings("ignore:[0-9]+ observation.*labelled in the other:UserWarning")
@pytest.mark.parametrize("bad", [*NEW, *NEW_AT_LOAD], ids=str)
def test_new_data_are_refused(model, saved, bad):
    mdata = bad.broken(make_mdata())
    _check_refused(bad, mdata, lambda mdata: MODIS.load(saved, mdata))
    for call in CALLS.values() if bad in NEW else ():
        _check_refused(bad, mdata, lambda mdata, call=call: call(model, mdata))


#: Argument, error, what it says, and the call. What else is refused has tests in its own room.
ARGUMENTS = [
    ("modality", KeyError, "'rna'.*rna seq", lambda m: m.predict(modality="rna")),
    ("source", KeyError, "'rna'.*rna seq", lambda m: m.translate("rna", CPG)),
    ("target", KeyError, "'rna'.*rna seq", lambda m: m.translate(CPG, "rna")),
    ("n_samples", ValueError, "n_samples=0", lambda m: m.translate(CPG, RNA, n_samples=0)),
    ("index", IndexError, "1000.*100", lambda m: m.predict(indices=[1000])),
    ("index name", (IndexError, TypeError), "indices", lambda m: m.predict(indices=["s1"])),
    ("train_size", ValueError, "train_size=1.1", lambda m: m.train(train_size=1.1, **BRIEFLY)),
    ("batch_size", ValueError, "batch_size=0", lambda m: m.train(batch_size=0, **BRIEFLY)),
    ("batch_size 1", ValueError, "batch_size=1", lambda m: m.train(batch_size=1, **BRIEFLY)),
    ("max_epochs", ValueError, "max_epochs=0", lambda m: m.train(**BRIEFLY | {"max_epochs": 0})),
    ("adversarial", ValueError, "'gan'.*relativ", lambda m: MODIS(m.adata, adversarial="gan")),
    ("module argument", TypeError, "'n_layer'.*n_layers", lambda m: MODIS(m.adata, n_layer=2)),
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


def test_links_of_modalities_that_are_left_out():
    ends = {"source_modality": RNA, "source_feature": ["r0", "r1"]}
    links = pd.DataFrame(ends | {"target_modality": CPG, "target_feature": ["C0", "C1"]})
    mdata = make_mdata()
    MODIS.setup_mudata(mdata, labels_key="label", modalities=[RNA])
    with pytest.raises(ValueError, match="modalities that the model does not use"):
        MODIS(mdata, feature_links=links, **TINY)


def test_without_data_one_must_pass_them(saved):
    model = MODIS.load(saved, False)
    own = {
        "class_counts": lambda model, _: model.class_counts(),
        "train": lambda model, _: model.train(**BRIEFLY),
    }
    for call in (CALLS | own).values():
        with pytest.raises(ValueError, match="loaded without data"):
            call(model, None)
