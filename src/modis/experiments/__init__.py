"""The paper's settings as data, and their runner."""

from ._runner import evaluate, run, split_paired, summarize
from ._settings import METHODS, SETTINGS, Method, Setting

__all__ = [
    "METHODS",
    "SETTINGS",
    "Method",
    "Setting",
    "evaluate",
    "run",
    "split_paired",
    "summarize",
]
