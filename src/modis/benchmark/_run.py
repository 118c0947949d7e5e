from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.console import Console

from ..inputs import read_links, read_mudata
from ..runs import perform_all
from ._cohort import ByModality, make_cohort
from ._design import Design, plan
from ._fold import make_fold
from ._job import perform
from ._store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mudata import MuData

__all__ = ["Comparison", "benchmark"]


@dataclass(frozen=True)
class Comparison:
    """What a benchmark found.

    Parameters
    ----------
    results
        Tidy rows of all runs.
    predictions
        A row per run, test observation and modality.
    """

    results: pd.DataFrame
    predictions: pd.DataFrame


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
    unlabeled_category: str = "unknown",
    max_epochs: int | None = None,
    model_kwargs: dict[str, Any] | None = None,
    train_kwargs: dict[str, Any] | None = None,
    jobs: int = 1,
    console: Console | None = None,
) -> Comparison:
    """Compare MODIS with one classifier per modality on data of one's own."""
    console = console or Console(highlight=False)
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
    if folds is None and cohort.part is None and transfer is None:
        folds = 5
    design = Design(
        tuple(methods or ("modis", "lr", "rf")),
        seeds,
        folds,
        unpaired,
        labels_per_class,
        validation,
        transfer,
        max_epochs,
        model_kwargs or {},
        train_kwargs or {},
    )
    if out is None:
        with TemporaryDirectory() as folder:
            return _compare(Store(Path(folder), cohort, design), jobs, console)
    return _compare(Store(Path(out), cohort, design), jobs, console)


def _compare(store: Store, n_processes: int, console: Console) -> Comparison:
    wanted = plan(store.design)
    make_fold(store.cohort, store.design, 0)
    missing = [job for job in wanted if store.read(job) is None]
    console.print(
        f"{len(wanted)} runs, {len(wanted) - len(missing)} of them done before", soft_wrap=True
    )
    failures = perform_all(perform, missing, store, n_processes, console)
    results, predictions = store.collect(wanted)
    store.folder.mkdir(parents=True, exist_ok=True)
    results.to_csv(store.folder / "results.csv", index=False, float_format="%.6g")
    if failures:
        job, reason = next(iter(failures.items()))
        raise RuntimeError(
            f"{len(failures)} of {len(wanted)} runs failed, such as {job}: {reason} The others "
            "are done; the same command tries again."
        )
    return Comparison(results, predictions)
