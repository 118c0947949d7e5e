"""Files of R that hold what those of the data sets do not, which are read in other tests."""

import lzma

import numpy as np
import pytest

from modis.datasets._rda import read_rda


def integer(*values):
    return np.array(values, ">i4").tobytes()


def text(value):
    content = (value or "").encode()
    return integer(9, -1 if value is None else len(content)) + content


def saved(item):
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
