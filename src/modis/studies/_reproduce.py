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
    """Run the paper's experiments, and write their figures and tables; as ``modis reproduce``.

    Finished runs are kept in ``out/runs``; a second call does only those that are missing. The
    tables have the rows of all runs in the folder that belong to the same data.
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
