from __future__ import annotations

import multiprocessing
import os
import time

import pytest
import torch

from modis.runs import outcomes


def perform(job, common):
    """A run that fails where the job says so; a function of a module, as processes need it."""
    (common / f"{job}_{os.getpid()}_{torch.get_num_threads()}").touch()
    return "infinite" if job == "bad" else ""


def sleep(job, common):
    time.sleep(60)
    (common / job).touch()
    return ""


@pytest.mark.parametrize("n_processes", [1, 2])
def test_every_run_is_told_with_its_failure(n_processes, tmp_path):
    with outcomes(perform, ["good", "bad"], tmp_path, n_processes) as done:
        assert dict(done) == {"good": "", "bad": "infinite"}
    names = sorted(path.name.split("_") for path in tmp_path.iterdir())
    assert [name[0] for name in names] == ["bad", "good"]
    assert {name[2] for name in names} == {"1"}
    assert (names[0][1] == str(os.getpid())) == (n_processes == 1)


def test_processes_end_when_the_caller_leaves(tmp_path):
    before = set(multiprocessing.active_children())
    with pytest.raises(KeyboardInterrupt), outcomes(sleep, ["a", "b"], tmp_path, 2):
        started = set(multiprocessing.active_children()) - before
        assert len(started) == 2
        raise KeyboardInterrupt
    assert not any(process.is_alive() for process in started)
    assert not list(tmp_path.iterdir())
