"""What cannot be used is refused at the door, in words, and nothing is lost."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True)
class Bad:
    """One way to be wrong: how data are broken, the call, and what the error must say."""

    name: str
    error: type[Exception]
    says: tuple[str, ...]
    broken: Callable[[md.MuData], Any] = lambda mdata: mdata
    setup: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def _message(error: BaseException) -> str:
    """What the user reads, in one line."""
    return " ".join(str(error).split())


def _set_value(value: float, modality: str = CPG, *, as_sparse: bool = False) -> Callable:
    def broken(mdata: md.MuData) -> md.MuData:
        X = mdata.mod[modality].X.copy()
        X[3, 2] = value
        mdata.mod[modality].X = sparse.csr_matrix(X) if as_sparse else X
        return mdata

    return broken


def _counts(value: float | None) -> Callable:
    """Counts in both modalities, with one wrong value."""

    def broken(mdata: md.MuData) -> md.MuData:
        for adata in mdata.mod.values():
            adata.X = np.abs(np.round(adata.X))
        if value is not None:
            mdata.mod[CPG].X[3, 2] = value
        return mdata

    return broken


def _shares(value: float) -> Callable:
    def broken(mdata: md.MuData) -> md.MuData:
        for adata in mdata.mod.values():
            adata.X = (adata.X > 0).astype(np.float32)
        mdata.mod[CPG].X[3, 2] = value
        return mdata

    return broken


def _replace(modality: str, change: Callable[[ad.AnnData], ad.AnnData]) -> Callable:
    """The same data with another modality in the place of one."""

    def broken(mdata: md.MuData) -> md.MuData:
        with warnings.catch_warnings():
            # anndata and mudata warn about names that are not unique
            warnings.simplefilter("ignore", UserWarning)
            return make_mudata({**mdata.mod, modality: change(mdata.mod[modality])})

    return broken


def _rename_first_two(axis: str) -> Callable:
    def change(adata: ad.AnnData) -> ad.AnnData:
        names = list(getattr(adata, axis))
        names[1] = names[0]
        setattr(adata, axis, names)
        return adata

    return change


def _set_obs(modality: str | None, column: str, values: Callable[[pd.Index], Any]) -> Callable:
    def broken(mdata: md.MuData) -> md.MuData:
        target = mdata if modality is None else mdata.mod[modality]
        target.obs[column] = values(target.obs_names)
        return mdata

    return broken


def _set_x(modality: str, convert: Callable[[np.ndarray], Any]) -> Callable:
    def broken(mdata: md.MuData) -> md.MuData:
        mdata.mod[modality].X = convert(mdata.mod[modality].X)
        return mdata

    return broken


def _called(name: str) -> Callable:
    return lambda mdata: make_mudata({name: mdata.mod[RNA]})


def _sharing_features(mdata: md.MuData) -> md.MuData:
    """With axis=1 observations of the same name are not the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return make_mudata({RNA: mdata.mod[RNA], CPG: mdata.mod[RNA].copy()}, axis=1)


def _with_layer(mdata: md.MuData) -> md.MuData:
    values = mdata.mod[CPG].X.copy()
    values[3, 2] = np.nan
    mdata.mod[CPG].layers["beta values"] = values
    return mdata


def _nested(mdata: md.MuData) -> md.MuData:
    return make_mudata({RNA: mdata.mod[RNA], CPG: make_mudata({"inside": mdata.mod[CPG]})})


BAD = [
    # values
    Bad("nan", ValueError, (CPG, "1 missing", "'C2'", "Impute"), _set_value(np.nan)),
    Bad("infinite", ValueError, (CPG, "1 missing or inf", "'C2'"), _set_value(-np.inf)),
    Bad("nan in sparse", ValueError, (CPG, "'C2'"), _set_value(np.nan, as_sparse=True)),
    Bad(
        "nan in a layer",
        ValueError,
        (CPG, "'beta values'", "'C2'"),
        _with_layer,
        {"layer": {CPG: "beta values"}},
    ),
    *(
        Bad(
            f"{what} under {likelihood}",
            ValueError,
            (CPG, f"1 value(s) that likelihood='{likelihood}'", "integers", "'C2'", "Choose"),
            _counts(value),
            {"likelihood": likelihood},
        )
        for likelihood in ("nb", "zinb", "poisson")
        for what, value in {"negative": -1, "not an integer": 0.5}.items()
    ),
    *(
        Bad(
            f"{value} under {likelihood}",
            ValueError,
            (CPG, f"1 value(s) that likelihood='{likelihood}'", "between 0 and 1", "'C2'"),
            _shares(value),
            {"likelihood": {CPG: likelihood}},
        )
        for likelihood in ("beta", "bernoulli")
        for value in (-0.01, 1.01)
    ),
    Bad("objects", ValueError, (CPG, "object"), _set_x(CPG, lambda X: X.astype(object))),
    Bad("text", ValueError, (CPG, "numbers"), _set_x(CPG, lambda X: X.astype(str))),
    Bad("complex", ValueError, (CPG, "complex"), _set_x(CPG, lambda X: X.astype(complex))),
    Bad("no X", ValueError, (CPG, "X is None"), _set_x(CPG, lambda X: None)),
    # shapes and names
    Bad(
        "no observation",
        ValueError,
        (CPG, "0 observations"),
        _replace(CPG, lambda a: a[:0].copy()),
    ),
    Bad("no feature", ValueError, (CPG, "0 features"), _replace(CPG, lambda a: a[:, :0].copy())),
    Bad("no modality", ValueError, ("no modality",), lambda mdata: make_mudata({})),
    Bad(
        "observation twice",
        ValueError,
        (CPG, "observation", "'s20'", "obs_names_make_unique"),
        _replace(CPG, _rename_first_two("obs_names")),
    ),
    Bad(
        "feature twice",
        ValueError,
        (CPG, "feature", "'C0'", "var_names_make_unique"),
        _replace(CPG, _rename_first_two("var_names")),
    ),
    *(
        Bad(f"modality called {name!r}", ValueError, (repr(name), "Rename"), _called(name))
        for name in ("a.b", "", "keys")
    ),
    # what is no MuData of one's own
    Bad("view", ValueError, ("view", "mdata.copy()"), lambda mdata: mdata[:30]),
    Bad("view inside", ValueError, ("view", "copy"), _replace(CPG, lambda adata: adata[:30])),
    Bad("anndata", TypeError, ("AnnData", "MuData({'rna': adata})"), lambda mdata: mdata.mod[RNA]),
    Bad("path", TypeError, ("MuData", "str"), lambda mdata: "cohort.h5mu"),
    Bad("shared features", ValueError, ("axis=1", "axis=0"), _sharing_features),
    Bad("nested", TypeError, (CPG, "MuData"), _nested),
    # labels and batches
    Bad(
        "labels nowhere", KeyError, ("'disease'", "'label'", RNA), setup={"labels_key": "disease"}
    ),
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
        _set_obs(CPG, "label", lambda names: np.repeat("Crohn's", len(names))),
    ),
    Bad(
        "mdata.obs disagrees",
        ValueError,
        ("1 observation(s): 's3'", "mdata.obs", RNA, "'label'"),
        _set_obs(None, "label", lambda names: np.where(names == "s3", "healthy", None)),
    ),
    Bad("labels_key is a list", TypeError, ("labels_key",), setup={"labels_key": ["label"]}),
    Bad("batch nowhere", KeyError, ("'donor'", RNA, "batch_key"), setup={"batch_key": "donor"}),
    Bad(
        "no batch for some",
        ValueError,
        (CPG, "1 observation(s)", "'s22'", "'donor'"),
        lambda mdata: _set_obs(CPG, "donor", lambda names: np.where(names == "s22", None, "d1"))(
            _set_obs(RNA, "donor", lambda names: "d1")(mdata)
        ),
        {"batch_key": "donor"},
    ),
    Bad(
        "no batch for a modality",
        KeyError,
        (CPG, "batch_key"),
        setup={"batch_key": {RNA: "label"}},
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
        lambda mdata: _set_obs(CPG, "sex", lambda names: np.where(names == "s22", None, "f"))(
            _set_obs(RNA, "sex", lambda names: "f")(mdata)
        ),
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
    # names of modalities, layers and likelihoods
    Bad("no such modality", KeyError, ("'rna'", RNA), setup={"modalities": ["rna"]}),
    Bad("modalities is empty", ValueError, ("modalities",), setup={"modalities": []}),
    *(
        Bad(f"{argument} for no such modality", KeyError, (argument, "'rna'", RNA), setup=setup)
        for argument, setup in {
            "layer": {"layer": {"rna": "counts"}},
            "likelihood": {"likelihood": {"rna": "nb"}},
            "labels_key": {"labels_key": {"rna": "label"}},
            "batch_key": {"batch_key": {"rna": "label"}},
        }.items()
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
    mdata = bad.broken(make_mdata())
    is_data = isinstance(mdata, md.MuData | ad.AnnData)
    before = fingerprint(mdata) if is_data else None
    with pytest.raises(bad.error) as caught:
        MODIS.setup_mudata(mdata, **({"labels_key": "label"} | bad.setup))
    message = _message(caught.value)
    assert [part for part in bad.says if part not in message] == []
    # quotes within quotes are for programmers
    assert "\\'" not in message
    assert "register(" not in message
    if is_data:
        assert fingerprint(mdata) == before
        assert not SCVI_KEYS & set(mdata.uns)


def test_a_refused_call_can_be_repeated_after_correction():
    mdata = _set_value(np.nan)(make_mdata())
    with pytest.raises(ValueError, match="missing or infinite"):
        MODIS.setup_mudata(mdata, labels_key="label")
    mdata.mod[CPG].X[3, 2] = 0
    MODIS.setup_mudata(mdata, labels_key="label")
    assert MODIS(mdata, **TINY).class_counts()["total"].tolist() == [60, 80]


def test_a_refused_call_leaves_the_last_registration():
    mdata = make_mdata()
    MODIS.setup_mudata(mdata, labels_key="label")
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


def test_setup_anndata_points_to_setup_mudata():
    adata = make_modality(RNA, 0, 20)
    with pytest.raises(NotImplementedError, match="setup_mudata"):
        MODIS.setup_anndata(adata)


def test_data_that_were_never_set_up():
    with pytest.raises(ValueError, match="setup_mudata"):
        MODIS(make_mdata())


# a model in use --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model() -> MODIS:
    mdata = make_mdata()
    MODIS.setup_mudata(mdata, labels_key="label")
    model = MODIS(mdata, **TINY)
    model.train(**BRIEFLY)
    return model


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "model"
    model.save(folder)
    return folder


NEW = [
    Bad(
        "features missing",
        ValueError,
        (CPG, "2 of the 9 features", "'C0', 'C1'", "var_names"),
        _replace(CPG, lambda adata: adata[:, 2:].copy()),
    ),
    Bad(
        "unknown modality",
        KeyError,
        ("'ATAC'", RNA, CPG),
        lambda mdata: make_mudata({**mdata.mod, "ATAC": make_modality("a_protein", 0, 9)}),
    ),
    Bad("nan", ValueError, (CPG, "'C2'"), _set_value(np.nan)),
    Bad("view", ValueError, ("view", "copy"), lambda mdata: mdata[:30]),
    Bad("anndata", TypeError, ("AnnData",), lambda mdata: mdata.mod[RNA]),
    Bad(
        "observation twice",
        ValueError,
        (CPG, "'s20'"),
        _replace(CPG, _rename_first_two("obs_names")),
    ),
    Bad("empty", ValueError, (CPG, "empty"), _replace(CPG, lambda adata: adata[:0].copy())),
]

CALLS: dict[str, Callable[[MODIS, Any], Any]] = {
    "get_latent_representation": lambda model, mdata: model.get_latent_representation(mdata),
    "predict": lambda model, mdata: model.predict(mdata),
    "translate": lambda model, mdata: model.translate(CPG, RNA, mdata),
    "reconstruct": lambda model, mdata: model.reconstruct(CPG, mdata),
    "get_elbo": lambda model, mdata: model.get_elbo(mdata),
    "write_latent": lambda model, mdata: model.write_latent(mdata),
    "joint_embedding": lambda model, mdata: model.joint_embedding(mdata),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("bad", NEW, ids=str)
def test_new_data_are_refused(model, bad, call):
    mdata = bad.broken(make_mdata())
    before = fingerprint(mdata)
    with pytest.raises(bad.error) as caught:
        CALLS[call](model, mdata)
    message = _message(caught.value)
    assert [part for part in bad.says if part not in message] == []
    assert "\\'" not in message
    assert fingerprint(mdata) == before


NEW_AT_LOAD = [
    *NEW,
    Bad(
        "unknown class",
        ValueError,
        (CPG, "'colitis'", "Crohn's", "healthy"),
        _set_obs(CPG, "label", lambda names: np.where(names == "s90", "colitis", "unknown")),
    ),
    Bad(
        "modality missing",
        (KeyError, ValueError),
        (CPG, RNA),
        lambda mdata: make_mudata({RNA: mdata.mod[RNA]}),
    ),
]


@pytest.mark.filterwarnings("ignore:[0-9]+ observation.*labelled in the other:UserWarning")
@pytest.mark.parametrize("bad", NEW_AT_LOAD, ids=str)
def test_loading_with_other_data_is_refused(saved, bad):
    mdata = bad.broken(make_mdata())
    before = fingerprint(mdata)
    with pytest.raises(bad.error) as caught:
        MODIS.load(saved, mdata)
    message = _message(caught.value)
    assert [part for part in bad.says if part not in message] == []
    assert "\\'" not in message
    assert fingerprint(mdata) == before


@pytest.fixture(scope="module")
def of_runs() -> MODIS:
    """A model that knows of batches."""
    mdata = make_mdata()
    for adata in mdata.mod.values():
        adata.obs["run"] = np.where(np.arange(adata.n_obs) % 2, "first", "second")
    MODIS.setup_mudata(mdata, labels_key="label", batch_key="run")
    model = MODIS(mdata, **TINY)
    model.train(**BRIEFLY)
    return model


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("run", ["third", None])
def test_data_of_a_new_batch_are_refused_only_where_they_are_decoded(of_runs, run, call):
    mdata = make_mdata()
    for adata in mdata.mod.values():
        if run is not None:
            adata.obs["run"] = run
    before = fingerprint(mdata)
    if call not in {"reconstruct", "get_elbo"}:
        CALLS[call](of_runs, mdata)
        return
    with pytest.raises((KeyError, ValueError)) as caught:
        CALLS[call](of_runs, mdata)
    message = _message(caught.value)
    told = ("'third'", "first", "second") if run else ("'run'", "batch_key")
    assert [part for part in told if part not in message] == []
    assert fingerprint(mdata) == before


LINKS = pd.DataFrame(
    {
        "source_modality": RNA,
        "source_feature": ["r0", "r1", "r2"],
        "target_modality": CPG,
        "target_feature": ["C0", "C1", "C2"],
    }
)


def _linked(model: MODIS, links: Any) -> MODIS:
    return MODIS(model.adata, feature_links=links, **TINY)


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
    (
        "batch_size 1",
        ValueError,
        "batch_size=1",
        lambda m: m.train(batch_size=1, **BRIEFLY),
    ),
    ("max_epochs", ValueError, "max_epochs=0", lambda m: m.train(**BRIEFLY | {"max_epochs": 0})),
    (
        "loss weight",
        ValueError,
        "'klt'.*kl",
        lambda m: m.train(plan_kwargs={"loss_weights": {"klt": 1}}, **BRIEFLY),
    ),
    ("architecture", ValueError, "'deep'.*paper", lambda m: MODIS(m.adata, architecture="deep")),
    ("adversarial", ValueError, "'gan'.*relativ", lambda m: MODIS(m.adata, adversarial="gan")),
    ("n_latent", ValueError, "n_latent=0", lambda m: MODIS(m.adata, n_latent=0)),
    ("n_layers", ValueError, "n_layers=-1", lambda m: MODIS(m.adata, n_layers=-1)),
    ("n_components", ValueError, "n_components=0", lambda m: MODIS(m.adata, n_components=0)),
    (
        "component_dropout",
        ValueError,
        r"component_dropout=1 must be at least 0 and less than 1",
        lambda m: MODIS(m.adata, component_dropout=1),
    ),
    ("norm", ValueError, "norm='group'", lambda m: MODIS(m.adata, norm="group")),
    ("n_hidden", ValueError, "n_hidden=0", lambda m: MODIS(m.adata, n_hidden=0)),
    ("module argument", TypeError, "'n_layer'.*n_layers", lambda m: MODIS(m.adata, n_layer=2)),
    ("links of a dict", TypeError, "DataFrame.*dict", lambda m: _linked(m, {})),
    ("links by path", TypeError, "DataFrame.*str", lambda m: _linked(m, "links.csv")),
    (
        "links without a column",
        KeyError,
        r"no column.*target_feature.*it has \['source_modality'",
        lambda m: _linked(m, LINKS.drop(columns="target_feature")),
    ),
    ("no links", ValueError, "empty", lambda m: _linked(m, LINKS[:0])),
    (
        "links of an unknown modality",
        KeyError,
        "do not have.*'atac'.*rna seq.*CpG",
        lambda m: _linked(m, LINKS.assign(target_modality="atac")),
    ),
    (
        "links that match nothing",
        ValueError,
        "None of the 3 links.*ENSG1.*the data have.*r0.*var_names",
        lambda m: _linked(m, LINKS.assign(source_feature=["ENSG1", "ENSG2", "ENSG3"])),
    ),
    (
        "links within a modality",
        ValueError,
        "within a modality.*rna seq 'r0'",
        lambda m: _linked(m, LINKS.assign(target_modality=RNA)),
    ),
    (
        "link without a feature",
        ValueError,
        "without a modality or feature.*dropna",
        lambda m: _linked(m, LINKS.assign(target_feature=["C0", None, "C2"])),
    ),
    (
        "weight of a link",
        ValueError,
        "'weight'.*above 0.*1 rows.*row 1",
        lambda m: _linked(m, LINKS.assign(weight=[1, -1, 1])),
    ),
    (
        "sign of a link",
        ValueError,
        "'sign'.*1 or -1.*'minus'",
        lambda m: _linked(m, LINKS.assign(sign="minus")),
    ),
    (
        "link with both signs",
        ValueError,
        "'r0'.*'C0' with sign 1 and with sign -1",
        lambda m: _linked(m, pd.concat([LINKS.assign(sign=s) for s in (1, -1)])),
    ),
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


def test_before_training_scvi_warns_and_answers():
    mdata = make_mdata()
    MODIS.setup_mudata(mdata, labels_key="label")
    model = MODIS(mdata, **TINY)
    with pytest.warns(UserWarning, match="untrained model"):
        predicted = model.predict()
    assert len(predicted) == mdata.n_obs
    assert repr(model).startswith("MODIS, not trained")


def test_fewer_than_two_classes_cannot_be_predicted():
    mdata = make_mdata(classes=["healthy"])
    MODIS.setup_mudata(mdata, labels_key="label")
    model = MODIS(mdata, **TINY)
    model.train(**BRIEFLY)
    with pytest.raises(ValueError, match=r"trained without classes.*labels_key"):
        model.predict()
    assert "predicted" not in model.joint_embedding().obs


@pytest.mark.parametrize("left_out", [True, False])
def test_links_of_a_single_modality(left_out):
    """Nothing to link, whether the other modality is in the data or not."""
    mdata = make_mdata(("gaussian", "gaussian") if left_out else ("gaussian",))
    MODIS.setup_mudata(mdata, labels_key="label", modalities=[RNA])
    says = "modalities that the model does not use" if left_out else "do not have.*'CpG-îlots'"
    with pytest.raises((ValueError, KeyError), match=says):
        MODIS(mdata, feature_links=LINKS, **TINY)


def test_divergence_says_what_to_do():
    mdata = make_mdata()
    MODIS.setup_mudata(mdata, labels_key="label")
    model = MODIS(mdata, **TINY)
    with pytest.raises(RuntimeError, match=r"diverged.*reconstruction.*learning rate"):
        model.train(plan_kwargs={"lr": 1e30}, **BRIEFLY | {"max_epochs": 3})
    assert not model.is_trained


@pytest.mark.parametrize(
    "call",
    [
        *(call for name, call in CALLS.items()),
        lambda model, _: model.class_counts(),
        lambda model, _: model.train(**BRIEFLY),
    ],
)
def test_without_data_one_must_pass_them(saved, call):
    model = MODIS.load(saved, False)
    with pytest.raises(ValueError, match="loaded without data"):
        call(model, None)
