"""Files of R, as the library rdata reads them."""

import lzma

import numpy as np
import pandas as pd
import pytest
import rdata

from modis.datasets._rda import read_rda

FILES = ["UVM.RPPA", "CHOL.CNV"]


@pytest.mark.parametrize("name", FILES)
def test_data_frames(name, shared_data):
    path = shared_data / "raw" / "tcga_rare" / f"{name}.rda"
    (ours,), (theirs,) = read_rda(path).values(), rdata.read_rda(path).values()
    assert list(ours.columns) == list(theirs.columns)
    for column in ours:
        if ours[column].dtype == "category":
            assert list(ours[column]) == list(theirs[column])
        else:
            np.testing.assert_array_equal(ours[column], theirs[column].astype(float))


def test_vectors_matrices_and_names_of_rows(shared_data):
    folder = shared_data / "intersim_reference"
    for name in ("mean.M", "cov.expr", "protein.gene.map.for.DEP", "CpG.gene.map.for.DEG"):
        ours, theirs = (read(folder / f"{name}.rda")[name] for read in (read_rda, rdata.read_rda))
        if isinstance(ours, pd.DataFrame):
            assert ours.astype(str).to_dict() == theirs.astype(str).to_dict()
        else:
            np.testing.assert_array_equal(ours, theirs)
        if isinstance(ours, pd.Series):
            assert list(ours.index) == list(theirs.coords["dim_0"].values)


def integer(*values: int) -> bytes:
    return np.array(values, ">i4").tobytes()


def text(value: str | None) -> bytes:
    content = (value or "").encode()
    return integer(9, -1 if value is None else len(content)) + content


def saved(item: bytes) -> bytes:
    """A file of version 3 with one object, called x."""
    head = b"RDX3\nX\n" + integer(3, 0, 0, 5) + b"UTF-8"
    return head + integer(0x402, 1) + text("x") + item + integer(254)


def test_missing_texts_and_letters(tmp_path):
    path = tmp_path / "x.rda"
    path.write_bytes(lzma.compress(saved(integer(16, 3) + text("é") + text(None) + text(""))))
    assert read_rda(path)["x"].tolist() == ["é", None, ""]


@pytest.mark.parametrize("content", [b"", b"<html>", saved(integer(25)), saved(integer(16, 9))])
def test_damaged_files(content, tmp_path):
    path = tmp_path / "x.rda"
    path.write_bytes(content)
    with pytest.raises(Exception, match="not an .rda|unknown kind|requires a buffer"):
        read_rda(path)
