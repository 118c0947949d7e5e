from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..train import quiet_libraries
from ._results import Results

_PACKAGE = Path(__file__).resolve().parents[1]


class Screen:
    """What the user sees of a run: one line per stage, notes, and a summary."""

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
        self.console.print(f"[bold cyan]›[/] {escape(_shown(text))}", soft_wrap=True)

    def note(self, text: str) -> None:
        """Say what the user should know."""
        if text not in self.notes:
            self.notes.append(text)
            self.console.print(f"[yellow]Note:[/] {escape(_shown(text))}", soft_wrap=True)

    def say(self, text: str) -> None:
        """Print a text as it is."""
        self.console.print(_shown(text), soft_wrap=True, markup=False)

    def summary(self, results: Results) -> None:
        """Print the scores of the test part and the errors of translations."""
        if not results.scores.empty:
            texts = results.scores[["n_samples", "accuracy", "balanced_accuracy"]].map(
                "{:.3f}".format
            )
            texts["n_samples"] = results.scores["n_samples"].map("{:,.0f}".format)
            texts.columns = ["samples", "accuracy", "balanced accuracy"]
            self._table("Test part: predicted classes", texts.rename_axis("from"))
        judged = results.translations
        if judged is not None and judged.across:
            texts, unit = judged.errors.map("{:.3g}".format), "1 is the average profile"
            if judged.limit is not None:
                unit = "best possible error in brackets"
                texts = texts + judged.limit.map(" ({:.3g})".format)
            self._table(
                f"Test part: translation errors ({unit})", texts.rename_axis("from \\ into")
            )

    def _table(self, title: str, texts: pd.DataFrame) -> None:
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

        with quiet_libraries(silent=True), warnings.catch_warnings():
            # "always": a library may have shown, and thereby silenced, the same text before
            warnings.simplefilter("always")
            warnings.showwarning = show
            yield


def _shown(text: str) -> str:
    """Without what a terminal would execute."""
    return "".join(x if x.isprintable() or x == "\n" else "?" for x in text)
