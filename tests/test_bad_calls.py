"""What a model cannot use is refused by each of its methods, in words, and nothing is lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from modis import MODIS

from ._bad import (
    BRIEFLY,
    CPG,
    INFINITE,
    RNA,
    TINY,
    Bad,
    check_refused,
    replaced,
    set_up,
    twice,
    with_obs,
)
from ._make import make_mdata, make_modality, make_mudata


@pytest.fixture(scope="module")
def model() -> MODIS:
    model = set_up()
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
    Bad("observation twice", (CPG, "'s20'"), replaced(lambda adata: twice(adata, "obs_names"))),
    Bad("empty", (CPG, "empty"), replaced(lambda adata: adata[:0].copy())),
]
NEW_AT_LOAD = [
    Bad(
        "unknown class",
        (CPG, "'colitis'", "Crohn's", "healthy"),
        with_obs("label", cpg=("s90", "colitis", "unknown")),
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
    ("train_size", ValueError, "train_size=1.1", lambda m: m.train(train_size=1.1, **BRIEFLY)),
    ("batch_size", ValueError, "batch_size=0", lambda m: m.train(batch_size=0, **BRIEFLY)),
    ("batch_size 1", ValueError, "batch_size=1", lambda m: m.train(batch_size=1, **BRIEFLY)),
    *(
        (
            "number",
            ValueError,
            f"{name}={value!r} must be",
            lambda m, k={name: value}: m.train(**BRIEFLY | k),
        )
        for name in ("max_epochs", "batch_size")
        for value in ("3", 1.5, True)
    ),
    ("no batches", ValueError, "limit_train_batches=0", lambda m: m.train(limit_train_batches=0)),
    ("pickle", ValueError, "ckpt_path", lambda m: m.train(ckpt_path="a.ckpt", **BRIEFLY)),
    ("n_latent", ValueError, "n_latent='10' must", lambda m: MODIS(m.adata, n_latent="10")),
    ("index float", TypeError, "no positions", lambda m: m.translate(RNA, CPG, indices=[0.5])),
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


def test_other_kinds_of_numbers_will_do(model):
    copy = set_up()
    copy.train(max_epochs=np.int64(1), batch_size=16.0, enable_progress_bar=False)
    assert len(copy.history["loss_train"]) == 1
    soft = model.predict(soft=True)
    for indices, rows in ((slice(2, 5), [2, 3, 4]), (3, [3]), (np.int64(-1), [99])):
        found = model.predict(soft=True, indices=indices, batch_size=2)
        pd.testing.assert_frame_equal(found, soft.iloc[rows], rtol=1e-4)


def test_values_that_were_lost_after_the_check_are_filled():
    model = set_up()
    model.train(**BRIEFLY)
    model.adata.mod[CPG].X[3, 2] = np.nan
    expected = model.get_latent_representation(modality=CPG)
    assert np.isfinite(expected).all()


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
