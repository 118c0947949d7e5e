"""Data sets: InterSIM simulation, the paper's settings from any MuData, tables, public data."""

from ._intersim import intersim
from ._pbmc_mosaic import pbmc_mosaic
from ._read_tables import read_tables
from ._samples import hide_labels, shrink_class, split, unpair
from ._tcga import tcga_pancancer, tcga_rare

__all__ = [
    "hide_labels",
    "intersim",
    "pbmc_mosaic",
    "read_tables",
    "shrink_class",
    "split",
    "tcga_pancancer",
    "tcga_rare",
    "unpair",
]
