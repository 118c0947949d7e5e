from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

__all__ = ["progress"]


@contextmanager
def progress(total: int, console: Console) -> Iterator[Callable[[object, str], None]]:
    """Tell how far a list of runs is: a bar on a screen, a line per run in a file.

    Parameters
    ----------
    total
        Number of runs.
    console
        Where to tell it.

    Yields
    ------
    To be called with each run that ended, and why it failed, if it did.
    """
    started, ended = time.perf_counter(), 0
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    # a run can take longer than the time over which rich measures speed
    bar = Progress(
        *columns,
        TimeRemainingColumn(),
        TextColumn("left"),
        console=console,
        speed_estimate_period=24 * 3600,
        disable=not console.is_terminal or not total,
    )
    task = bar.add_task("Training", total=total)

    def tell(run: object, failure: str) -> None:
        nonlocal ended
        ended += 1
        bar.update(task, advance=1, description=str(run))
        if failure:
            console.print(f"{run} failed: {failure}", soft_wrap=True, markup=False)
        elif not console.is_terminal:
            seconds = (time.perf_counter() - started) / ended * (total - ended)
            left = f"{seconds / 60:.0f} min left"
            console.print(f"{ended}/{total}  {run}, {left}", soft_wrap=True, markup=False)

    with bar:
        yield tell
