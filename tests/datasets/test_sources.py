import hashlib
from pathlib import Path
from unittest.mock import Mock

import pandas as pd
import pytest
import requests

from modis import datasets
from modis.datasets._sources import fetch_sources

NAME = "quickstart_pbmc_mosaic.h5mu"


@pytest.fixture
def cache(served, shared_data, tmp_path):
    served[0][NAME] = (shared_data / "raw" / "pbmc_mosaic" / NAME).read_bytes()
    folder = tmp_path / "cache"
    folder.mkdir()
    return folder


def test_downloads_once_from_the_commit(served, cache):
    assert fetch_sources("pbmc_mosaic") == fetch_sources("pbmc_mosaic") == {NAME: cache / NAME}
    assert (cache / NAME).read_bytes() == served[0][NAME]
    commit = "5f0f57973bd6bea6f9ed034fffb4d9b3aa703777"
    address = f"https://github.com/labomics/midas/raw/{commit}/src/scmidas/data/{NAME}"
    assert served[1] == [address]
    # a changed file is fetched again
    (cache / NAME).write_bytes(b"changed")
    fetch_sources("pbmc_mosaic")
    assert (cache / NAME).read_bytes() == served[0][NAME]


def test_what_cannot_be_downloaded(served, cache):
    # one byte less
    served[0][NAME] = served[0][NAME][:-1]
    with pytest.raises(
        ValueError, match=rf"^{NAME}: what was.*midas.*hash differs\)\. So\.$"
    ) as said:
        fetch_sources("pbmc_mosaic", "So.")
    assert "\n" not in str(said.value)
    assert list(cache.iterdir()) == []
    pattern = r"^ACC\.rnaseq\.rda is missing in .* and could.*refused\)\. Check.*So\.$"
    with pytest.raises(ConnectionError, match=pattern) as said:
        fetch_sources("tcga_rare", "So.")
    assert "\n" not in str(said.value)
    # a copy that was changed, and no network
    served[0].clear()
    (cache / NAME).write_bytes(b"changed")
    with pytest.raises(ConnectionError, match=f"^{NAME} is damaged in .*cache"):
        fetch_sources("pbmc_mosaic")


def test_a_file_that_is_gone_and_no_network(tmp_path, monkeypatch):
    answer = requests.Response()
    answer.status_code, answer.url = 404, "https://github.com/..."
    monkeypatch.setattr(requests, "get", get := Mock(return_value=answer))
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)
    monkeypatch.setenv("MODIS_DATA_DIR", str(tmp_path))
    with pytest.raises(ConnectionError, match=r"could not be downloaded \(404 Client Error"):
        datasets.pbmc_mosaic()
    get.side_effect = requests.ConnectionError("HTTPSConnectionPool(host='github.com', port=443)")
    with pytest.raises(ConnectionError, match=r"downloaded \(no connection\)\. Check"):
        datasets.tcga_rare()


def test_sources_are_those_that_are_named(shared_data):
    """The copies at hand are the files in the list."""
    kept = {path.name: path for path in (shared_data / "raw").rglob("*.*")}
    table = pd.read_csv(Path(datasets.__file__).parent / "sources.csv")
    table = table[table["dataset"].isin(["pbmc_mosaic", "tcga_rare"])]
    names = table["path"].str.rpartition("/")[2]
    assert set(names) == set(kept)
    for name, sha256 in zip(names, table["sha256"], strict=True):
        assert hashlib.sha256(kept[name].read_bytes()).hexdigest() == sha256
