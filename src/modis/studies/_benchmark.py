import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from mudata import MuData
from rich.console import Console

from ..train import quiet_libraries
from ._cohort import Cohort, make_cohort
from ._design import UNSEEN, Design, Scenario, make_fold, scenarios
from ._figures import draw_forest
from ._methods import DEFAULT_METHODS, RIVALS, model_code
from ._reading import read_links, read_mudata
from ._runs import Found, Job, Row, Store, complete, write_tables
from ._scores import judge
from ._verdict import Verdict, gains, reach_verdicts, tabulate_comparison, write_comparison

_COLUMNS = ["data", "setting", "seed", "task", "source", "target", "method", "metric", "class"]
# what every method's answers depend on
_COMMON = ("test_size", "unpaired", "validation")


@dataclass(frozen=True)
class Comparison:
    """Results of a benchmark.

    Parameters
    ----------
    results
        A row per data set, setting, split (``seed``), task, source, target, method and metric.
    table
        Mean and interval per method, and how far MODIS is from every other method.
    verdicts
        By task, whether MODIS is ahead of every simple method, level or behind.
    markdown
        Verdicts and tables for readers.

    Examples
    --------
    >>> from modis.studies import Comparison
    >>> list(Comparison.__dataclass_fields__)
    ['results', 'table', 'verdicts', 'markdown']
    """

    results: pd.DataFrame
    table: pd.DataFrame
    verdicts: list[Verdict]
    markdown: str


@dataclass(frozen=True)
class Benchmark:
    """The study: methods on the splits of a cohort."""

    cohort: Cohort
    design: Design

    def parameters(self, job: Job) -> Row:
        rival, scenario = RIVALS[job.key["method"]], self._scenario(job)
        names = [*_COMMON, *rival.uses]
        names += {"few": ["labels_per_class"], "unseen": ["unseen_pairs"]}.get(scenario.name, [])
        return {
            "data": self.cohort.digest,
            "links": self.cohort.links_digest if rival.links else None,
            "design": {name: getattr(self.design, name) for name in names},
            "tasks": [task for task in scenario.tasks if task in rival.tasks],
            "code": model_code() if job.key["method"] in ("modis", "paper") else None,
        }

    def perform(self, job: Job) -> Found:
        fold = make_fold(self.cohort, self.design, self._scenario(job), job.seed)
        started = time.perf_counter()
        rows, table = judge(RIVALS[job.key["method"]](fold), fold)
        rows.append({"metric": "seconds", "value": time.perf_counter() - started})
        # without training pairs, say, it has nothing to tell
        return rows, table if len(table) else None

    def jobs(self) -> list[Job]:
        """Runs of each method in the scenarios that have a task for it."""
        return [
            Job({"scenario": own.name, "number": own.number, "method": method}, seed)
            for seed in range(self.design.splits)
            for own in self._scenarios.values()
            for method in self.design.methods
            if set(own.tasks) & set(RIVALS[method].tasks)
        ]

    @cached_property
    def _scenarios(self) -> dict[tuple[str, int], Scenario]:
        return {own[:2]: own for own in scenarios(self.cohort, self.design)}

    def _scenario(self, job: Job) -> Scenario:
        return self._scenarios[job.key["scenario"], job.key["number"]]


def benchmark(
    data: MuData | str | Path,
    labels_key: str,
    out: str | Path | None = None,
    *,
    methods: Sequence[str] | None = None,
    links: pd.DataFrame | str | Path | None = None,
    jobs: int = 1,
    console: Console | None = None,
    **options: Any,
) -> Comparison:
    """Compare MODIS with simple methods on your own data, task by task.

    Finished runs are kept in the folder; a second call does only those that are missing.

    Parameters
    ----------
    data
        The data, or a ``.h5mu`` file; only read.
    labels_key
        Column with the classes, in ``mdata.obs`` or in the obs of the modalities.
    out
        Folder for runs, ``results.csv``, ``table.csv``, ``table.md`` and ``forest.png``; nothing
        is kept by default.
    methods
        Names out of :data:`RIVALS`; by default MODIS and all simple ones that can be run.
    links
        Linked features or a CSV file of them.
    jobs
        Processes that run at a time, with one thread each.
    console
        Where to print progress; standard output by default.
    **options
        The other options of ``modis benchmark``, by the same names: `tasks`, `splits`,
        `test_size`, `split_key`, `group_key`, `validation`, `unpaired`, `labels_per_class`,
        `unseen_pairs`, `max_epochs`, `modalities`, `batch_key`, `layer`, `likelihood`,
        `unlabeled_category`, `labels`, `transpose`. Beyond them `model_kwargs` and
        `train_kwargs`, arguments of :class:`modis.MODIS` and :meth:`modis.MODIS.train` for
        ``"modis"``.

    Returns
    -------
    Results, tables and verdicts.

    Raises
    ------
    KeyError
        If a modality, column or layer is not in the data.
    ValueError
        If the data or the arguments cannot be used; before any training.
    RuntimeError
        If some of the runs failed, after all others have been done.

    Examples
    --------
    >>> from modis.datasets import intersim
    >>> from modis.studies import benchmark
    >>> how = {"methods": ["lr", "rf"], "tasks": ["classes"], "splits": 1}
    >>> found = benchmark(intersim(60), "label", **how)
    2 runs, 0 of them done before
    ...
    >>> found.table["source"].unique().tolist()
    ['methylation', 'expression', 'protein', 'combined', 'average']
    """
    console = console or Console(highlight=False)
    of_design = {own.name for own in fields(Design)} & set(options)
    design = Design(methods or DEFAULT_METHODS, **{name: options.pop(name) for name in of_design})
    design.check(RIVALS)
    with quiet_libraries(silent=True):
        tables = {name: options.pop(name, None) for name in ("labels", "transpose")}
        tables["labels_key"] = labels_key
        mdata = read_mudata(Path(data), **tables) if isinstance(data, str | Path) else data
        links = read_links(Path(links)) if isinstance(links, str | Path) else links
        cohort = make_cohort(
            mdata,
            labels_key,
            split_key=design.split_key,
            group_key=design.group_key,
            links=links,
            **options,
        )
        _check(cohort, design)
        # what cannot be taken apart should be known before hours of training, not after
        tasks = [own for own in design.tasks if _can_be_taken_apart(cohort, design, own)]
    possible = _possible(cohort, design, console, is_asked=methods is not None)
    study = Benchmark(cohort, replace(design, methods=possible, tasks=tasks))
    wanted = study.jobs()
    if not wanted:
        raise ValueError("None of the methods (--methods) can do one of the tasks (--tasks).")
    named = {
        "data": Path(data).stem if isinstance(data, str | Path) else "data",
        "setting": "unpaired" if design.unpaired else "as it is",
    }
    with TemporaryDirectory() as temporary:
        store = Store(Path(temporary if out is None else out), study, "scores")
        order = sorted(wanted, key=lambda job: job.key["method"] != "modis")  # the longest first
        return complete(store, order, jobs, console, lambda: _write(store, wanted, named))


def _check(cohort: Cohort, design: Design) -> None:
    classes = sorted(set(cohort.label))
    if len(classes) < 2:
        found = f"only the class {classes[0]!r}" if classes else "no class at all"
        raise ValueError(
            f"Column {cohort.labels_key!r} (--labels-key) names {found}; at least two classes are "
            "needed to compare classifiers."
        )
    if cohort.part is not None and cohort.part.nunique() < 2:
        raise ValueError(
            f"Column {design.split_key!r} (--split-key) says {cohort.part.iloc[0]!r} for every "
            "observation; some must train and some must test."
        )


def _can_be_taken_apart(cohort: Cohort, design: Design, task: str) -> bool:
    found = scenarios(cohort, replace(design, tasks=[task]))
    try:
        for own in found:
            make_fold(cohort, design, own, 0)
    except ValueError:
        # in small data there may be no class to take away, and other tasks continue
        if task != UNSEEN or len(design.tasks) == 1:
            raise
        return False
    return bool(found)


def _possible(cohort: Cohort, design: Design, console: Console, *, is_asked: bool) -> list[str]:
    """Methods that can run; for each other method that was requested, a note on why it cannot."""
    reasons = {name: RIVALS[name].obstacle(cohort) for name in design.methods}
    for name, reason in reasons.items():
        if reason and is_asked:
            console.print(f"{RIVALS[name].title} is left out: {reason}.", soft_wrap=True)
    possible = [name for name, reason in reasons.items() if not reason]
    if not possible:
        raise ValueError("No method is left to run (--methods).")
    return possible


def _write(store: Store, jobs: Sequence[Job], named: Row) -> Comparison:
    results, drawn = store.collect(jobs)
    if drawn.empty:
        raise ValueError("None of the methods (--methods) can do one of the tasks (--tasks).")
    results = results.assign(**named).reindex(columns=[*_COLUMNS, "value"])
    results = results.fillna(dict.fromkeys(["task", "source", "target"], ""))
    table = tabulate_comparison(results, drawn).assign(**named)
    markdown = write_comparison(table, results)
    write_tables(store.folder, results, table, markdown)
    found = gains(table)
    if len(found):
        title = f"{named['data']}, {named['setting']}: MODIS and simple methods"
        draw_forest(found, store.folder / "forest.png", title)
    return Comparison(results, table, reach_verdicts(table), markdown)
