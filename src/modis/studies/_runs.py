"""Runs of a study: stored in a folder, done in several processes, resumed after a stop."""

import hashlib
import json
import os
import re
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pandas as pd
import torch
from joblib import Parallel, delayed, parallel_config
from rich.console import Console

from ..data import draft_of
from ..train import quiet_libraries

Row = dict[str, Any]
Found = tuple[list[Row], pd.DataFrame | None]
T = TypeVar("T")

# whatever observations and classes are called, they are names
_NAMES = ("observation", "modality", "label", "task", "source", "target", "metric")


@dataclass(frozen=True)
class Job:
    """One run: a seed, and all else that distinguishes it from other runs of the study."""

    key: dict[str, Any] = field(default_factory=dict)
    seed: int = 0

    @property
    def columns(self) -> Row:
        """The columns that identify each of its rows."""
        return {**self.key, "seed": self.seed}

    def __str__(self) -> str:
        words = [own if isinstance(own, str) else f"{k} {own}" for k, own in self.columns.items()]
        return " ".join(words).replace("_", " ")


class Study(Protocol):
    """What the runs evaluate; it is sent to other processes."""

    def parameters(self, job: Job) -> Row:
        """Everything that decides the rows of a run, beyond the job and the package's version."""

    def perform(self, job: Job) -> Found:
        """Rows of a run, and a table if it has one."""


@dataclass(frozen=True)
class Store:
    """Finished runs in a folder: the rows of each in a file, and its table in another.

    A file's name ends with a digest of everything that decides the run.
    """

    folder: Path
    study: Study
    #: Folder for the tables.
    tables: str

    def paths(self, job: Job) -> tuple[Path, Path]:
        """Files of a run: its rows, and its table."""
        text = json.dumps(self._parameters(job), sort_keys=True, default=repr)
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        name = f"{job} {digest}".replace(" ", "_")
        tables = self.folder / self.tables
        return self.folder / "runs" / f"{name}.json", tables / f"{name}.csv.gz"

    def read(self, job: Job) -> Found | None:
        """Rows and table of a finished run; `None` if there is none, or a file is broken."""
        path, table_path = self.paths(job)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if not content["has_table"]:
                return content["rows"], None
            how = {"dtype": dict.fromkeys(_NAMES, str), "keep_default_na": False}
            table = pd.read_csv(table_path, na_values="", **how)
            # in one block: hundreds of single columns are slow, and pandas says so
            return content["rows"], table.fillna(dict.fromkeys(_NAMES, "")).copy()
        # a broken file fails in any layer of the readers
        except Exception:  # noqa: BLE001
            return None

    def write(self, job: Job, rows: list[Row], table: pd.DataFrame | None) -> None:
        """Keep a finished run: entirely, or not at all."""
        path, table_path = self.paths(job)
        content = {"parameters": self._parameters(job), "has_table": table is not None}
        for folder in (path.parent, table_path.parent):
            folder.mkdir(parents=True, exist_ok=True)
        if table is not None:
            with draft_of(table_path) as draft:
                table.to_csv(draft, index=False, compression="gzip", float_format="%.9g")
        with draft_of(path) as draft:
            text = json.dumps(content | {"rows": rows}, indent=0, default=repr)
            draft.write_text(text, encoding="utf-8")

    def finished(self) -> list[Job]:
        """All runs in the folder that belong to this study."""
        jobs = []
        for path in self.folder.glob("runs/*.json"):
            try:
                job = Job(**json.loads(path.read_text(encoding="utf-8"))["parameters"]["job"])
                if self.paths(job)[0] == path and self.read(job) is not None:
                    jobs.append(job)
            # another file, or of a version that knew other settings
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return jobs

    def collect(self, jobs: Sequence[Job]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Rows and tables of those of the runs that are finished, with the jobs' columns."""
        found = [(job, own) for job in jobs if (own := self.read(job)) is not None]
        rows = [job.columns | row for job, own in found for row in own[0]]
        tables = [own[1].assign(**job.columns) for job, own in found if own[1] is not None]
        return pd.DataFrame(rows), pd.concat([pd.DataFrame(), *tables], ignore_index=True)

    def _parameters(self, job: Job) -> Row:
        own = self.study.parameters(job)
        return {"version": version("modis-omics"), "job": asdict(job), **own}


def complete(
    store: Store, jobs: Sequence[Job], n_processes: int, console: Console, write: Callable[[], T]
) -> T:
    """Do the missing runs, in processes of one thread each, and write the results.

    A RuntimeError if some runs failed, after all others have been done and written.
    """
    missing = [job for job in jobs if store.read(job) is None]
    n_done = len(jobs) - len(missing)
    console.print(f"{len(jobs)} runs, {n_done} of them done before", soft_wrap=True)
    failures = {}
    started = time.perf_counter()
    runs = (delayed(_perform)(store, job, os.getpid()) for job in missing)
    n_processes = max(1, min(n_processes, len(missing)))
    # loky needs no guard in the user's script
    with parallel_config(backend="loky", inner_max_num_threads=1):
        parallel = Parallel(n_processes, return_as="generator_unordered")
        for k, (run, reason) in enumerate(parallel(runs), start=1):
            minutes = (time.perf_counter() - started) / k * (len(missing) - k) / 60
            text = f"{k}/{len(missing)}  {run}, {minutes:.0f} min left"
            if reason:
                failures[run] = reason
                text = f"{run} failed: {reason}"
            console.print(text, soft_wrap=True, markup=False)
    if failures:
        if len(failures) < len(jobs):
            write()
        run, reason = next(iter(failures.items()))
        raise RuntimeError(
            f"{len(failures)} of {len(jobs)} runs failed, such as {run}: {reason} The others are "
            "done; the same command tries again."
        )
    return write()


def _perform(store: Store, job: Job, first_process: int) -> tuple[str, str]:
    """Do and keep one run; its name, and why it failed."""
    if os.getpid() != first_process:
        # Ctrl-C reaches the whole group, and the first process ends the others
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    n_threads = torch.get_num_threads()
    # so that results do not depend on the number of processes
    torch.set_num_threads(1)
    try:
        with quiet_libraries(silent=True):
            store.write(job, *store.study.perform(job))
    # a loss became infinite, or an argument does not fit: that run is lost, others are not
    except (RuntimeError, ValueError) as error:
        return str(job), " ".join(str(error).split())
    finally:
        torch.set_num_threads(n_threads)
    return str(job), ""


def write_tables(folder: Path, results: pd.DataFrame, table: pd.DataFrame, markdown: str) -> None:
    """Write what a study found: ``results.csv``, ``table.csv`` and ``table.md``."""
    write_csv(results, folder / "results.csv", index=False, float_format="%.6g")
    write_csv(table, folder / "table.csv", index=False, float_format="%.6g")
    with draft_of(folder / "table.md") as draft:
        draft.write_text(markdown, encoding="utf-8")


def write_csv(table: pd.DataFrame, path: Path, **how: Any) -> None:
    """Write a table; a name that a spreadsheet would execute gets a quote in front."""
    for name in table.columns[~table.dtypes.map(pd.api.types.is_numeric_dtype)]:
        table = table.assign(**{name: table[name].map(_harmless, na_action="ignore")})
    with draft_of(path) as draft:
        table.rename(index=_harmless, columns=_harmless).to_csv(draft, **how)


def _harmless(name: Any) -> Any:
    is_formula = isinstance(name, str) and re.match(r"[=@\t\r]|[+-].*[(|!]", name)
    return f"'{name}" if is_formula else name
