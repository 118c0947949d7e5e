import pandas as pd
import pytest

from modis import links

from .._make import fingerprint

# two modalities share a name, which mudata points out
pytestmark = pytest.mark.filterwarnings("ignore:var_names are not unique:UserWarning")


def test_the_table(mdata):
    before = fingerprint(mdata)
    table = links.by_column(mdata, "protein", "rna", sign=-1)
    columns = ["source_modality", "source_feature", "target_modality", "target_feature"]
    expected = pd.DataFrame([["protein", "ENSG1", "rna", "ENSG1"]], columns=columns)
    expected = expected.assign(sign=-1)
    pd.testing.assert_frame_equal(table, expected, check_dtype=False)
    assert table["sign"].dtype.kind == "i"
    assert fingerprint(mdata) == before


def test_case_counts_unless_told(mdata, pairs):
    table = links.by_column(mdata, "protein", "rna", target_column="symbol")
    assert pairs(table) == [("MYC", "ENSG3")]
    table = links.by_column(mdata, "protein", "rna", None, "symbol", ignore_case=True)
    assert pairs(table) == [("tp53", "ENSG1"), ("MYC", "ENSG3")]
    mdata["rna"].var_names = ["TP53", "x", "y", "z"]
    assert pairs(links.by_column(mdata, "protein", "rna", ignore_case=True)) == [("tp53", "TP53")]


def test_cells_of_several_keys(mdata, pairs):
    table = links.by_column(mdata, "meth", "rna", "gene", "symbol", separator=";")
    assert pairs(table) == [("cg1", "ENSG1"), ("cg1", "ENSG2"), ("cg2", "ENSG1")]
    mdata["meth"].var["gene"] = mdata["meth"].var["gene"].astype("category")
    table = links.by_column(mdata, "meth", "rna", "gene", "symbol")
    assert pairs(table) == [("cg2", "ENSG1")]
    # numbers and text are the same key
    table = links.by_column(mdata, "meth", "rna", "entrez", "entrez")
    assert pairs(table) == [("cg1", "ENSG1"), ("cg2", "ENSG1"), ("cg5", "ENSG3")]


def test_a_pair_that_shares_two_keys_is_linked_once(mdata, pairs):
    mdata["rna"].var["symbol"] = ["A;B", "C", "C", "C"]
    mdata["meth"].var["gene"] = ["A;B", "D", "D", "D", "D"]
    table = links.by_column(mdata, "meth", "rna", "gene", "symbol", separator=";")
    assert pairs(table) == [("cg1", "ENSG1")]


def test_refuses(mdata):
    with pytest.raises(ValueError, match=r"'meth' has 'cg1'.*'rna' has 'ENSG1'.*gene symbols"):
        links.by_column(mdata, "meth", "rna")
    with pytest.raises(KeyError, match=r"no modality 'atac'.*'rna', 'meth', 'protein'"):
        links.by_column(mdata, "rna", "atac")
    with pytest.raises(KeyError, match=r"mdata\['meth'\].var has no column 'symbol'.*'gene'"):
        links.by_column(mdata, "meth", "rna", "symbol", "symbol")
    with pytest.raises(ValueError, match="found 'rna' on both sides"):
        links.by_column(mdata, "rna", "rna")
    with pytest.raises(TypeError, match="a MuData, found AnnData"):
        links.by_column(mdata["rna"], "rna", "meth")


@pytest.mark.parametrize("sign", [0, -0.5, "+"])
def test_refuses_other_signs(mdata, sign):
    with pytest.raises(ValueError, match="sign must be 1 or -1"):
        links.by_column(mdata, "protein", "rna", sign=sign)
