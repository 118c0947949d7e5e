"""Data sets: InterSIM simulation, the paper's settings made from any MuData, omics tables."""

from ._bayes import bayes_probabilities
from ._corrupt_labels import corrupt_labels
from ._drop_pairs import drop_pairs
from ._hide_labels import hide_labels
from ._intersim import intersim
from ._read_tables import read_tables
from ._shrink_class import shrink_class
from ._split import split
from ._unpair import unpair

__all__ = [
    "bayes_probabilities",
    "corrupt_labels",
    "drop_pairs",
    "hide_labels",
    "intersim",
    "read_tables",
    "shrink_class",
    "split",
    "unpair",
]
