from __future__ import annotations

import pandas as pd
import pytest

from modis import links

GENE_OF_CPG = pd.Series(["TP53", "TP53", "MYC", None], index=["cg1", "cg2", "cg3", "cg4"])
GENE_OF_PROTEIN = pd.Series(["TP53", "TP53", "EGFR"], index=["p53", "p53_pS15", "egfr"])
EXPECTED = [("cg1", "p53"), ("cg1", "p53_pS15"), ("cg2", "p53"), ("cg2", "p53_pS15")]
NAMES = {"source": "meth", "target": "protein"}


@pytest.mark.parametrize(
    "form",
    [
        lambda series: series,
        lambda series: series.to_frame("gene"),
        lambda series: series.rename_axis("feature").reset_index(name="gene"),
    ],
    ids=["series", "one column", "two columns"],
)
def test_forms_of_a_table(form, pairs):
    table = links.from_tables(form(GENE_OF_CPG), form(GENE_OF_PROTEIN), **NAMES)
    assert pairs(table) == EXPECTED
    assert set(table["source_modality"]) == {"meth"}
    assert set(table["target_modality"]) == {"protein"}


def test_keys_may_be_the_target_itself(pairs):
    table = links.from_tables(GENE_OF_CPG, source="meth", target="rna", sign=-1, weight=2)
    assert pairs(table) == [("cg1", "TP53"), ("cg2", "TP53"), ("cg3", "MYC")]
    assert (table["sign"] == -1).all()
    assert (table["weight"] == 2).all()


def test_a_feature_with_several_keys(pairs):
    in_rows = pd.Series(["A", "B"], index=["cg1", "cg1"])
    in_a_cell = pd.Series(["A;B"], index=["cg1"])
    for table in (
        links.from_tables(in_rows, source="meth", target="rna"),
        links.from_tables(in_a_cell, source="meth", target="rna", separator=";"),
    ):
        assert pairs(table) == [("cg1", "A"), ("cg1", "B")]


def test_refuses():
    with pytest.raises(ValueError, match=r"'meth' has 'TP53', 'MYC', 'protein' has 'X'"):
        links.from_tables(GENE_OF_CPG, pd.Series({"p": "X"}), **NAMES)
    with pytest.raises(
        TypeError, match="target_table must be a Series or a DataFrame, found dict"
    ):
        links.from_tables(GENE_OF_CPG, {"p53": "TP53"}, **NAMES)
    three = pd.DataFrame({"cpg": ["cg1"], "chrom": ["chr1"], "gene": ["TP53"]})
    with pytest.raises(ValueError, match=r"source_table has the columns .*'chrom'.*Choose two"):
        links.from_tables(three, **NAMES)
