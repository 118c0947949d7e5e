import gzip
import re
import warnings

import numpy as np
import pandas as pd
import pytest

from modis import datasets

LABELS = "sample,label,age,smoker,site\ns1,ill,61,True,\ns2,normal,52,False,X\ns3,ill,47,True,Y\n"
RNA = "sample,TP53,MYC\ns1,1.5,2\ns2,0.5,1\ns3,3,4\n"


@pytest.fixture
def folder(tmp_path):
    def make(**files):
        (tmp_path / "labels.csv").write_text(LABELS)
        (tmp_path / "rna.csv").write_text(RNA)
        for name, text in files.items():
            (tmp_path / name.replace("__", ".")).write_text(text)
        return tmp_path

    return make


@pytest.fixture
def read_and_listen():
    """The MuData, and what the user was told."""

    def read(*arguments, **options):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            mdata = datasets.read_tables(*arguments, **options)
        assert all(w.filename == __file__ for w in caught if w.category is UserWarning)
        return mdata, [str(w.message) for w in caught if w.category is UserWarning]

    return read


def test_mosaic_folder(folder, write_and_read):
    path = folder(protein__tsv="\tp53\tEGFR\ns3\t0.1\t0.2\ns1\t0.3\t0.4\n", notes__md="ignored")
    mdata = datasets.read_tables(path)
    assert list(mdata.mod) == ["protein", "rna"]
    assert list(mdata.obs_names) == ["s1", "s2", "s3"]
    assert list(mdata["protein"].obs_names) == ["s1", "s3"]
    np.testing.assert_allclose(mdata["protein"].X, [[0.3, 0.4], [0.1, 0.2]])
    assert mdata["rna"].X.dtype == np.float32
    assert mdata["rna"].var_names.tolist() == ["TP53", "MYC"]
    assert mdata.obs["label"].tolist() == ["ill", "normal", "ill"]
    assert mdata["protein"].obs["label"].tolist() == ["ill", "ill"]
    assert mdata["protein"].obs["age"].tolist() == [61, 47]
    assert mdata.obs["site"].isna().tolist() == [True, False, False]
    again = write_and_read(mdata)
    how = {"check_categorical": False, "check_index_type": False}
    pd.testing.assert_frame_equal(again.obs, mdata.obs, **how)
    for name in mdata.mod:
        pd.testing.assert_frame_equal(again[name].obs, mdata[name].obs, **how)


@pytest.mark.parametrize(
    ("turned", "sep", "ending"),
    [(False, ",", ".csv"), (True, "\t", ".tsv.gz"), (True, ";", ".txt"), (False, "\t", ".txt.gz")],
)
def test_formats_agree_with_pandas(tmp_path, turned, sep, ending):
    # Names that pandas would take for numbers or for missing values.
    index = ["001", "002", "3", "4.0", "1e3", "NA", "None", "True", "x y", "é"]
    values = np.random.default_rng(0).normal(size=(10, 7))
    table = pd.DataFrame(values, index=index, columns=list("abcdefg"))
    (table.T if turned else table).to_csv(tmp_path / f"rna{ending}", sep=sep)
    pd.DataFrame({"label": ["a", "b"] * 5}, index).to_csv(tmp_path / "labels.tsv", sep="\t")
    mdata = datasets.read_tables(tmp_path)
    np.testing.assert_allclose(mdata["rna"].X, values, rtol=1e-6)
    assert mdata["rna"].obs_names.tolist() == index
    assert mdata["rna"].var_names.tolist() == list("abcdefg")
    explicit = datasets.read_tables(tmp_path, transpose=turned)
    np.testing.assert_array_equal(explicit["rna"].X, mdata["rna"].X)


@pytest.mark.parametrize(
    ("content", "values"),
    [
        # as R writes it: without a name for the first column
        (b'"TP53","MYC"\n"s1",1,0\n"s2",3,0\n', [1, 3]),
        # as spreadsheets do
        ("\ufeffsample;TP53;MYC\r\ns1;1;0\r\ns2;2;0\r\n\r\n".encode(), [1, 2]),
        (b"sample, TP53 ,MYC\n s1 , 1 ,0\ns2,2,0\n", [1, 2]),
        # more digits than an integer of 64 bits holds
        (b"sample,TP53,MYC\ns1,100000000000000000000,0\ns2,0.5,0\n", [1e20, 0.5]),
        (b"sample,TP53,MYC\ns1,True,0\ns2,False,0\n", [1, 0]),
    ],
)
def test_how_other_programs_write(folder, content, values):
    path = folder()
    (path / "rna.csv").write_bytes(content)
    adata = datasets.read_tables(path)["rna"]
    np.testing.assert_allclose(adata.X, [[value, 0] for value in values])
    assert adata.obs_names.tolist() == ["s1", "s2"]
    assert adata.var_names.tolist() == ["TP53", "MYC"]


def test_table_of_labels_of_another_name(folder, tmp_path):
    path = folder()
    (path / "labels.csv").rename(path / "Metadata.csv")
    mdata = datasets.read_tables(path, labels_key="age")
    assert mdata.obs["age"].tolist() == ["61", "52", "47"]
    assert "label" in mdata.obs
    (path / "other").mkdir()
    (path / "Metadata.csv").rename(path / "other" / "clinical.csv")
    assert list(datasets.read_tables(path, labels=path / "other" / "clinical.csv").mod) == ["rna"]


def test_missing_values_stay_and_are_counted(folder, read_and_listen):
    path = folder()
    assert read_and_listen(path, transpose=False)[1] == []
    folder(rna__csv="sample,TP53,MYC,ALK\ns1,,2,1\ns2,NA,1,2\ns3,3,nan,3\n")
    mdata, said = read_and_listen(path)
    assert len(said) == 1
    assert re.search(r"'rna': 3 values.*2 features.*'TP53', 'MYC'", said[0])
    assert np.isnan(mdata["rna"].X).sum() == 3


def test_samples_without_a_label_stay(folder, write_and_read, read_and_listen):
    mdata, said = read_and_listen(folder(rna__csv="sample,TP53\ns9,9\ns1,1\ns2,2\n"))
    assert len(said) == 1
    assert re.search(r"'rna': 1 of 3 samples have no row.*'s9'", said[0])
    assert list(mdata.obs_names) == ["s1", "s2", "s9"]
    assert mdata.obs["label"].isna().tolist() == [False, False, True]
    assert mdata["rna"].X.ravel().tolist() == [1, 2, 9]
    again = write_and_read(mdata)
    assert again.obs["smoker"].isna().tolist() == [False, False, True]
    assert again.obs["age"].tolist()[:2] == [61, 52]


BAD_FILES = {
    "nothing in it": ("", "rna.csv has no rows"),
    "header only": ("sample,TP53\n", "no rows below a header"),
    "no features": ("sample\ns1\ns2\n", "one column only"),
    "one word": (
        "sample,TP53,MYC\ns1,1,2\ns2,3,<0.1\n",
        "column 'MYC' is not numeric: it holds '<0.1' in row 's2'",
    ),
    "samples twice": ("sample,TP53\ns1,1\ns2,2\ns1,3\n", "1 sample names .*'s1'"),
    "features twice": ("sample,TP53,MYC,TP53\ns1,1,2,3\n", "1 feature names .*'TP53'"),
    "features twice, turned": ("gene,s1,s2\nA,1,2\nA,3,4\n", "1 feature names .*'A'"),
    "samples twice, turned": ("gene,s1,s1\nA,1,2\nB,3,4\n", "1 sample names .*'s1'"),
    "nothing shared": (
        "sample,TP53\nS-1,1\nS-2,2\n",
        "shares no sample.*rows are called.*'S-1', 'S-2'.*columns.*'TP53'.*'s1', 's2', 's3'",
    ),
    "short row": ("sample,TP53,MYC\ns1,1,2\ns2,3\n", "row 's2' has 2 fields.*header asks for 3"),
    "long row": ("sample,TP53,MYC\ns1,1,2\ns2,3,4,5\n", "row 's2' has 4 fields"),
}


@pytest.mark.parametrize(("text", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_table(folder, text, message):
    with pytest.raises(ValueError, match=f"^Modality 'rna': .*{message}"):
        datasets.read_tables(folder(rna__csv=text))


BAD_LABELS = {
    "samples twice": ("sample,label\ns1,a\ns1,b\n", "^Table of labels: .*1 sample names .*'s1'"),
    "columns twice": ("sample,label,label\ns1,a,b\n", "1 column names .*'label'"),
    "slash": ("sample,label,age/sex\ns1,a,f\n", "'age/sex' has a '/'"),
}


@pytest.mark.parametrize(("text", "message"), BAD_LABELS.values(), ids=BAD_LABELS)
def test_bad_table_of_labels(folder, text, message):
    with pytest.raises(ValueError, match=message):
        datasets.read_tables(folder(labels__csv=text))


def test_labels_key_must_exist(folder):
    with pytest.raises(KeyError, match=r"no column 'disease' but .*'label', 'age'"):
        datasets.read_tables(folder(), labels_key="disease")


ZIPPED = gzip.compress(RNA.encode() * 50)
DAMAGED = {
    "cut": ("rna.csv.gz", ZIPPED[:-20]),
    "flipped": ("rna.csv.gz", ZIPPED[:-6] + b"\0" + ZIPPED[-5:]),
    "broken stream": ("rna.csv.gz", ZIPPED[:12] + b"\xff\xff" + ZIPPED[14:]),
    "not gzip": ("rna.csv.gz", RNA.encode()),
    "binary": ("rna.csv", b"PK\x03\x04\xff\xfe\x00\x80" * 50),
}


@pytest.mark.parametrize(("file", "content"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_file(folder, file, content):
    path = folder()
    (path / "rna.csv").rename(path / file)
    (path / file).write_bytes(content)
    with pytest.raises(ValueError, match=r"'rna': .*cannot be read as text in UTF-8"):
        datasets.read_tables(path)


def test_missing_files(folder, tmp_path):
    path = folder()
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        datasets.read_tables(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"'atac': there is no file .*atac\.csv"):
        datasets.read_tables({"atac": path / "atac.csv"}, labels=path / "labels.csv")
    with pytest.raises(FileNotFoundError, match=r"Table of labels: there is no file .*x\.csv"):
        datasets.read_tables(path, labels=path / "x.csv")
    (path / "rna.csv").unlink()
    for source in (path, {}):
        with pytest.raises(FileNotFoundError, match="no table"):
            datasets.read_tables(source, labels=path / "labels.csv")
    (path / "labels.csv").rename(path / "rna.csv")
    for source in (path, {"rna": path / "rna.csv"}):
        with pytest.raises(FileNotFoundError, match="no table of labels"):
            datasets.read_tables(source)


def test_a_modality_or_a_table_of_labels_is_one_file(folder):
    path = folder(metadata__tsv=LABELS.replace(",", "\t"))
    with pytest.raises(ValueError, match=r"two files for labels: labels\.csv and metadata\.tsv"):
        datasets.read_tables(path)
    (path / "metadata.tsv").rename(path / "rna.tsv")
    with pytest.raises(ValueError, match=r"two files for rna: rna\.csv and rna\.tsv"):
        datasets.read_tables(path)


def test_bad_arguments(folder):
    path = folder()
    with pytest.raises(ValueError, match="shares no sample.*change transpose"):
        datasets.read_tables(path, transpose=True)
    with pytest.raises(ValueError, match="transpose must be"):
        datasets.read_tables(path, transpose="yes")
    with pytest.raises(ValueError, match="'r/na' has a '/'"):
        datasets.read_tables({"r/na": path / "rna.csv"}, labels=path / "labels.csv")


def test_dependencies_do_not_warn(folder):
    path = folder()
    wide = pd.DataFrame({f"column {k}": [k, None] for k in range(150)}, ["s1", "s2"])
    wide.assign(label="a").to_csv(path / "labels.csv", index_label="sample")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mdata = datasets.read_tables(path)
    assert mdata["rna"].obs.shape[1] == 151
    # of the sample without a label
    assert [warning.category for warning in caught] == [UserWarning]


SEPARATORS = {
    "; in names": ("tsv", "sample\tP1;P2;P3\tP4;P5\ns1\t1\t2\ns2\t3\t4\n", ["P1;P2;P3", "P4;P5"]),
    "names with ; and ,": ("csv", 'sample,"1,3;2",a;b\ns1,1,2\ns2,3,4\n', ["1,3;2", "a;b"]),
    "a spreadsheet": ("csv", "sample;a,b;c\ns1;1;2\ns2;3;4\n", ["a,b", "c"]),
    "another ending": ("csv", "sample\ta,b\tc;d\ns1\t1\t2\ns2\t3\t4\n", ["a,b", "c;d"]),
    "separators at the ends": ("csv", "sample,a,b,\ns1,1,2,\ns2,3,4,\n", ["a", "b"]),
    "separators at ends of rows": ("tsv", "sample\ta\tb\ns1\t1\t2\t\ns2\t3\t4\t\n", ["a", "b"]),
    "comments": ("txt", "# by me, on\n#\n\nsample\ta;b\tc\ns1\t1\t2\ns2\t3\t4\n", ["a;b", "c"]),
    "a header like a comment": (
        "txt",
        "# of biom\n#OTU ID\ts1\ts2\na;b\t1\t3\nc\t2\t4\n",
        ["a;b", "c"],
    ),
}


@pytest.mark.parametrize(("ending", "text", "features"), SEPARATORS.values(), ids=SEPARATORS)
def test_the_separator_parts_all_lines_alike(folder, ending, text, features):
    path = folder()
    (path / "rna.csv").unlink()
    (path / f"rna.{ending}").write_text(text)
    adata = datasets.read_tables(path)["rna"]
    assert adata.var_names.tolist() == features
    np.testing.assert_array_equal(adata.X, [[1, 2], [3, 4]])
    assert adata.obs_names.tolist() == ["s1", "s2"]


def test_a_separator_by_file(folder):
    path = folder(rna__csv=RNA.replace(",", "|"), protein__csv="sample;P1\ns1;1\n")
    # said of all omics tables, it does not hold for the table of labels
    mdata = datasets.read_tables({"a b": path / "rna.csv"}, labels=path / "labels.csv", sep="|")
    assert mdata["a b"].shape == (3, 2)
    (path / "labels.csv").write_text(LABELS.replace(",", "!"))
    mdata = datasets.read_tables(path, sep={"rna": "|", "labels": "!"})
    assert list(mdata.mod) == ["protein", "rna"]
    with pytest.raises(
        KeyError, match=r"sep names the tables \['rnaseq'\]; there are \['protein'"
    ):
        datasets.read_tables(path, sep={"rnaseq": "|"})


def test_messages_are_short(folder):
    long = "sp|" + ";".join(f"P{k:05}" for k in range(900))
    for table in (f"sample,{long}\ns1,x\n", f"sample,a\n{long},1\n", f"sample,a\ns1,{long}\n"):
        with pytest.raises(ValueError, match=r"sp\|P00000;P0.*\.\.\.'") as caught:
            datasets.read_tables(folder(rna__csv=table))
        assert len(str(caught.value)) < 600


def test_words_in_the_column_of_classes_stay(folder):
    text = "sample,label,age,site\ns1,None,NA,NA\ns2,n/a,52,a\ns3,,47,b\n"
    mdata = datasets.read_tables(folder(labels__csv=text))
    assert mdata.obs["label"].tolist()[:2] == ["None", "n/a"]
    assert mdata.obs["label"].isna().tolist() == [False, False, True]
    assert mdata.obs["age"].isna().tolist() == [True, False, False]
