"""MODIS beside what a user would pick instead, on data of one's own."""

from ._design import Design, Job, plan
from ._run import Comparison, benchmark

__all__ = ["Comparison", "Design", "Job", "benchmark", "plan"]
