import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
import torch

from modis.studies import benchmark
from modis.studies._runs import Job, Store, complete, write_csv, write_tables

ROWS = [{"modality": "NA", "subset": "all", "metric": "accuracy", "value": np.float64(0.5)}]
# names that a careless reader takes for numbers and missing values
NAMES = pd.DataFrame(
    {
        "observation": ["001", "nan"],
        "modality": ["NA", "prot éine"],
        "label": ["1.0", "None"],
        "latent_0": np.array([0.1, 1 / 3], dtype=np.float32),
    }
)


@dataclass(frozen=True)
class Example:
    """A study whose runs tell where they were done, and fail where their name says so."""

    size: int = 1

    def parameters(self, job):
        return {"size": self.size}

    def perform(self, job):
        if job.key["method"] == "bad":
            raise RuntimeError("infinite\nloss")
        place = {"process": os.getpid(), "threads": torch.get_num_threads()}
        return [{"metric": name, "value": value} for name, value in place.items()], None


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path, Example(), "predictions")


def test_what_is_written_is_read(store):
    job = Job({"method": "lr", "fold": 2}, seed=1)
    assert str(job) == "lr fold 2 seed 1"
    assert store.read(job) is None
    store.write(job, ROWS, NAMES)
    pd.testing.assert_frame_equal(store.read(job)[1], NAMES, check_dtype=False)
    results, tables = store.collect([job, Job({"method": "lr", "fold": 0})])
    assert results.loc[0, ["method", "seed", "fold", "value"]].tolist() == ["lr", 1, 2, 0.5]
    assert (tables["fold"] == 2).all()
    np.testing.assert_array_equal(tables["latent_0"].astype(np.float32), NAMES["latent_0"])
    assert {path.name for path in store.folder.iterdir()} == {"runs", "predictions"}


def test_broken_files_count_as_missing(store):
    job = Job({"method": "lr"})
    store.write(job, ROWS, NAMES)
    rows, table = store.paths(job)
    text, content = rows.read_text(), table.read_bytes()
    for broken in ("", text[:30], "[1]", "{}", "null"):
        rows.write_text(broken)
        assert store.read(job) is None
        assert store.finished() == []
    rows.write_text(text)
    assert store.finished() == [job]
    table.write_bytes(content[:40])
    assert store.read(job) is None
    table.unlink()
    assert store.read(job) is None


def test_no_cell_is_a_formula_and_no_link_is_followed(tmp_path):
    names = ["=HYPERLINK(1)", "@x", "+SUM(1)", "-1", "+", "CD4+", None]
    values = {"name": pd.Categorical(names), "=v": range(7)}
    table = pd.DataFrame(values, index=[*"abcde", "=f", "g"])
    for name in ("results", "table"):
        (tmp_path / f"{name}.csv").symlink_to(tmp_path / "mine.csv")
    write_tables(tmp_path, table, table, "")
    write_csv(table, tmp_path / "table.csv")
    own, read = (pd.read_csv(tmp_path / f"{k}.csv", na_filter=False) for k in ("results", "table"))
    assert list(read["name"]) == ["'=HYPERLINK(1)", "'@x", "'+SUM(1)", *names[3:6], ""]
    assert list(read.iloc[-2:, 0]) == ["'=f", "g"]
    assert own.equals(read[["name", "'=v"]])
    assert not (tmp_path / "mine.csv").exists()


def test_only_runs_of_the_study_are_found(store, monkeypatch):
    other = replace(store, study=Example(2))
    jobs = [Job({"method": "lr"}), Job({"method": "lr"}, 1), Job({"method": "rf"})]
    assert len({path for job in jobs for path in store.paths(job)}) == 6
    for job in jobs[:2]:
        store.write(job, ROWS, None)
    other.write(jobs[2], ROWS, None)
    (store.folder / "runs" / "mine.json").write_text("{}")
    assert sorted(job.seed for job in store.finished()) == [0, 1]
    assert other.finished() == jobs[2:]
    monkeypatch.setattr("modis.studies._runs.version", lambda _: "99")
    assert store.finished() == []


def test_all_runs_are_done_and_failures_told(store, console):
    jobs = [Job({"method": name}) for name in ("good", "bad", "other")]
    written = []

    def write():
        written.append(store.collect(jobs)[0])

    threads = torch.get_num_threads()
    said = "1 of 3 runs failed, such as bad seed 0: infinite loss The others are done"
    with pytest.raises(RuntimeError, match=said):
        complete(store, jobs, 1, console, write)
    assert set(written[0]["method"]) == {"good", "other"}
    values = written[0].groupby("metric")["value"].agg(set)
    assert values["threads"] == {1}
    assert values["process"] == {os.getpid()}
    assert torch.get_num_threads() == threads
    said = console.file.getvalue()
    assert "bad seed 0 failed: infinite loss" in said
    assert "3/3  " in said or "2/3  " in said


# without a guard; its processes do a benchmark, fail in a run, and then wait to be stopped
SCRIPT = """
import os, signal, sys, time
from pathlib import Path
import torch
from rich.console import Console
from modis.studies import benchmark
from modis.studies._runs import Job, Store, complete

signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
folder = Path(sys.argv[2])
how = {"split_key": "part", "methods": ["modis", "rf"], "tasks": ["classes"]}
benchmark(sys.argv[1], "label", folder, jobs=2, splits=1, max_epochs=1, **how)

class Study:
    def parameters(self, job):
        return {}
    def perform(self, job):
        if job.key["method"] == "bad":
            raise RuntimeError("infinite loss")
        Path(folder, f"process_{os.getpid()}_{torch.get_num_threads()}").touch()
        time.sleep(300 if job.key["method"].startswith("long") else 0)
        return [], None

store = Store(folder / "more", Study(), "tables")
try:
    complete(store, [Job({"method": m}) for m in ("good", "bad")], 2, Console(), int)
except RuntimeError as error:
    Path(folder, "said").write_text(str(error))
complete(store, [Job({"method": m}) for m in ("long", "longer")], 2, Console(), int)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_two_processes_do_what_one_does_and_end_with_it(data_file, tmp_path, console):
    script, folder = tmp_path / "script.py", tmp_path / "two"
    script.write_text(SCRIPT)
    how = {"split_key": "part", "methods": ["modis", "rf"], "tasks": ["classes"]}
    one = tmp_path / "one"
    benchmark(data_file, "label", one, console=console, splits=1, max_epochs=1, **how)
    first = subprocess.Popen(
        [sys.executable, str(script), str(data_file), str(folder)],
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 200
    while len(started := list(folder.glob("process_*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert len(started) == 2
    os.killpg(first.pid, signal.SIGINT)
    first.wait(timeout=60)
    processes = {int(path.name.split("_")[1]) for path in started}
    assert len(processes - {first.pid}) == len(processes) == 2
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    assert {path.name.split("_")[2] for path in started} == {"1"}
    assert "1 of 2 runs failed, such as bad seed 0: infinite" in (folder / "said").read_text()
    assert len(list(folder.glob("more/runs/*.json"))) == 1
    assert (folder / "table.csv").read_text() == (one / "table.csv").read_text()
