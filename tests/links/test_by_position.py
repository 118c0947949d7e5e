import sys

import anndata as ad
import pandas as pd
import pytest

from modis import links

from .._make import fingerprint, make_mudata

# two modalities share a name, which mudata points out
pytestmark = pytest.mark.filterwarnings("ignore:var_names are not unique:UserWarning")

PEAKS = ["chr1:7000-7999", "chr1-8500-8600", "chr1-12500-12600", "chr2-9000-9100", "chrX_1_2"]


@pytest.fixture
def with_peaks(mdata):
    modalities = {**mdata.mod, "atac": ad.AnnData(var=pd.DataFrame(index=PEAKS))}
    return make_mudata(modalities)


@pytest.mark.parametrize("strand", [["+", "-", None, "+"], [1, -1, None, 1]])
def test_body_and_promoter_by_strand(mdata, pairs, strand):
    mdata["rna"].var["strand"] = strand
    before = fingerprint(mdata)
    table = links.by_position(mdata, "meth", "rna", sign=-1)
    # 8,500 lies before TP53 (+), 13,500 before WRAP53 (-); MYC has no strand, so 13,500 is near
    first = [("cg1", "ENSG1"), ("cg2", "ENSG1")]
    assert pairs(table) == [*first, ("cg2", "ENSG2"), ("cg3", "ENSG2"), ("cg4", "ENSG3")]
    assert (table["sign"] == -1).all()
    assert fingerprint(mdata) == before


def test_windows(with_peaks, pairs):
    def linked(**window):
        return pairs(links.by_position(with_peaks, "atac", "rna", **window))

    assert linked() == [(PEAKS[1], "ENSG1"), (PEAKS[2], "ENSG2"), (PEAKS[3], "ENSG3")]
    behind = [(PEAKS[1], "ENSG2"), (PEAKS[2], "ENSG1"), (PEAKS[3], "ENSG3")]
    assert linked(upstream=0, downstream=1500) == behind
    # an interval does not hold its end: chr1:7000-7999 reaches to 7,998
    assert (PEAKS[0], "ENSG1") not in linked(upstream=2001)
    assert (PEAKS[0], "ENSG1") in linked(upstream=2002)


def test_coordinates_as_text_in_a_column(mdata, pairs):
    var = mdata["rna"].var
    text = ["chr1:10000-12000", "NA", "chr2:10000-12000", None]
    mdata["rna"].var = var.assign(interval=text).drop(columns=["chrom", "strand"])
    found = pairs(links.by_position(mdata, "meth", "rna", upstream=0))
    assert found == [("cg2", "ENSG1")]


def test_refuses(mdata, with_peaks):
    with pytest.raises(ValueError, match=r"No coordinates of 'protein'.*3 of 3.*'tp53'.*'chrom'"):
        links.by_position(mdata, "protein", "rna")
    with pytest.raises(ValueError, match="upstream must be 0 base pairs or more, found -1"):
        links.by_position(mdata, "meth", "rna", upstream=-1)
    with_peaks["rna"].var["chrom"] = ["1", "1", "2", "1"]
    with pytest.raises(ValueError, match=r"5 places on 'chr1', 'chr2'.*3 on '1', '2'"):
        links.by_position(with_peaks, "atac", "rna")


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("start", ["10k", 1, 2, 3], r"has '10k' instead of base pairs"),
        ("end", [1, 12_000, 12_000, 12_000], "end before they start: 'ENSG1'"),
        ("strand", ["plus", "+", "-", "-"], r"\['strand'\] has 'plus'; a strand is"),
    ],
)
def test_refuses_values(mdata, column, values, said):
    mdata["rna"].var[column] = values
    with pytest.raises(ValueError, match=said):
        links.by_position(mdata, "meth", "rna")


def test_says_what_to_install(mdata, monkeypatch):
    monkeypatch.setitem(sys.modules, "bioframe", None)
    with pytest.raises(ImportError, match=r'pip install "modis-omics\[genomics\]"'):
        links.by_position(mdata, "meth", "rna")
