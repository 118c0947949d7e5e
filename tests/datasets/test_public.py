"""Public cohorts: kept files, downloads from an address (here: a folder behind a local server)."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading

import pytest

from modis import datasets
from modis.datasets import _public

NAMES = _public.__all__


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments) -> None:
        self.server.asked.append(self.path)


@pytest.fixture
def served(tmp_path):
    folder = tmp_path / "served" / "data"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def server(served, tmp_path, monkeypatch):
    """Serve the folder `served` at the address that MODIS_DATA_URL names."""
    handler = functools.partial(_Quiet, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        running.asked = []
        threading.Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setenv("MODIS_DATA_URL", f"http://127.0.0.1:{running.server_port}/data")
        monkeypatch.setenv("MODIS_DATA_DIR", str(tmp_path / "cache"))
        monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)
        yield running
        running.shutdown()


@pytest.mark.parametrize("name", NAMES)
def test_reads_a_kept_file(name, shared_data, monkeypatch):
    monkeypatch.setenv("MODIS_DATA_DIR", str(shared_data))
    monkeypatch.delenv("MODIS_DATA_URL", raising=False)
    mdata = getattr(datasets, name)()
    assert mdata.n_mod >= 2
    assert "label" in mdata.obs
    # a second call gives an object of its own
    mdata.obs["label"] = "changed"
    assert not (getattr(datasets, name)().obs["label"] == "changed").any()


def test_downloads_once(served, server, shared_data, tmp_path):
    shutil.copyfile(shared_data / "bmmc_multiome.h5mu", served / "bmmc_multiome.h5mu")
    assert datasets.bmmc_multiome().n_obs == 500
    assert datasets.bmmc_multiome().n_obs == 500
    assert server.asked == ["/data/bmmc_multiome.h5mu"]
    assert (tmp_path / "cache" / "bmmc_multiome.h5mu").is_file()


def test_a_damaged_download_is_refused(served, server, tmp_path):
    (served / "brca_tcga.h5mu").write_bytes(b"not what it should be")
    with pytest.raises(ValueError, match=r"brca_tcga\.h5mu.*hash differs.*MODIS_DATA_URL"):
        datasets.brca_tcga()
    assert not list((tmp_path / "cache").rglob("*.h5mu"))


def test_what_the_address_lacks(server):
    with pytest.raises(ConnectionError, match=r"pbmc_mosaic\.h5mu.*404.*MODIS_DATA_DIR"):
        datasets.pbmc_mosaic()


@pytest.mark.parametrize("name", NAMES)
def test_neither_file_nor_address(name, tmp_path, monkeypatch):
    monkeypatch.setenv("MODIS_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("MODIS_DATA_URL", raising=False)
    with pytest.raises(FileNotFoundError, match=rf"{name}\.h5mu is not in .*MODIS_DATA_URL"):
        getattr(datasets, name)()
    (tmp_path / f"{name}.h5mu").write_bytes(b"cut off")
    with pytest.raises(ValueError, match=rf"{name}\.h5mu is not the expected file"):
        getattr(datasets, name)()
    assert (tmp_path / f"{name}.h5mu").read_bytes() == b"cut off"
