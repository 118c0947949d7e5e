from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from ..runs import perform_all
from ._draw import draw
from ._job import perform
from ._settings import METHODS, SETTINGS, settings_of
from ._store import BAYES, Job, Store
from ._table import tabulate, to_markdown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from ._data import Source

__all__ = ["plan", "reproduce"]


def plan(
    figure: str,
    *,
    methods: Sequence[str],
    seeds: int,
    epochs_factor: int = 1,
    only: Sequence[str] | None = None,
) -> list[Job]:
    """Runs that a figure needs, all of one seed before the next.

    Parameters
    ----------
    figure
        One of :data:`FIGURES`, or ``"all"``.
    methods
        Names out of :data:`METHODS`.
    seeds
        Number of seeds, from 0 on.
    epochs_factor
        How many times longer to train than the methods would.
    only
        Names of the figure's settings to run; all by default.

    Returns
    -------
    Jobs with ``setting``, ``method``, ``epochs_factor`` and ``seed``.

    Raises
    ------
    ValueError
        If there is no such figure, setting or method.

    Examples
    --------
    >>> from modis.experiments import plan
    >>> len(plan("fig2", methods=["default", "links"], seeds=10))
    100
    """
    settings = settings_of(figure)
    strange = [name for name in only or () if name not in settings]
    if strange:
        raise ValueError(f"{figure!r} has no setting {strange[0]!r}; it has {settings}.")
    settings = [name for name in settings if only is None or name in only]
    unknown = [name for name in methods if name not in METHODS]
    if unknown or not methods:
        raise ValueError(f"There is no method {unknown or ''}; there are {list(METHODS)}.")
    jobs = [Job(name, BAYES) for name in settings if SETTINGS[name].delta is not None]
    for seed in range(seeds):
        for setting in settings:
            jobs += [Job(setting, method, epochs_factor, seed) for method in methods]
    return jobs


def reproduce(
    figure: str,
    out: Path,
    source: Source,
    *,
    methods: Sequence[str] = ("default", "links"),
    seeds: int = 10,
    jobs: int = 1,
    epochs_factor: int = 1,
    max_epochs: int | None = None,
    only: Sequence[str] | None = None,
    console: Console | None = None,
) -> pd.DataFrame:
    """Run the paper's experiments, and write their figures and tables.

    Every finished run is kept in ``out/runs``; a second call does only what is missing.
    ``results.csv`` has the rows of all runs in the folder that belong to the same data, also of
    other figures; ``table.csv`` and ``table.md`` stand beside the paper's own results.

    Parameters
    ----------
    figure
        One of :data:`FIGURES`, or ``"all"``.
    out
        Folder for runs, tables and figures.
    source
        Where the data come from.
    methods, seeds
        As in :func:`plan`.
    jobs
        Processes that run at a time, with one thread each.
    epochs_factor
        As in :func:`plan`.
    max_epochs
        Epochs of each run; the methods' own by default.
    only
        As in :func:`plan`.
    console
        Where to tell about progress; standard output by default.

    Returns
    -------
    The table: one row per result that the paper states.

    Raises
    ------
    FileNotFoundError
        If a file of `source` does not exist.
    ValueError
        If there is no such figure or method, or the data do not fit.
    RuntimeError
        If training failed in some of the runs, after all others have been done.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from modis.experiments import Source, reproduce
    >>> out = pathlib.Path(tempfile.mkdtemp())
    >>> table = reproduce(
    ...     "difficulty", out, Source(n_samples=60), methods=["default"], seeds=0, only=["delta-1"]
    ... )
    1 runs, 0 of them done before; results in ...
    >>> sorted(path.name for path in out.glob("*.csv"))
    ['results.csv', 'table.csv']
    """
    console = console or Console(highlight=False)
    wanted = plan(figure, methods=methods, seeds=seeds, epochs_factor=epochs_factor, only=only)
    source.check()
    store = Store(out / "runs", source, max_epochs)
    missing = [job for job in wanted if store.read(job) is None]
    console.print(
        f"{len(wanted)} runs, {len(wanted) - len(missing)} of them done before; results in {out}",
        soft_wrap=True,
    )
    failures = perform_all(perform, missing, store, jobs, console)
    results = store.collect()
    out.mkdir(parents=True, exist_ok=True)
    results.to_csv(out / "results.csv", index=False, float_format="%.6g")
    table = tabulate(results)
    table.to_csv(out / "table.csv", index=False, float_format="%.6g")
    text = to_markdown(table)
    (out / "table.md").write_text(text, encoding="utf-8")
    console.print("Drawing figures", soft_wrap=True)
    draw(figure, results, store, out)
    if failures:
        job, reason = next(iter(failures.items()))
        raise RuntimeError(
            f"{len(failures)} of {len(wanted)} runs failed, such as {job}: {reason} The others "
            "are done; the same command tries again."
        )
    return table
