"""Studies: comparison with simple methods on your data, and the paper's experiments."""

from ..datasets._selection import without_pulling as without_pulling
from ._benchmark import Comparison, benchmark

# for the rooms above
from ._cohort import UNLABELED as UNLABELED
from ._cohort import Cohort as Cohort
from ._cohort import make_cohort as make_cohort
from ._cohort import profile_scale as profile_scale
from ._design import TASKS
from ._methods import METHODS, RIVALS
from ._reading import read_links as read_links
from ._reading import read_mudata as read_mudata
from ._reproduce import reproduce as reproduce
from ._rivals import COMBINED as COMBINED
from ._runs import write_csv as write_csv
from ._scores import rate_classes as rate_classes
from ._settings import FIGURES, SETTINGS
from ._verdict import grids as grids
from ._verdict import summarise as summarise

__all__ = [
    "FIGURES",
    "METHODS",
    "RIVALS",
    "SETTINGS",
    "TASKS",
    "Comparison",
    "benchmark",
]
