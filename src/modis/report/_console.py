from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

__all__ = ["Screen"]

_PACKAGE = Path(__file__).resolve().parents[1]
_LOGGERS = ("scvi", "lightning", "lightning.pytorch", "lightning.fabric", "scanpy", "anndata")


class Screen:
    """What the user sees of a run: one line per stage, notes, and tables.

    Parameters
    ----------
    console
        Where to print; standard output by default.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        #: Notes that were shown, each once.
        self.notes: list[str] = []

    @property
    def shows_progress(self) -> bool:
        """Whether somebody watches; a file would fill with progress bars."""
        return self.console.is_terminal

    def stage(self, text: str) -> None:
        """Say what happens now."""
        self.console.print(f"[bold cyan]›[/] {escape(text)}", soft_wrap=True)

    def note(self, text: str) -> None:
        """Say what the user should know."""
        if text not in self.notes:
            self.notes.append(text)
            self.console.print(f"[yellow]Note:[/] {escape(text)}", soft_wrap=True)

    def say(self, text: str) -> None:
        """Print a text as it is."""
        self.console.print(text, soft_wrap=True, markup=False)

    def table(self, title: str, texts: pd.DataFrame) -> None:
        """Print a table; the name of the index is the first column's head."""
        table = Table(title=title, title_justify="left")
        table.add_column(str(texts.index.name))
        for column in texts:
            table.add_column(column, justify="right")
        for row in texts.itertuples():
            table.add_row(*map(str, row))
        self.console.print(table)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Turn this package's warnings into notes, and hide all other messages of libraries."""

        def show(
            message: Warning | str, category: type[Warning], filename: str, *_: Any, **__: Any
        ) -> None:
            ours = Path(filename).resolve().is_relative_to(_PACKAGE)
            if ours and issubclass(category, UserWarning):
                self.note(str(message))

        loggers = [logging.getLogger(name) for name in _LOGGERS]
        levels = [logger.level for logger in loggers]
        with warnings.catch_warnings():
            # "always": a library may have shown, and thereby silenced, the same text before
            warnings.simplefilter("always")
            warnings.showwarning = show
            try:
                for logger in loggers:
                    logger.setLevel(logging.ERROR)
                yield
            finally:
                for logger, level in zip(loggers, levels, strict=True):
                    logger.setLevel(level)
