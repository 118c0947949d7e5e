"""Data sets: InterSIM simulation, the paper's settings from any MuData, tables, public cohorts."""

from ._bayes import bayes_probabilities
from ._corrupt_labels import corrupt_labels
from ._drop_pairs import drop_pairs
from ._hide_labels import hide_labels
from ._intersim import intersim
from ._public import bmmc_multiome, brca_tcga, brca_tcga_partial, pbmc10k_cite, pbmc_mosaic
from ._read_tables import read_tables
from ._shrink_class import shrink_class
from ._split import split
from ._unpair import unpair

__all__ = [
    "bayes_probabilities",
    "bmmc_multiome",
    "brca_tcga",
    "brca_tcga_partial",
    "corrupt_labels",
    "drop_pairs",
    "hide_labels",
    "intersim",
    "pbmc10k_cite",
    "pbmc_mosaic",
    "read_tables",
    "shrink_class",
    "split",
    "unpair",
]
