"""Studies: how good MODIS is on data of one's own, and the paper's experiments."""

from ._cohort import UNLABELED, Cohort, make_cohort
from ._reading import read_links, read_mudata, without_pulling

__all__ = [
    "UNLABELED",
    "Cohort",
    "make_cohort",
    "read_links",
    "read_mudata",
    "without_pulling",
]
