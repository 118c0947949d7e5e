from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from modis.experiments import METHODS, SETTINGS, Source
from modis.experiments._store import BAYES, COLUMNS, Job, Store

ROWS = [{"metric": "accuracy", "source": "all", "value": 0.5, "rare_class": None}]
LATENT = pd.DataFrame(
    {"modality": ["rna", "prot éine"], "label": ["T", "B"], "latent_0": [0.5, 1.0]}
)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs", Source(n_samples=200))


def test_what_is_written_is_read(store):
    job = Job("rare-5", "default", 1, 0)
    assert store.read(job) is None
    store.write(job, ROWS, LATENT)
    assert store.read(job) == ROWS
    latent = store.read_latent(job)
    pd.testing.assert_frame_equal(latent, LATENT, check_dtype=False)
    assert {path.suffix for path in store.folder.iterdir()} == {".json", ".npz"}


def test_broken_files_count_as_missing(store):
    job = Job("rare-5", "default", 1, 0)
    store.write(job, ROWS, LATENT)
    path = store.path(job)
    text = path.read_text()
    for broken in ("", text[:50], "[1]", "{}", "null"):
        path.write_text(broken)
        assert store.read(job) is None
        assert store.collect().empty
    path.write_text(text)
    assert store.read(job) == ROWS
    points = path.with_suffix(".npz")
    points.write_bytes(points.read_bytes()[:40])
    assert store.read(job) is None
    points.unlink()
    assert store.read(job) is None
    # other seeds and the best classifier have no latent points
    for other in (Job("rare-5", "default", 1, 1), Job("delta-1", BAYES)):
        store.write(other, ROWS)
        assert store.read(other) == ROWS


def test_a_draft_is_no_result(store):
    job = Job("rare-5", "default", 1, 1)

    class Stop(Exception):
        pass

    def stop(*_):
        raise Stop

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.replace", stop)
        with pytest.raises(Stop):
            store.write(job, ROWS)
    assert store.read(job) is None
    assert store.collect().empty


def test_whatever_decides_the_rows_decides_the_file(store, data_file, tmp_path, monkeypatch):
    links = tmp_path / "links.csv"
    links.write_text("source_modality\n")
    job = Job("rare-5", "links", 1, 3)
    stores = [
        store,
        replace(store, max_epochs=3),
        replace(store, source=Source(n_samples=201)),
        replace(store, source=Source("intersim-r")),
        replace(store, source=Source(str(data_file))),
        replace(store, source=Source(str(data_file), links_file=links)),
    ]
    paths = {item.path(job) for item in stores}
    jobs = [
        Job("rare-1", "links", 1, 3),
        Job("rare-5", "default", 1, 3),
        Job("rare-5", "links", 2, 3),
        Job("rare-5", "links", 1, 4),
    ]
    paths |= {store.path(other) for other in jobs}
    monkeypatch.setitem(SETTINGS, "rare-5", replace(SETTINGS["rare-5"], rare_samples=6))
    paths.add(store.path(job))
    monkeypatch.undo()
    monkeypatch.setitem(METHODS, "links", replace(METHODS["links"], train={"batch_size": 8}))
    paths.add(store.path(job))
    monkeypatch.undo()
    monkeypatch.setattr("modis.experiments._store.version", lambda _: "99")
    paths.add(store.path(job))
    monkeypatch.undo()
    assert len(paths) == len(stores) + len(jobs) + 3
    # links do not matter to a method that does not use them
    without = Job("rare-5", "default", 1, 3)
    assert stores[-1].path(without) == stores[-2].path(without)
    assert json.loads(json.dumps(store.parameters(job))) == store.parameters(job)


def test_collect_takes_what_belongs_together(store):
    other = replace(store, max_epochs=2)
    # written in no order
    for job in (
        Job("rare-5", "links", 1, 10),
        Job("rare-5", "links", 1, 9),
        Job("rare-5", "default", 2, 4),
        Job("labels-100", "links", 1, 1),
        Job("delta-1", BAYES),
    ):
        store.write(job, ROWS)
        other.write(job, [ROWS[0] | {"value": 0.1}])
    (store.folder / "mine.json").write_text("{}")
    (store.folder / "nothing_default_x1_seed1_0123456789.json").write_text("{}")
    found = store.collect()
    assert tuple(found) == COLUMNS
    assert (found["value"] == 0.5).all()
    keys = ["figure", "setting", "method", "epochs_factor", "seed"]
    assert found[keys].to_numpy().tolist() == [
        ["fig2", "labels-100", "links", 1, 1],
        ["fig3a", "rare-5", "default", 2, 4],
        ["fig3a", "rare-5", "links", 1, 9],
        ["fig3a", "rare-5", "links", 1, 10],
        ["difficulty", "delta-1", "bayes", 1, 0],
    ]


def test_latent_points_are_kept_as_they_are_needed(store):
    job = Job("rare-5", "default")
    latent = pd.DataFrame(np.random.default_rng(0).normal(size=(5, 3))).add_prefix("latent_")
    latent.insert(0, "modality", "rna")
    latent.insert(1, "label", "T")
    store.write(job, ROWS, latent)
    found = store.read_latent(job).filter(like="latent_")
    np.testing.assert_allclose(found, latent.filter(like="latent_"), rtol=1e-6)
