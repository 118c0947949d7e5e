from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from ._progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console

__all__ = ["outcomes", "perform_all"]

J = TypeVar("J")

# What all runs of a process have in common: sent once, not with every run.
_common: Any = None


def perform_all(
    perform: Callable[[J, Any], str],
    jobs: Sequence,
    common: Any,
    n_processes: int,
    console: Console,
) -> dict[J, str]:
    """Do all runs and tell about each.

    Parameters
    ----------
    perform
        Does one run, given what all have in common, and returns why it failed; a function of a
        module, so that other processes find it.
    jobs
        The runs.
    common
        Data and folders, which every process gets once.
    n_processes
        Processes at a time, with one thread each.
    console
        Where to tell about progress.

    Returns
    -------
    Why runs failed, by run.
    """
    failures = {}
    with (
        progress(len(jobs), console) as tell,
        outcomes(perform, jobs, common, n_processes) as done,
    ):
        for job, reason in done:
            if reason:
                failures[job] = reason
            tell(job, reason)
    return failures


@contextmanager
def outcomes(
    perform: Callable[[J, Any], str], jobs: Sequence, common: Any, n_processes: int
) -> Iterator[Iterator[tuple[J, str]]]:
    """Runs as they end, here or in other processes, which end when the caller leaves.

    Parameters
    ----------
    perform, jobs, common, n_processes
        As in :func:`perform_all`.

    Yields
    ------
    Runs that ended, each with why it failed, if it did.
    """
    if n_processes <= 1 or len(jobs) <= 1:
        yield _one_by_one(perform, jobs, common)
        return
    others = set(multiprocessing.active_children())
    # not forked: the threads of torch and BLAS do not live on in a fork
    pool = ProcessPoolExecutor(
        min(n_processes, len(jobs)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(common,),
    )
    try:
        futures = {pool.submit(_perform_here, perform, job): job for job in jobs}
        yield ((futures[future], future.result()) for future in as_completed(futures))
    except BaseException:
        # Nobody waits for these runs any more, and what is written is whole. Not terminated:
        # Lightning takes that for a wish, and goes on.
        for process in set(multiprocessing.active_children()) - others:
            process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _one_by_one(
    perform: Callable[[J, Any], str], jobs: Sequence, common: Any
) -> Iterator[tuple[J, str]]:
    n_threads = torch.get_num_threads()
    # as in the other processes, so that results do not depend on their number
    torch.set_num_threads(1)
    try:
        for job in jobs:
            yield job, perform(job, common)
    finally:
        torch.set_num_threads(n_threads)


def _perform_here(perform: Callable[[J, Any], str], job: J) -> str:
    return perform(job, _common)


def _start_worker(common: Any) -> None:
    global _common
    _common = common
    # Ctrl-C reaches the whole group; the first process ends the others
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)


def _end_with_parent() -> None:
    # a first process that is killed cannot end the others, which would wait for work forever
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
