"""Kept files: downloaded once, checked, and refused where they are not the expected ones."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pooch
import pytest

from modis import datasets
from modis.datasets._download import fetch

CONTENT = b"what is expected"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MODIS_DATA_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def served(monkeypatch):
    """Contents by address, which a test may change, and the addresses asked for."""
    contents, asked = {"https://x/a.rda": CONTENT}, []

    def download(self, url, output_file, pooch, check_only=False):
        asked.append(url)
        if url not in contents:
            raise OSError("connection refused")
        Path(output_file).write_bytes(contents[url])

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", download)
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)
    return contents, asked


def get(name="a.rda", url="https://x/a.rda"):
    return fetch(name, SHA256, url=url, folder="public", remedy="Do this.")


def test_downloads_once(served, cache):
    assert get() == get() == cache / "a.rda"
    assert (cache / "a.rda").read_bytes() == CONTENT
    assert served[1] == ["https://x/a.rda"]


def test_what_cannot_be_downloaded(served, cache):
    served[0]["https://x/a.rda"] = b"a login page"
    with pytest.raises(ValueError, match=r"^a\.rda: what was.*hash differs.*Do this\."):
        get()
    with pytest.raises(ConnectionError, match=r"^b\.rda could not.*connection refused.*Do this"):
        get("b.rda", "https://x/b.rda")
    assert list(cache.iterdir()) == []


def test_what_has_no_address_must_be_there(cache):
    with pytest.raises(FileNotFoundError, match=r"^pbmc_mosaic\.h5mu is not in .*Copy pbmc_mos"):
        datasets.pbmc_mosaic()
    (cache / "pbmc_mosaic.h5mu").write_bytes(b"cut off")
    with pytest.raises(ValueError, match=r"pbmc_mosaic\.h5mu is not the expected file"):
        datasets.pbmc_mosaic()
    assert (cache / "pbmc_mosaic.h5mu").read_bytes() == b"cut off"
