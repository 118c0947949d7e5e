"""Data sets: InterSIM simulation, the paper's settings from any MuData, tables, public data."""

from ._bayes import bayes_probabilities
from ._intersim import intersim
from ._labels import corrupt_labels, hide_labels
from ._public import pbmc_mosaic
from ._read_tables import read_tables
from ._samples import drop_pairs, shrink_class, split, unpair

__all__ = [
    "bayes_probabilities",
    "corrupt_labels",
    "drop_pairs",
    "hide_labels",
    "intersim",
    "pbmc_mosaic",
    "read_tables",
    "shrink_class",
    "split",
    "unpair",
]
