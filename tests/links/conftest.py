"""A made-up MuData of which only `.var` matters."""

import anndata as ad
import pandas as pd
import pytest

from .._make import make_mudata


@pytest.fixture
def mdata():
    genes = pd.DataFrame(
        {
            "symbol": ["TP53", "WRAP53", "MYC", None],
            "entrez": [7157.0, 55135.0, 4609.0, None],
            "chrom": ["chr1", "chr1", "chr2", "chr1"],
            "start": [10_000, 10_000, 10_000, None],
            "end": [12_000, 12_000, 12_000, None],
            "strand": ["+", "-", None, "+"],
        },
        index=["ENSG1", "ENSG2", "ENSG3", "ENSG4"],
    )
    cpgs = pd.DataFrame(
        {
            "gene": ["TP53; WRAP53", "TP53", "", None, "myc"],
            "entrez": ["7157", "7157", None, None, "4609"],
            "chr": ["chr1", "chr1", "chr1", "chr2", None],
            "position": [8_500, 11_000, 13_500, 13_500, 11_000],
        },
        index=["cg1", "cg2", "cg3", "cg4", "cg5"],
    )
    proteins = pd.DataFrame(index=["tp53", "MYC", "ENSG1"])
    modalities = {"rna": genes, "meth": cpgs, "protein": proteins}
    return make_mudata({name: ad.AnnData(var=var) for name, var in modalities.items()})


@pytest.fixture
def pairs():
    """Linked features of a table, as a list."""
    return lambda table: list(zip(table["source_feature"], table["target_feature"], strict=True))
