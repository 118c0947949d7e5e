"""Data sets: InterSIM simulation, the paper's settings from any MuData, tables, public cohorts."""

from ._bayes import bayes_probabilities
from ._intersim import intersim
from ._labels import corrupt_labels, hide_labels
from ._public import bmmc_multiome, brca_tcga, brca_tcga_partial, pbmc10k_cite, pbmc_mosaic
from ._read_tables import read_tables
from ._samples import drop_pairs, shrink_class, split, unpair

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
