"""Many trainings: in several processes, quietly, with progress; how the paper trains."""

from ._method import PAPER, Method
from ._processes import outcomes, perform_all
from ._progress import progress
from ._quiet import SilentStop, quiet

__all__ = ["PAPER", "Method", "SilentStop", "outcomes", "perform_all", "progress", "quiet"]
