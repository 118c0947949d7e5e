from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.console import Console

from ..inputs import read_links, read_mudata
from ..links import by_name
from ..runs import perform_all, quiet
from ._cohort import ByModality, Cohort, make_cohort
from ._design import Design, check_design, plan
from ._draw import draw
from ._fold import make_fold
from ._job import perform
from ._methods import METHODS
from ._store import Store
from ._table import tabulate, to_markdown
from ._verdict import judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mudata import MuData

__all__ = ["Comparison", "benchmark"]

_FOLDS = 5
# by whether labels are carried over
_DEFAULT = {False: ("modis", "lr", "rf"), True: ("modis", "diagvi")}


@dataclass(frozen=True)
class Comparison:
    """What a benchmark found.

    Parameters
    ----------
    results
        Tidy rows of all runs: ``method``, ``seed``, ``fold``, ``modality``, ``subset``,
        ``metric``, ``class``, ``value``.
    predictions
        A row per run, test observation and modality: ``observation``, ``modality`` (or
        ``"combined"``), ``n_modalities``, ``label``, ``predicted``, ``method``, ``seed``,
        ``fold``.
    table
        Mean, spread and interval per method and modality, and how far MODIS is ahead.
    verdict
        Whether MODIS is worth it, in sentences.

    Examples
    --------
    >>> from dataclasses import fields
    >>> from modis.benchmark import Comparison
    >>> [field.name for field in fields(Comparison)]
    ['results', 'predictions', 'table', 'verdict']
    """

    results: pd.DataFrame
    predictions: pd.DataFrame
    table: pd.DataFrame
    verdict: list[str]


def benchmark(
    data: MuData | str | Path,
    labels_key: str,
    out: str | Path | None = None,
    *,
    methods: Sequence[str] | None = None,
    seeds: int = 5,
    split_key: str | None = None,
    folds: int | None = None,
    unpaired: bool = False,
    labels_per_class: int | None = None,
    validation: bool = False,
    transfer: tuple[str, str] | None = None,
    modalities: Sequence[str] | None = None,
    batch_key: str | None = None,
    layer: ByModality = None,
    likelihood: ByModality = None,
    links: pd.DataFrame | str | Path | None = None,
    links_by_name: bool = False,
    unlabeled_category: str = "unknown",
    max_epochs: int | None = None,
    model_kwargs: dict[str, Any] | None = None,
    train_kwargs: dict[str, Any] | None = None,
    jobs: int = 1,
    console: Console | None = None,
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
        Folder for runs, ``results.csv``, ``table.csv``, ``table.md`` and ``figure.png``; nothing
        is kept by default.
    methods
        Out of ``"modis"``, ``"lr"`` (standardised, class-balanced logistic regression, its
        penalty by 3-fold cross-validation), ``"rf"`` (300 class-balanced trees), ``"paper"``
        (the paper's networks, losses and training) and ``"diagvi"`` (DIAGVI of scvi-tools, where
        it is installed and two modalities have linked features; 15 neighbours in its latent
        space vote). By default the first three, and ``"modis"`` and ``"diagvi"`` with `transfer`.
    seeds
        Number of seeds, from 0 on: of folds, deals, draws of labels and initialisations.
    split_key
        Column that says ``"train"`` or ``"test"`` for every observation.
    folds
        Number of folds of the labelled observations, stratified by class and drawn anew with
        every seed; 5 by default, if there is no `split_key`. Observations without a label train.
    unpaired
        Let every training observation keep one modality only, dealt in turn within its class.
        Test observations are predicted from each modality by itself in any case.
    labels_per_class
        Labelled training samples per class and modality (all, where a class has fewer). The
        others stay in training without their label; the classifiers do not use them.
    validation
        Judge 30 % of the training part, drawn by class, and leave the test part alone: to choose
        settings by.
    transfer
        Modality with labels and modality whose labels are to be predicted. Observations that
        have both keep one, in turn within each class; all of them are used.
    modalities
        Modalities to use; all by default.
    batch_key
        Column with batches, for the networks; the classifiers know nothing of them.
    layer, likelihood
        As in :meth:`modis.MODIS.setup_mudata`. The classifiers see counts as logarithms of
        equal sums.
    links
        Linked features, or a CSV file of them, for ``"modis"`` and ``"diagvi"``.
    links_by_name
        Link features of the same name, in any case of letters.
    unlabeled_category
        Class name that means: not known.
    max_epochs
        Epochs of the networks; their own choice by default.
    model_kwargs, train_kwargs
        Arguments of :class:`modis.MODIS` and :meth:`modis.MODIS.train` for ``"modis"``.
    jobs
        Processes that run at a time, with one thread each.
    console
        Where to tell about progress; standard output by default.

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
    >>> from modis.benchmark import benchmark
    >>> from modis.datasets import intersim
    >>> found = benchmark(intersim(60), "label", methods=["lr"], unpaired=True, folds=2, seeds=1)
    2 runs, 0 of them done before
    ...
    >>> found.table["modality"].unique().tolist()
    ['methylation', 'expression', 'protein', 'average', 'combined']
    """
    console = console or Console(highlight=False)
    if split_key is None and folds is None and transfer is None:
        folds = _FOLDS
    design = Design(
        methods=tuple(_DEFAULT[transfer is not None] if methods is None else methods),
        seeds=seeds,
        folds=folds,
        unpaired=unpaired,
        labels_per_class=labels_per_class,
        validation=validation,
        transfer=transfer,
        max_epochs=max_epochs,
        model_kwargs=model_kwargs or {},
        train_kwargs=train_kwargs or {},
    )
    check_design(design, METHODS, split_key)
    with quiet():
        mdata = read_mudata(Path(data)) if isinstance(data, str | Path) else data
        cohort = make_cohort(
            mdata,
            labels_key,
            modalities=modalities,
            split_key=split_key,
            batch_key=batch_key,
            layer=layer,
            likelihood=likelihood,
            links=read_links(Path(links)) if isinstance(links, str | Path) else links,
            unlabeled_category=unlabeled_category,
        )
        if links_by_name:
            cohort = replace(cohort, links=_with_names(cohort, mdata, transfer))
        # what cannot be taken apart should be known before hours of training, not after
        make_fold(cohort, design, 0)
    design = replace(design, methods=_possible(cohort, design, console))
    if out is None:
        with TemporaryDirectory() as folder:
            return _compare(Store(Path(folder), cohort, design), jobs, console)
    return _compare(Store(Path(out), cohort, design), jobs, console)


def _with_names(cohort: Cohort, mdata: MuData, transfer: tuple[str, str] | None) -> pd.DataFrame:
    """Links of features with the same name, beside those that were given."""
    tables = [] if cohort.links is None else [cohort.links]
    pairs = combinations(cohort.modalities, 2) if transfer is None else [transfer]
    problem = "There is a single modality, and links lead from one to another."
    for first, second in pairs:
        try:
            tables.append(by_name(mdata, first, second, ignore_case=True))
        # in some pairs no names agree
        except ValueError as error:
            problem = str(error)
    if not tables:
        raise ValueError(f"Nothing is linked by name (--links-by-name): {problem}")
    return pd.concat(tables, ignore_index=True)


def _possible(cohort: Cohort, design: Design, console: Console) -> tuple[str, ...]:
    """Methods that can be run; a line about each of the others."""
    possible = []
    for name in design.methods:
        method = METHODS[name]
        reason = method.obstacle(cohort, design)
        if design.transfer is not None and not method.transfers:
            reason = "it cannot carry labels into a modality that has none"
        if reason:
            console.print(f"{method.title} is left out: {reason}.", soft_wrap=True)
        else:
            possible.append(name)
    if not possible:
        raise ValueError("No method is left to run (--methods).")
    return tuple(possible)


def _compare(store: Store, n_processes: int, console: Console) -> Comparison:
    wanted = plan(store.design)
    missing = [job for job in wanted if store.read(job) is None]
    console.print(
        f"{len(wanted)} runs, {len(wanted) - len(missing)} of them done before", soft_wrap=True
    )
    failures = perform_all(perform, missing, store, n_processes, console)
    found = None
    if len(failures) < len(wanted):
        found = _write(store, *store.collect(wanted))
    if failures or found is None:
        job, reason = next(iter(failures.items()))
        raise RuntimeError(
            f"{len(failures)} of {len(wanted)} runs failed, such as {job}: {reason} The others "
            "are done; the same command tries again."
        )
    return found


def _write(store: Store, results: pd.DataFrame, predictions: pd.DataFrame) -> Comparison:
    table = tabulate(results, predictions)
    verdict = judge(table)
    results.to_csv(store.folder / "results.csv", index=False, float_format="%.6g")
    table.to_csv(store.folder / "table.csv", index=False, float_format="%.6g")
    text = "\n\n".join([to_markdown(table).strip(), *verdict])
    (store.folder / "table.md").write_text(text + "\n", encoding="utf-8")
    draw(table, store.folder / "figure.png")
    return Comparison(results, predictions, table, verdict)
