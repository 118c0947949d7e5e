"""MODIS beside what a user would pick instead, on data of one's own."""

from ._design import Design, Job, plan
from ._methods import METHODS, Method
from ._run import Comparison, benchmark
from ._table import tabulate, to_markdown

__all__ = [
    "METHODS",
    "Comparison",
    "Design",
    "Job",
    "Method",
    "benchmark",
    "plan",
    "tabulate",
    "to_markdown",
]
