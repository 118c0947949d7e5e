from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.console import Console

from ._experiment import BAYES, Experiment
from ._figures import draw_paper
from ._methods import METHODS
from ._paper_table import tabulate, to_markdown
from ._runs import Job, Store, complete, write_tables
from ._settings import SETTINGS, settings_of
from ._source import Source

_COLUMNS = ["figure", "setting", "method", "seed", "rare_class", "missing"]
_COLUMNS += ["metric", "source", "target", "class", "predicted", "value"]


def reproduce(
    figure: str,
    out: str | Path,
    data: str = "synthetic",
    *,
    links_file: Path | None = None,
    reference_path: Path | None = None,
    n_samples: int = 11_500,
    methods: Sequence[str] = ("default", "links"),
    seeds: int = 10,
    jobs: int = 1,
    max_epochs: int | None = None,
    only: Sequence[str] | None = None,
    console: Console | None = None,
) -> pd.DataFrame:
    """Run the paper's experiments, and write their figures and tables.

    Finished runs are kept in ``out/runs``; a second call does only those that are missing.
    ``results.csv`` has the rows of all runs in the folder that belong to the same data, also of
    other figures; ``table.csv`` and ``table.md`` include the results of the paper.

    Parameters
    ----------
    figure
        One of :data:`FIGURES`, or ``"all"``.
    out
        Folder for runs, tables and figures.
    data
        ``"synthetic"`` (simulated from the built-in reference), ``"intersim-r"`` (from that of
        the R package InterSIM), or a ``.h5mu`` file or folder of tables of paired modalities with
        ``obs["label"]``. Its columns ``split`` (``"train"`` or ``"test"``) and
        ``observed_modality`` (what an observation keeps) are used if there, otherwise drawn.
    links_file
        Table of linked features for `data`; by default those in ``uns["feature_links"]``.
    reference_path
        Folder with the R package's reference, downloaded by default.
    n_samples
        Samples to simulate; the paper's number by default.
    methods
        Names out of :data:`METHODS`.
    seeds
        Number of seeds, from 0 on.
    jobs
        Processes that run at a time, with one thread each.
    max_epochs
        Epochs of each run; the methods' own by default.
    only
        Names of the figure's settings to run; all by default.
    console
        Where to print progress; standard output by default.

    Returns
    -------
    The table: one row per result that the paper states.

    Raises
    ------
    FileNotFoundError
        If a file does not exist.
    ValueError
        If there is no such figure, setting or method, or the data do not fit.
    RuntimeError
        If training failed in some of the runs, after all others have been done.

    Examples
    --------
    >>> import tempfile
    >>> from modis.studies import reproduce
    >>> how = {"n_samples": 60, "methods": ["default"], "seeds": 0, "only": ["delta-1"]}
    >>> table = reproduce("difficulty", tempfile.mkdtemp(), **how)
    1 runs, 0 of them done before
    ...
    """
    out, console = Path(out), console or Console(highlight=False)
    settings = settings_of(figure, only)
    unknown = [name for name in methods if name not in METHODS]
    if unknown or not methods:
        raise ValueError(f"There is no method {unknown or ''}; there are {list(METHODS)}.")
    source = Source(data, links_file, reference_path, n_samples)
    source.check()
    # what cannot serve should be known before hours of training, not after
    needing = [name for name in methods if METHODS[name].links]
    for delta in {SETTINGS[name].delta for name in settings}:
        if source.load(delta).links is None and needing:
            raise ValueError(
                f"The method {needing[0]!r} needs linked features. Name a table with "
                "--links-file, put it into uns['feature_links'], or leave the method out with "
                "--methods."
            )
    store = Store(out, Experiment(source, max_epochs), "runs")
    wanted = [Job({"setting": s, "method": BAYES}) for s in settings if SETTINGS[s].delta]
    wanted += [
        Job({"setting": setting, "method": method}, seed)
        for seed in range(seeds)
        for setting in settings
        for method in methods
    ]

    def write() -> pd.DataFrame:
        results = _collect(store)
        table = tabulate(results)
        write_tables(out, results, table, to_markdown(table))
        console.print("Drawing figures", soft_wrap=True)
        draw_paper(figure, results, store, out)
        return table

    return complete(store, wanted, jobs, console, write)


def _collect(store: Store) -> pd.DataFrame:
    """Rows of all runs in the folder, in the order of settings, methods and seeds."""
    settings, methods = list(SETTINGS), [*METHODS, BAYES]

    def place(job: Job) -> tuple[int, ...]:
        named = settings.index(job.key["setting"]), methods.index(job.key["method"])
        return (*named, job.seed)

    results, _ = store.collect(sorted(store.finished(), key=place))
    results["figure"] = [SETTINGS[name].figure for name in results["setting"]]
    return results.reindex(columns=_COLUMNS)
