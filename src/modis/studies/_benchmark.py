from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from itertools import combinations, product
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
from ._reading import ByModality, read_links, read_mudata
from ._runs import Job, Row, Store, complete
from ._scores import TASKS

_FOLDS = 5
# by whether labels are carried over
_DEFAULT = {False: ("modis", "lr", "rf"), True: ("modis", "diagvi")}
_COLUMNS = ["method", "seed", "fold", "modality", "subset", "metric", "class", "value"]
# what every method's predictions depend on
_COMMON = ("folds", "unpaired", "labels_per_class", "validation", "transfer")


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
        """Everything that decides the rows of a run."""
        rival, design = RIVALS[job.key["method"]], asdict(self.design)
        links = None if self.cohort.links is None else self.cohort.links.to_csv(index=False)
        return {
            "task": self.task,
            "data": self.cohort.digest,
            "links": sha256(links.encode()).hexdigest() if links and rival.links else None,
            "design": {name: design[name] for name in (*_COMMON, *rival.uses)},
        }

    def perform(self, job: Job) -> tuple[list[Row], pd.DataFrame]:
        """Rows and predictions of a run."""
        fold = make_fold(self.cohort, self.design, job.seed, job.key["fold"])
        return TASKS[self.task](RIVALS[job.key["method"]], fold)


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
    unlabeled_category: str = "unknown",
    links: pd.DataFrame | str | Path | None = None,
    links_by_name: bool = False,
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
        Names out of :data:`RIVALS`: ``"modis"``, ``"lr"`` (standardised, class-balanced logistic
        regression, its penalty by 3-fold cross-validation), ``"rf"`` (300 class-balanced trees),
        ``"paper"`` (the paper's networks, losses and training) and ``"diagvi"`` (DIAGVI of
        scvi-tools, where it is installed and two modalities have linked features). By default
        the first three, and ``"modis"`` and ``"diagvi"`` with `transfer`.
    seeds
        Number of seeds, from 0 on: of folds, draws of modalities and labels, initialisations.
    split_key
        Column that says ``"train"`` or ``"test"`` for every observation.
    folds
        Number of folds of the labelled observations, stratified by class and drawn anew with
        every seed; 5 by default, if there is no `split_key`. Observations without a label train.
    unpaired
        Randomly assign every training observation to one of its modalities, balanced by class.
        Test observations are predicted from each modality by itself in any case.
    labels_per_class
        Labelled training samples per class and modality (all, where a class has fewer). The
        others train without their label; the classifiers do not use them.
    validation
        Judge 30 % of the training part, drawn by class, and leave the test part alone: to choose
        settings by.
    transfer
        Modality with labels and modality whose labels are to be predicted. Observations that
        have both are randomly assigned to one of them, balanced by class; all of them are used.
    modalities
        Modalities to use; all by default.
    batch_key, layer, likelihood, unlabeled_category
        As in :meth:`modis.MODIS.setup_mudata`. The classifiers know nothing of batches, and see
        counts as logarithms of equal sums; test observations of a batch that no training
        observation has are predicted like all others.
    links, links_by_name
        Linked features, or a CSV file of them, and whether features of the same name (in any
        case of letters) are linked; for ``"modis"`` and ``"diagvi"``.
    max_epochs
        Epochs of the networks; their own choice by default.
    model_kwargs, train_kwargs
        Arguments of :class:`modis.MODIS` and :meth:`modis.MODIS.train` for ``"modis"``.
    jobs, console
        Processes that run at a time, with one thread each, and where to tell about progress.

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
    if split_key is None and folds is None and transfer is None:
        folds = _FOLDS
    methods = tuple(_DEFAULT[transfer is not None] if methods is None else methods)
    judged = (seeds, folds, unpaired, labels_per_class, validation, transfer)
    design = Design(methods, *judged, max_epochs, model_kwargs or {}, train_kwargs or {})
    design.check(RIVALS, split_key)
    with quiet_libraries(silent=True):
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
        _check(cohort, split_key)
        if links_by_name:
            cohort = replace(cohort, links=_with_names(cohort, mdata, transfer))
        # what cannot be taken apart should be known before hours of training, not after
        make_fold(cohort, design, 0)
    methods = _possible(cohort, design, console)
    runs = product(range(seeds), range(design.folds or 1), methods)
    wanted = [Job({"method": method, "fold": fold}, seed) for seed, fold, method in runs]
    with TemporaryDirectory() as temporary:
        folder = Path(temporary if out is None else out)
        store = Store(folder, Benchmark(cohort, design), "predictions")
        return complete(store, wanted, jobs, console, lambda: _write(store, wanted))


def _check(cohort: Cohort, split_key: str | None) -> None:
    classes = sorted(set(cohort.label))
    if len(classes) < 2:
        found = f"only the class {classes[0]!r}" if classes else "no class at all"
        raise ValueError(
            f"Column {cohort.labels_key!r} (--labels-key) names {found}; two classes at least are "
            "needed to compare classifiers."
        )
    if cohort.part is not None and cohort.part.nunique() < 2:
        raise ValueError(
            f"Column {split_key!r} (--split-key) says {cohort.part.iloc[0]!r} for every "
            "observation; some must train and some must test."
        )


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
    left_out = {}
    for name in design.methods:
        left_out[name] = RIVALS[name].obstacle(cohort, design)
        if design.transfer is not None and not RIVALS[name].transfers:
            left_out[name] = "it cannot carry labels into a modality that has none"
        if left_out[name]:
            text = f"{RIVALS[name].title} is left out: {left_out[name]}."
            console.print(text, soft_wrap=True)
    if all(left_out.values()):
        raise ValueError("No method is left to run (--methods).")
    return tuple(name for name, reason in left_out.items() if not reason)


def _write(store: Store, jobs: Sequence[Job]) -> Comparison:
    results, predictions = store.collect(jobs)
    results = results.reindex(columns=_COLUMNS)
    table = tabulate_comparison(results, predictions)
    markdown = write_comparison(table)
    results.to_csv(store.folder / "results.csv", index=False, float_format="%.6g")
    table.to_csv(store.folder / "table.csv", index=False, float_format="%.6g")
    (store.folder / "table.md").write_text(markdown, encoding="utf-8")
    draw_comparison(table, store.folder / "figure.png")
    return Comparison(results, predictions, table, markdown)
