"""What a model cannot use is refused by each of its methods, in words, and nothing is lost."""

import re

import numpy as np
import pandas as pd
import pytest
import torch

from modis import MODIS

from ._bad import INFINITE, Bad, check_refused, numbered, replaced, set_up, twice, with_obs
from ._make import BRIEFLY, CPG, RNA, TINY, make_mdata, make_modality, make_mudata


@pytest.fixture(scope="module")
def model():
    model = set_up()
    model.train(**BRIEFLY)
    return model


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "model"
    model.save(folder)
    return folder


CALLS = {
    "get_latent_representation": lambda model, mdata: model.get_latent_representation(mdata),
    "predict": lambda model, mdata: model.predict(mdata),
    "translate": lambda model, mdata: model.translate(CPG, RNA, mdata),
    "reconstruct": lambda model, mdata: model.reconstruct(CPG, mdata),
    "get_elbo": lambda model, mdata: model.get_elbo(mdata),
    "get_reconstruction_error": lambda model, mdata: model.get_reconstruction_error(mdata),
    "get_marginal_ll": lambda model, mdata: model.get_marginal_ll(mdata, 2),
    "posterior_predictive_sample": lambda m, mdata: m.posterior_predictive_sample(CPG, mdata),
    "write_latent": lambda model, mdata: model.write_latent(mdata),
    "joint_embedding": lambda model, mdata: model.joint_embedding(mdata),
    "feature_importance": lambda model, mdata: model.feature_importance(CPG, mdata=mdata),
}
NEW = [
    Bad(
        "features missing",
        (CPG, "5 of the 9 features", "'C0', 'C1'", "var_names"),
        replaced(lambda adata: adata[:, 5:].copy()),
    ),
    Bad(
        "unknown modality",
        ("'ATAC'", RNA, CPG),
        lambda mdata: make_mudata({**mdata.mod, "ATAC": make_modality("a_protein", 0, 9)}),
        error=KeyError,
    ),
    Bad("infinite", (CPG, "'C2'"), INFINITE),
    Bad("view", ("view", "copy"), lambda mdata: mdata[:30]),
    Bad("anndata", ("AnnData",), lambda mdata: mdata.mod[RNA], error=TypeError),
    Bad("observation twice", (CPG, "'s20'"), twice("obs_names")),
    Bad("empty", (CPG, "empty"), replaced(lambda adata: adata[:0].copy())),
]
NEW_AT_LOAD = [
    Bad(
        "unknown class",
        (CPG, "'colitis'", "Crohn's", "healthy"),
        with_obs("label", cpg=("s90", "colitis", "unknown")),
    ),
    Bad("alone", (CPG, RNA), lambda mdata: make_mudata({RNA: mdata.mod[RNA]}), error=KeyError),
]


@pytest.mark.filterwarnings("ignore:[0-9]+ observation.*labelled in the other:UserWarning")
@pytest.mark.parametrize("bad", [*NEW, *NEW_AT_LOAD], ids=str)
def test_new_data_are_refused(model, saved, bad):
    mdata = bad.broken(make_mdata())
    check_refused(bad, mdata, lambda mdata: MODIS.load(saved, mdata))
    for call in CALLS.values() if bad in NEW else ():
        check_refused(bad, mdata, lambda mdata, call=call: call(model, mdata))


#: Argument, error, what it says, and the call. What else is refused has tests in its own room.
ARGUMENTS = [
    ("modality", KeyError, "'rna'.*rna seq", lambda m: m.predict(modality="rna")),
    ("source", KeyError, "'rna'.*rna seq", lambda m: m.translate("rna", CPG)),
    ("target", KeyError, "'rna'.*rna seq", lambda m: m.translate(CPG, "rna")),
    ("n_samples", ValueError, "n_samples=0", lambda m: m.translate(CPG, RNA, n_samples=0)),
    ("index", IndexError, "1000.*100", lambda m: m.predict(indices=[1000])),
    ("index name", (IndexError, TypeError), "indices", lambda m: m.predict(indices=["s1"])),
    ("batch_size 1", ValueError, "batch_size=1", lambda m: m.train(batch_size=1, **BRIEFLY)),
    *(
        (
            "number",
            ValueError,
            re.escape(f"{name}={value!r} must be"),
            lambda m, k={name: value}: m.train(**BRIEFLY | k),
        )
        for name, values in {
            "max_epochs": ("3", 1.5, True, np.inf, [1], 0),
            "batch_size": ("3", 1.5, True, 0),
            "train_size": ("0.9", True, np.nan, 1.1),
            "limit_train_batches": (0, 0.0, "1", -1),
            "check_val_every_n_epoch": ("2", 0),
        }.items()
        for value in values
    ),
    *(
        ("of the plan", error, says, lambda m, k=plan: m.train(plan_kwargs=k, **BRIEFLY))
        for plan, error, says in (
            ({"lr": "0.1"}, ValueError, "lr='0.1' must be above 0, and a number"),
            ({"lr": -1}, ValueError, "lr=-1 must be above 0"),
            ({"weight_decay": "0"}, ValueError, "weight_decay='0' must be at least 0"),
            ({"loss_weights": {"kl": "1"}}, ValueError, "'kl'.='1' must be at least 0"),
            ({"reduce_lr_on_plateau": True}, TypeError, "'reduce_lr_on_plateau'.*'decay_lr'"),
        )
    ),
    ("size", TypeError, "'validation_size'.*'train_size'", lambda m: m.train(validation_size=1)),
    ("switch", ValueError, "early_stopping='no'", lambda m: m.train(early_stopping="no")),
    ("switch", ValueError, "balance_classes='no'", lambda m: m.train(balance_classes="no")),
    ("rows", ValueError, "batch_size='3'", lambda m: m.predict(batch_size="3")),
    ("draws", ValueError, "n_samples='2'", lambda m: m.translate(CPG, RNA, n_samples="2")),
    ("draw", ValueError, "n_samples=0", lambda m: m.posterior_predictive_sample(RNA, n_samples=0)),
    ("draws", ValueError, "n_mc_samples=1.5", lambda m: m.get_marginal_ll(n_mc_samples=1.5)),
    ("pickle", ValueError, "ckpt_path", lambda m: m.train(ckpt_path="a.ckpt", **BRIEFLY)),
    ("n_latent", ValueError, "n_latent='10' must", lambda m: MODIS(m.adata, n_latent="10")),
    ("index float", TypeError, "not positions", lambda m: m.translate(RNA, CPG, indices=[0.5])),
    ("index table", TypeError, "not positions", lambda m: m.predict(indices=[[0, 1]])),
    ("adversarial", ValueError, "'gan'.*relativ", lambda m: MODIS(m.adata, adversarial="gan")),
    ("module argument", TypeError, "'n_layer'.*n_layers", lambda m: MODIS(m.adata, n_layer=2)),
]


@pytest.mark.parametrize("case", ARGUMENTS, ids=lambda case: case[0])
def test_arguments_are_refused(model, case):
    _, error, says, call = case
    weights = {name: value.clone() for name, value in model.module.state_dict().items()}
    with pytest.raises(error, match=says):
        call(model)
    for name, value in model.module.state_dict().items():
        assert torch.equal(value, weights[name]), name


def test_other_kinds_of_numbers_will_do(model):
    copy = set_up()
    numbers = {"max_epochs": np.int64(1), "batch_size": 16.0, "train_size": np.float32(0.75)}
    numbers |= {"plan_kwargs": {"lr": np.float32(1e-3)}, "callbacks": None}
    copy.train(**numbers, enable_progress_bar=False)
    assert len(copy.train_indices[RNA]) == 45
    other = MODIS(model.adata, **TINY | {"n_latent": 4.0, "n_layers": np.int64(2)})
    assert (other.preset.architecture.n_latent, other.preset.architecture.n_layers) == (4, 2)
    assert len(copy.history["loss_train"]) == 1
    soft = model.predict(soft=True)
    for indices, rows in ((slice(2, 5), [2, 3, 4]), (3, [3]), (np.int64(-1), [99])):
        found = model.predict(soft=True, indices=indices, batch_size=2)
        pd.testing.assert_frame_equal(found, soft.iloc[rows], rtol=1e-4)


def test_values_that_were_lost_after_the_check_are_filled():
    model = set_up()
    model.train(**BRIEFLY)
    model.adata.mod[CPG].X[[3, 3, 5], [2, 4, 2]] = np.nan
    says = rf"'{CPG}': {{}} value\(s\) of the training data that were there .* missing \(NaN\) now"
    for n, rows in ((3, None), (2, [4, 3])):
        with pytest.warns(UserWarning, match=says.format(n)) as caught:
            found = model.get_latent_representation(modality=CPG, indices=rows)
        assert len(caught) == 1
        assert np.isfinite(found).all()
    model.predict(modality=RNA)
    model.predict(indices=[0, 1])
    with pytest.warns(UserWarning, match=says.format(3)) as caught:
        model.train(**BRIEFLY)
    assert len(caught) == 1
    model.predict()  # that they were lost is told once
    model.adata.mod[CPG].X[3] = np.nan
    with pytest.raises(ValueError, match="1 observations lost all values"):
        model.predict()
    mdata = make_mdata()
    mdata.mod[CPG].X[:, 2] *= 1e-3
    MODIS.setup_mudata(mdata, labels_key="label")
    unbounded = MODIS(mdata, scaling="minmax", **TINY)
    unbounded.train(**BRIEFLY)
    mdata.mod[CPG].X[3, 2] = 3e38
    with pytest.raises(ValueError, match=f"'{CPG}' has values that give no finite result"):
        unbounded.predict()


# of mudata; pytest.warns hands it on without the module that other filters name
@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame:DeprecationWarning")
def test_numbers_as_names_in_new_data(model):
    with pytest.warns(UserWarning, match="40 observations have the same number as name"):
        model.predict(numbered(make_mdata()))


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_untrained_model_says_so(call):
    model = set_up()
    with pytest.raises(RuntimeError, match=r"not trained yet: call model\.train\(\) first"):
        call(model, None)
    assert "X_modis" not in model.adata.obsm


def test_without_data_one_must_pass_them(saved):
    model = MODIS.load(saved, False)
    own = (lambda model, _: model.class_counts(), lambda model, _: model.train(**BRIEFLY))
    for call in (*CALLS.values(), *own):
        with pytest.raises(ValueError, match="loaded without data"):
            call(model, None)
