"""The paper's settings as data, their runner, and the figures and tables made of the results."""

from ._data import Source, split_paired
from ._evaluation import evaluate
from ._reproduce import plan, reproduce
from ._runner import fit, run, summarize
from ._settings import FIGURES, METHODS, SETTINGS, Method, Setting, settings_of
from ._store import BAYES
from ._table import METHOD_NAMES, tabulate, to_markdown

__all__ = [
    "BAYES",
    "FIGURES",
    "METHODS",
    "METHOD_NAMES",
    "SETTINGS",
    "Method",
    "Setting",
    "Source",
    "evaluate",
    "fit",
    "plan",
    "reproduce",
    "run",
    "settings_of",
    "split_paired",
    "summarize",
    "tabulate",
    "to_markdown",
]
