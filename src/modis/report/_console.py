import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from ..train import quiet_libraries
from ._results import Results

_PACKAGE = Path(__file__).resolve().parents[1]


class Screen:
    """Output of a run on the screen: one line per stage, notes, and a summary."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        #: Notes that were shown, each once.
        self.notes: list[str] = []

    @property
    def shows_progress(self) -> bool:
        """Whether output goes to a terminal; progress bars would fill a file."""
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
            scores = results.scores[["n_samples", "accuracy", "balanced_accuracy"]]
            scores = scores.astype({"n_samples": int}).rename_axis("from", columns=None)
            scores.columns = ["samples", "accuracy", "balanced accuracy"]
            self.say(f"\nTest part: predicted classes\n{scores.to_string(float_format='%.3f')}")
        judged = results.translations
        if judged is not None and judged.across:
            errors = judged.errors.rename_axis("from \\ into")
            self.say(f"\nTest part: translation errors\n{errors.to_string(float_format='%.3g')}")

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
