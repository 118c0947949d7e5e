import warnings

import numpy as np
import pytest
import torch

from modis import MODIS

from .._make import CPG, RNA, fingerprint, make_mdata, make_mudata
from ._made import BRIEFLY, weights

pytestmark = pytest.mark.usefixtures("quick")

OPTIONS = {"batch_key": "run", "categorical_covariate_keys": ["sex"]}
SHIFT = 3


def cohort(run, shift, *, label=True):
    """Samples of one run and two sexes, all features shifted."""
    mdata = make_mdata(pairing="paired", classes=["a", "b"])
    for adata in mdata.mod.values():
        numbers = np.arange(adata.n_obs)
        adata.obs["run"] = np.where((numbers % 3 == 0) & (run == "several"), "other", run)
        adata.obs["sex"] = np.where(numbers % 5 == 0, "x", "y")
        adata.X += shift
        adata.obs = adata.obs if label else adata.obs.drop(columns="label")
    return make_mudata(mdata.mod)


@pytest.fixture(scope="module", params=["one", "several"])
def reference(request, fit):
    data = cohort(request.param, 0)
    return fit(data, **OPTIONS, model={"n_layers": 1}, train={"max_epochs": 10})


def said(model, mdata):
    """All that a model says of data."""
    sets, alarms = model.predict_set(mdata), model.novelty(mdata)
    translated = [model.translate(RNA, to, mdata).X for to in (RNA, CPG)]
    latent = model.get_latent_representation(mdata)
    return [model.predict(mdata, soft=True), sets, alarms, latent, *translated]


@pytest.mark.filterwarnings("ignore:Modality .* does not look like")
@pytest.mark.parametrize("saved", [False, True])
def test_what_the_reference_knows_stays_to_the_digit(reference, saved, tmp_path):
    known, query = reference.adata, cohort("new", SHIFT, label=False)
    then, before = said(reference, known), weights(reference)
    reference.save(tmp_path / "reference")
    model = MODIS.load_query_data(query, tmp_path / "reference" if saved else reference)
    assert model._spec.batches == [*reference._spec.batches, "new"]
    start = np.square(model.reconstruct(RNA).X - query.mod[RNA].X).mean()
    model.train(**BRIEFLY | {"max_epochs": 40, "plan_kwargs": {"lr": 0.02, "weight_decay": 0.1}})
    for now, old in zip(said(model, known), then, strict=True):
        np.testing.assert_array_equal(now, old)
    assert all(torch.equal(before[key], now) for key, now in weights(reference).items())
    # all that is learnt is of the new batch
    assert np.square(model.reconstruct(RNA).X - query.mod[RNA].X).mean() < 0.9 * start
    into = [model.translate(CPG, RNA, known, transform_batch=run).X for run in ("new", None)]
    assert np.mean(into[0] - into[1]) > SHIFT / 3
    # and stays when it is saved
    model.save(tmp_path / "model")
    again = MODIS.load(tmp_path / "model", query)
    for now, old in zip(said(again, known), then, strict=True):
        np.testing.assert_array_equal(now, old)
    again.train(**BRIEFLY)
    assert again.predict(known, soft=True).equals(then[0])


def test_unfrozen_networks_learn_the_query_and_forget(reference):
    query = cohort("new", 0)
    mark = fingerprint(query)
    model = MODIS.load_query_data(query, reference, unfrozen=True)
    model.train(**BRIEFLY)
    assert fingerprint(query) == mark
    assert not model.predict(reference.adata, soft=True).equals(reference.predict(soft=True))
    assert all(each.requires_grad for each in model.module.parameters())


def test_what_is_no_new_batch(reference, fit, build):
    with pytest.raises(ValueError, match=r"no new batch to learn: .*batch_key='run'"):
        MODIS.load_query_data(cohort(reference._spec.batches[0], 0), reference)
    with pytest.raises(RuntimeError, match="not trained yet"):
        MODIS.load_query_data(cohort("new", 0), build(cohort("one", 0), **OPTIONS))
    with warnings.catch_warnings(), pytest.raises(KeyError, match="lack modalities"):
        warnings.simplefilter("ignore")
        part = make_mudata({RNA: cohort("new", 0).mod[RNA]})
        MODIS.load_query_data(part, reference)
    query = cohort("new", 0)
    for adata in query.mod.values():
        adata.obs["label"] = "other"
    with pytest.raises(ValueError, match="class 'other', which the model was not trained on"):
        MODIS.load_query_data(make_mudata(query.mod), reference)
    without = fit(cohort("one", 0))
    with pytest.raises(ValueError, match=r"no new batch to learn: .*batch_key=None"):
        MODIS.load_query_data(cohort("new", 0), without)
