"""Tables as cBioPortal, Xena, MaxQuant, DIA-NN and spreadsheets write them."""

import warnings

import numpy as np
import pandas as pd
import pytest

from modis import datasets

SAMPLES = ["TCGA-A1-A0SB-01", "TCGA-A1-A0SD-01", "TCGA-A2-A04P-01"]
VALUES = np.arange(1.0, 13).reshape(4, 3)
GENES = ["TP53", "MYC", "EGFR", "BRCA1"]
CLINICAL = (
    "#Patient Identifier\tSample Identifier\tSubtype\n#Identifier of patients\tof samples\tPAM50\n"
    "#STRING\tSTRING\tSTRING\n#1\t1\t1\nPATIENT_ID\tSAMPLE_ID\tSUBTYPE\n"
    + "".join(f"{s[:12]}\t{s}\t{c}\n" for s, c in zip(SAMPLES, "aab", strict=True))
)


def genes_in_rows(columns=SAMPLES, **annotation):
    table = pd.DataFrame(VALUES, pd.Index(GENES, name="gene"), columns)
    for name, values in reversed(annotation.items()):
        table.insert(0, name.replace("_x_", " "), values)
    return table


@pytest.fixture
def read(tmp_path):
    """The modality, read with the labels' table, and what was said."""

    def read(table, labels=None, ending="txt", key="SUBTYPE", **options):
        if not isinstance(table, str):
            table = table.to_csv(sep="\t")
        if labels is None:
            labels = CLINICAL
        elif not isinstance(labels, str):
            labels = "sample,label\n" + "".join(f"{name},a\n" for name in labels)
            key = "label"
        path, clinical = tmp_path / f"rna.{ending}", tmp_path / "clinical.txt"
        path.write_text(table, encoding="utf-8")
        clinical.write_text(labels, encoding="utf-8")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            mdata = datasets.read_tables(path, labels=clinical, labels_key=key, **options)
        assert {(w.category, w.filename) for w in caught} <= {(UserWarning, __file__)}
        return mdata, " | ".join(str(warning.message) for warning in caught)

    return read


def test_cbioportal(read):
    table = genes_in_rows(Entrez_Gene_Id=[7157, 4609, 1956, 672]).rename_axis("Hugo_Symbol")
    mdata, said = read(table)
    np.testing.assert_array_equal(mdata["rna"].X, VALUES.T)
    assert mdata["rna"].obs_names.tolist() == mdata.obs_names.tolist() == SAMPLES
    assert mdata["rna"].var_names.tolist() == GENES
    assert mdata.obs["SUBTYPE"].tolist() == ["a", "a", "b"]
    assert mdata.obs["PATIENT_ID"].tolist() == [name[:12] for name in SAMPLES]
    assert "left out: 'Entrez_Gene_Id'" in said
    assert "named by the column 'SAMPLE_ID', which fits the tables better" in said
    # genes without a symbol are called by their other identifier
    unnamed = table.set_axis(["TP53", "", "EGFR", ""])
    assert read(unnamed)[0]["rna"].var_names.tolist() == ["TP53", "4609", "EGFR", "672"]
    # rows that R or pandas numbered
    for first in (0, 1):
        numbered = table.reset_index().set_axis(range(first, first + 4))
        mdata, said = read(numbered)
        assert mdata["rna"].var_names.tolist() == GENES
        assert "left out: 'Hugo_Symbol', 'Entrez_Gene_Id'" in said
    # tables of patients
    mdata, said = read(table.rename(columns={name: name[:12] for name in SAMPLES}))
    assert mdata.obs_names.tolist() == [name[:12] for name in SAMPLES]
    assert "SAMPLE_ID" in mdata.obs
    assert "better" not in said


def test_samples_in_rows_with_other_identifiers(read):
    table = pd.DataFrame(VALUES.T, columns=GENES)
    table.insert(0, "PATIENT_ID", [1, 2, 3])
    table.insert(1, "SAMPLE_ID", SAMPLES)
    mdata, said = read(table)
    np.testing.assert_array_equal(mdata["rna"].X, VALUES.T)
    assert mdata["rna"].obs_names.tolist() == SAMPLES
    assert "left out: " in said
    assert "'PATIENT_ID'" in said


@pytest.mark.parametrize(
    "annotation",
    [
        {"Start": [1, 2, 3, 4], "End": [5, 6, 7, 8], "Chr": [1, 2, 3, 4]},
        {"Locus_x_ID": [11, 12, 13, 14], "Cytoband": ["1p", "2q", "3p", "4q"]},
        {"Description": list("abcd"), "gene_length": [1, 2, 3, 4], "Strand": list("++--")},
    ],
)
def test_known_annotation_is_left_out(read, annotation):
    mdata, said = read(genes_in_rows(**annotation))
    np.testing.assert_array_equal(mdata["rna"].X, VALUES.T)
    assert f"'rna': {len(annotation)} rows or columns that describe" in said


@pytest.mark.parametrize("values", [[0.1, 0.2, 0.3, 0.4], list("abcd")])
def test_doubtful_columns_are_refused(read, values):
    with pytest.raises(ValueError, match=r"'rna': .*1 columns .* neither samples .*'GC content'"):
        read(genes_in_rows(GC_x_content=values))


def test_samples_without_a_label_are_no_annotation(read):
    mdata, said = read(genes_in_rows([*SAMPLES[:2], "TCGA-ZZ-0001-01"]))
    assert mdata["rna"].obs_names.tolist() == [*SAMPLES[:2], "TCGA-ZZ-0001-01"]
    assert mdata.obs["SUBTYPE"].isna().tolist() == [False, False, True]
    assert "1 of 3 samples have no row" in said
    # a sample that is called like an annotation, if the table of labels knows it
    mdata, said = read(genes_in_rows(["s1", "start", "s3"]), ["s1", "start"])
    assert mdata["rna"].obs_names.tolist() == ["s1", "start", "s3"]


def test_classes_are_no_feature(read):
    table = pd.DataFrame(VALUES.T, SAMPLES, GENES).assign(SUBTYPE=[0, 0, 1])
    mdata, said = read(table)
    assert mdata["rna"].var_names.tolist() == GENES
    assert "left out: 'SUBTYPE'" in said


def test_xena(read):
    mdata, said = read(genes_in_rows().rename_axis("sample"), ending="tsv")
    np.testing.assert_array_equal(mdata["rna"].X, VALUES.T)
    rows = [f"{name}\tx\t{name[:12]}\n" for name in SAMPLES]
    phenotype = "sampleID\tSUBTYPE\t_PATIENT\n" + "".join(rows)
    mdata, said = read(genes_in_rows().rename_axis("Ensembl_ID"), phenotype)
    assert mdata.obs_names.tolist() == SAMPLES
    assert said == ""


def test_maxquant(read):
    groups = ["P04637;Q1MSW8", "P01106", "P00533;E9PFD7;E7BSV0", "CON__P38398"]
    table = pd.DataFrame({"Protein IDs": groups, "Majority protein IDs": groups})
    table["Fasta headers"] = [">sp|P04637;>tr|Q1MSW8 " + "x" * 5000, "b", "c;d", "e"]
    table["Peptides"] = [3, 2, 7, 1]
    for name in ("LFQ intensity", "Intensity", "Peptides"):
        table[name + " "] = 1
        for column, values in zip(("wt_1", "wt_2", "ko_1"), VALUES.T, strict=True):
            table[f"{name} {column}"] = values if name == "LFQ intensity" else 1e7
    table = table.drop(columns=["LFQ intensity ", "Peptides ", "Intensity "])
    table["Reverse"] = ""
    table["Potential contaminant"] = ["", "", "", "+"]
    table["id"] = range(4)
    text = table.to_csv(sep="\t", index=False)
    mdata, said = read(text, ["wt_1", "wt_2", "ko_1"])
    np.testing.assert_array_equal(mdata["rna"].X, VALUES[:3].T)
    assert mdata["rna"].var_names.tolist() == groups[:3]
    assert "'1 proteins marked +', 'Majority protein IDs', 'Fasta headers'" in said
    text = table.drop(columns=table.filter(like="LFQ")).to_csv(sep="\t", index=False)
    assert set(read(text, ["wt_1", "ko_1"])[0]["rna"].X.ravel()) == {1e7}


@pytest.mark.parametrize("labelled", ["wt_1 wt_2 ko.1", "wt_1.raw wt_2.raw ko.1.raw"])
@pytest.mark.parametrize("folder", ["D:\\data\\run 7\\", "/data/me/", ""])
def test_diann(read, labelled, folder):
    columns = [f"{folder}{n}.raw" for n in ("wt_1", "wt_2", "ko.1")]
    table = pd.DataFrame(VALUES.copy(), columns=columns)
    for name in ("First.Protein.Description", "Genes", "Protein.Names", "Protein.Ids"):
        table.insert(0, name, ["a;b", "c", "d;e;f", None])
    table.index = pd.Index(["P04637;Q1MSW8", "P01106", "P00533", "P38398"], name="Protein.Group")
    table.iloc[0, -1] = np.nan
    names = labelled.split()
    if folder and ".raw" in labelled:
        names = [f"{folder}{name}" for name in names]
    mdata, said = read(table, names, ending="tsv")
    assert mdata["rna"].obs_names.tolist() == names
    assert mdata["rna"].var_names[0] == "P04637;Q1MSW8"
    np.testing.assert_array_equal(np.nan_to_num(mdata["rna"].X.T), [[1, 2, 0], *VALUES[1:]])
    assert "4 rows or columns that describe" in said


def test_numbered_samples_and_features(read):
    values = np.arange(60.0).reshape(20, 3)
    turned = pd.DataFrame(values, range(1, 21), [1, 2, 3])
    labels = "sample,label\n" + "".join(f"{k},a\n" for k in (1, 2, 3, 4))
    with pytest.raises(ValueError, match=r"4 of 20 rows and 3 of 3 columns. Set transpose=True"):
        read(turned, labels, key="label")
    mdata, _ = read(turned, labels, key="label", transpose={"rna": True})
    np.testing.assert_array_equal(mdata["rna"].X, values.T)
    # one feature that happens to be called as a sample is decides nothing
    many = pd.DataFrame(np.ones((12, 2)), range(1, 13), ["2", "b"])
    assert read(many, map(str, range(1, 13)))[0]["rna"].shape == (12, 2)


def test_known_features_decide_without_labels(tmp_path):
    table = genes_in_rows(["new 1", "new 2", "new 3"], Entrez_Gene_Id=[7157, 4609, 1956, 672])
    table.to_csv(tmp_path / "rna.csv")
    table.to_csv(tmp_path / "unused.csv")
    for turned in (table, table.drop(columns="Entrez_Gene_Id").T):
        turned.to_csv(tmp_path / "rna.csv")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Modality 'rna': 1 rows or columns")
            mdata = datasets.read_tables(tmp_path, features={"rna": GENES, "protein": ["p53"]})
        assert list(mdata.mod) == ["rna"]
        np.testing.assert_array_equal(mdata["rna"].X, VALUES.T)
        assert mdata["rna"].obs_names.tolist() == ["new 1", "new 2", "new 3"]
    with pytest.raises(ValueError, match=r"no name with the model.*'TP53'.*such as 'p53'"):
        datasets.read_tables(tmp_path / "rna.csv", features={"rna": ["p53"]})
    with pytest.raises(FileNotFoundError, match=r"no table of the modalities \['protein'\]"):
        datasets.read_tables(tmp_path, features={"protein": ["p53"]})
    table.drop(columns="Entrez_Gene_Id").to_csv(tmp_path / "unused.csv")
    mdata = datasets.read_tables(tmp_path / "unused.csv", transpose=True)
    assert mdata["unused"].shape == (3, 4)
