from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from mudata import MuData
from rich.console import Console

from ..links import by_name
from ..train import quiet_libraries
from ._cohort import Cohort, make_cohort
from ._comparison import tabulate_comparison, write_comparison
from ._draw_comparison import draw_comparison
from ._fold import Design, make_fold
from ._methods import RIVALS
from ._reading import read_links, read_mudata
from ._runs import Job, Row, Store, complete, write_tables
from ._scores import TASKS

# by whether labels are carried over
_DEFAULT = {False: ("modis", "lr", "rf"), True: ("modis", "diagvi")}
_COLUMNS = ["method", "seed", "fold", "modality", "subset", "metric", "class", "value"]
# what every method's predictions depend on
_COMMON = ("n_folds", "unpaired", "labels_per_class", "validation", "transfer")


@dataclass(frozen=True)
class Comparison:
    """What a benchmark found.

    Parameters
    ----------
    results
        Rows of all runs, one per score.
    predictions
        A row per run, test observation and modality (or ``"combined"``).
    table
        Mean, spread and interval per method and modality, and how far MODIS is ahead.
    markdown
        The table for readers, and in sentences whether MODIS is worth it.

    Examples
    --------
    >>> from modis.studies import Comparison
    >>> list(Comparison.__dataclass_fields__)
    ['results', 'predictions', 'table', 'markdown']
    """

    results: pd.DataFrame
    predictions: pd.DataFrame
    table: pd.DataFrame
    markdown: str


@dataclass(frozen=True)
class Benchmark:
    """The study: methods on the folds of a cohort."""

    cohort: Cohort
    design: Design
    task: str = "classes"

    def parameters(self, job: Job) -> Row:
        rival = RIVALS[job.key["method"]]
        links = self.cohort.links_digest if rival.links else None
        design = {name: getattr(self.design, name) for name in (*_COMMON, *rival.uses)}
        return {"task": self.task, "data": self.cohort.digest, "links": links, "design": design}

    def perform(self, job: Job) -> tuple[list[Row], pd.DataFrame]:
        fold = make_fold(self.cohort, self.design, job.seed, job.key["fold"])
        return TASKS[self.task](RIVALS[job.key["method"]], fold)


def benchmark(
    data: MuData | str | Path,
    labels_key: str,
    out: str | Path | None = None,
    *,
    methods: Sequence[str] | None = None,
    links: pd.DataFrame | str | Path | None = None,
    links_by_name: bool = False,
    jobs: int = 1,
    console: Console | None = None,
    **options: Any,
) -> Comparison:
    """Compare MODIS with one classifier per modality on data of one's own.

    Every finished run is kept in the folder; a second call does only what is missing.

    Parameters
    ----------
    data
        The data, or a ``.h5mu`` file; only read.
    labels_key
        Column with the classes, in ``mdata.obs`` or in the obs of the modalities.
    out
        Folder for runs, tables and ``figure.png``; nothing is kept by default.
    methods
        Names out of :data:`RIVALS`; by default MODIS, logistic regression and random forest, with
        `transfer` MODIS and DIAGVI.
    links, links_by_name
        Linked features or a CSV file of them, for ``"modis"`` and ``"diagvi"``; whether features
        of the same name are linked too, in any case of letters.
    jobs
        Processes that run at a time, with one thread each.
    console
        Where to tell about progress; standard output by default.
    **options
        The other options of ``modis benchmark``, by the same names: `seeds`, `split_key`, `folds`,
        `unpaired`, `labels_per_class`, `validation`, `transfer` (from and to which modality),
        `max_epochs`, `modalities`, `batch_key`, `layer`, `likelihood`, `unlabeled_category`.
        Beyond them `model_kwargs` and `train_kwargs`, arguments of :class:`modis.MODIS` and
        :meth:`modis.MODIS.train` for ``"modis"``.

    Returns
    -------
    What was measured, and what follows from it.

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
    >>> found = benchmark(intersim(60), "label", methods=["lr"], unpaired=True, folds=2, seeds=1)
    2 runs, 0 of them done before
    ...
    >>> found.table["modality"].unique().tolist()
    ['methylation', 'expression', 'protein', 'average', 'combined']
    """
    console = console or Console(highlight=False)
    of_design = {own.name for own in fields(Design)} & set(options)
    if methods is None:
        methods = _DEFAULT[options.get("transfer") is not None]
    design = Design(methods, **{name: options.pop(name) for name in of_design})
    design.check(RIVALS)
    with quiet_libraries(silent=True):
        mdata = read_mudata(Path(data)) if isinstance(data, str | Path) else data
        links = read_links(Path(links)) if isinstance(links, str | Path) else links
        cohort = make_cohort(mdata, labels_key, split_key=design.split_key, links=links, **options)
        _check(cohort, design)
        if links_by_name:
            cohort = replace(cohort, links=_with_names(cohort, mdata, design))
        # what cannot be taken apart should be known before hours of training, not after
        make_fold(cohort, design, 0)
    methods = _possible(cohort, design, console)
    wanted = [
        Job({"method": method, "fold": fold}, seed)
        for seed in range(design.seeds)
        for fold in range(design.n_folds)
        for method in methods
    ]
    with TemporaryDirectory() as temporary:
        folder = Path(temporary if out is None else out)
        store = Store(folder, Benchmark(cohort, design), "predictions")
        return complete(store, wanted, jobs, console, lambda: _write(store, wanted))


def _check(cohort: Cohort, design: Design) -> None:
    classes = sorted(set(cohort.label))
    if len(classes) < 2:
        found = f"only the class {classes[0]!r}" if classes else "no class at all"
        raise ValueError(
            f"Column {cohort.labels_key!r} (--labels-key) names {found}; two classes at least are "
            "needed to compare classifiers."
        )
    if cohort.part is not None and cohort.part.nunique() < 2:
        raise ValueError(
            f"Column {design.split_key!r} (--split-key) says {cohort.part.iloc[0]!r} for every "
            "observation; some must train and some must test."
        )


def _with_names(cohort: Cohort, mdata: MuData, design: Design) -> pd.DataFrame:
    """Links of features with the same name, beside those that were given."""
    tables = [] if cohort.links is None else [cohort.links]
    problem = "There is a single modality, and links lead from one to another."
    for first, second in combinations(design.transfer or cohort.modalities, 2):
        try:
            tables.append(by_name(mdata, first, second, ignore_case=True))
        # in some pairs no names agree
        except ValueError as error:
            problem = str(error)
    if not tables:
        raise ValueError(f"Nothing is linked by name (--links-by-name): {problem}")
    return pd.concat(tables, ignore_index=True)


def _possible(cohort: Cohort, design: Design, console: Console) -> list[str]:
    """Methods that can be run; a line about each of the others."""
    possible = []
    for name in design.methods:
        rival = RIVALS[name]
        reason = rival.obstacle(cohort, design)
        if design.transfer is not None and not rival.transfers:
            reason = "it cannot carry labels into a modality that has none"
        if reason:
            console.print(f"{rival.title} is left out: {reason}.", soft_wrap=True)
        else:
            possible.append(name)
    if not possible:
        raise ValueError("No method is left to run (--methods).")
    return possible


def _write(store: Store, jobs: Sequence[Job]) -> Comparison:
    results, predictions = store.collect(jobs)
    results = results.reindex(columns=_COLUMNS)
    table = tabulate_comparison(results, predictions)
    markdown = write_comparison(table)
    write_tables(store.folder, results, table, markdown)
    draw_comparison(table, store.folder / "figure.png")
    return Comparison(results, predictions, table, markdown)
