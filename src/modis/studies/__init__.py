"""Studies: how good MODIS is on data of one's own, and the paper's experiments."""

from ._benchmark import Comparison, benchmark

# for the rooms above
from ._cohort import UNLABELED as UNLABELED
from ._cohort import Cohort as Cohort
from ._cohort import make_cohort as make_cohort
from ._experiment import evaluate, fit
from ._methods import METHODS, RIVALS, Method
from ._paper_table import to_markdown as paper_markdown
from ._reading import read_links as read_links
from ._reading import read_mudata as read_mudata
from ._reading import without_pulling as without_pulling
from ._reproduce import reproduce
from ._settings import FIGURES, SETTINGS, Setting
from ._source import Source, split_paired

__all__ = [
    "FIGURES",
    "METHODS",
    "RIVALS",
    "SETTINGS",
    "Comparison",
    "Method",
    "Setting",
    "Source",
    "benchmark",
    "evaluate",
    "fit",
    "reproduce",
    "split_paired",
]
