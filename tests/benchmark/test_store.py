from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from modis.benchmark import Design, Job
from modis.benchmark._store import COLUMNS, Store

ROWS = [{"modality": "NA", "subset": "all", "metric": "accuracy", "value": np.float64(0.5)}]
# names that a careless reader takes for numbers and missing values
PREDICTIONS = pd.DataFrame(
    {
        "observation": ["001", "nan"],
        "modality": ["NA", "NA"],
        "n_modalities": [1, 2],
        "label": ["1.0", "None"],
        "predicted": ["2", "né"],
    }
)
LINKS = pd.DataFrame({"source_modality": ["a"], "source_feature": ["b"]})


@pytest.fixture
def store(cohort, tmp_path):
    return Store(tmp_path, cohort, Design(("modis", "lr")))


def test_what_is_written_is_read(store):
    job, missing = Job("lr", 1, 2), Job("lr", 2)
    assert store.read(job) is None
    store.write(job, ROWS, PREDICTIONS)
    results, predictions = store.collect([job, missing])
    assert tuple(results) == COLUMNS
    assert results.loc[0, ["method", "seed", "fold", "value"]].tolist() == ["lr", 1, 2, 0.5]
    pd.testing.assert_frame_equal(predictions[list(PREDICTIONS)], PREDICTIONS, check_dtype=False)
    assert (predictions["fold"] == 2).all()


def test_broken_files_count_as_missing(store):
    job = Job("lr")
    store.write(job, ROWS, PREDICTIONS)
    rows, predictions = store.paths(job)
    text = rows.read_text()
    for broken in ("", text[:30], "[1]", "{}", "null"):
        rows.write_text(broken)
        assert store.read(job) is None
    rows.write_text(text)
    assert store.read(job) is not None
    predictions.unlink()
    assert store.read(job) is None


def test_whatever_decides_a_run_decides_its_file(store, monkeypatch):
    job = Job("modis")
    changes = [
        {"unpaired": True},
        {"labels_per_class": 5},
        {"validation": True},
        {"transfer": ("a", "b")},
        {"folds": 5},
        {"max_epochs": 3},
        {"model_kwargs": {"n_latent": 8}},
        {"train_kwargs": {"batch_size": 8}},
    ]
    stores = [store, *(replace(store, design=replace(store.design, **own)) for own in changes)]
    stores.append(replace(store, cohort=replace(store.cohort, links=LINKS)))
    stores.append(replace(store, cohort=replace(store.cohort, part=None)))
    paths = {item.paths(job) for item in stores}
    paths |= {store.paths(Job("modis", 1)), store.paths(Job("modis", 0, 1))}
    monkeypatch.setattr("modis.benchmark._store.version", lambda _: "99")
    paths.add(store.paths(job))
    assert len(paths) == len(stores) + 3


def test_what_does_not_matter_does_not_count(store):
    """Another setting of MODIS, other seeds and other methods leave the baselines as they are."""
    job = Job("lr")
    other = Design(("lr",), seeds=9, max_epochs=3, model_kwargs={"n_latent": 8})
    changed = Store(store.folder, replace(store.cohort, links=LINKS), other)
    assert changed.paths(job) == store.paths(job)
