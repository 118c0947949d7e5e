"""From a file to a folder of results: what the command line runs."""

from ._apply import predict_file, translate_file
from ._console import Screen
from ._fit import fit_file, run_demo
from ._page import write_comparison_page
from ._results import Settings

__all__ = [
    "Screen",
    "Settings",
    "fit_file",
    "predict_file",
    "run_demo",
    "translate_file",
    "write_comparison_page",
]
