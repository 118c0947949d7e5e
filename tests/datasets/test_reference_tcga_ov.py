"""The R package's parameters, read from a folder or downloaded (here: from a folder too)."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pooch
import pytest

from modis import datasets


@pytest.fixture
def folder(shared_data) -> Path:
    return shared_data / "intersim_reference"


@pytest.fixture
def copy(folder, tmp_path) -> Path:
    target = tmp_path / "rda"
    target.mkdir()
    for file in folder.glob("*.rda"):
        shutil.copyfile(file, target / file.name)
    return target


@pytest.fixture
def server(copy, tmp_path, monkeypatch) -> list[str]:
    """Answer downloads from the folder `copy`; returns the list of addresses asked for."""
    asked = []

    def download(self, url, output_file, pooch, check_only=False):
        asked.append(url)
        source = copy / url.rsplit("/", 1)[1]
        if not source.exists():
            raise OSError("connection refused")
        shutil.copyfile(source, output_file)

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", download)
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)
    monkeypatch.setenv("MODIS_DATA_DIR", str(tmp_path / "cache"))
    return asked


def _intersim(**arguments):
    return datasets.intersim(20, (0.5, 0.5), reference="tcga-ov", **arguments)


def test_names_and_links(folder, shared_data):
    mdata = _intersim(reference_path=folder)
    expected = pd.read_csv(shared_data / "intersim_feature_links.csv")
    columns = list(expected.columns)
    pd.testing.assert_frame_equal(mdata.uns["feature_links"][columns], expected, check_dtype=False)
    assert mdata["protein"].var_names[3] == "Akt_pS473"


def test_downloads_once(server, tmp_path):
    first = _intersim()
    assert len(server) == 12
    assert set(server) == {
        f"https://github.com/cran/InterSIM/raw/master/data/{name}.rda"
        for name in (
            "CpG.gene.map.for.DEG", "cov.M", "cov.expr", "cov.protein", "mean.M", "mean.expr",
            "mean.expr.with.mapped.protein", "mean.protein", "methyl.gene.level.mean",
            "protein.gene.map.for.DEP", "rho.expr.protein", "rho.methyl.expr",
        )
    }  # fmt: skip
    assert len(list((tmp_path / "cache").rglob("*.rda"))) == 12
    again = _intersim()
    assert len(server) == 12
    np.testing.assert_array_equal(first["protein"].X, again["protein"].X)


def test_download_and_folder_agree(server, folder):
    np.testing.assert_array_equal(
        _intersim()["methylation"].X, _intersim(reference_path=folder)["methylation"].X
    )


def test_a_damaged_download_is_refused(server, copy, tmp_path):
    data = bytearray((copy / "mean.M.rda").read_bytes())
    data[100] ^= 1
    (copy / "mean.M.rda").write_bytes(data)
    with pytest.raises(ValueError, match=r"mean\.M\.rda.*hash differs.*reference_path"):
        _intersim()
    assert not list((tmp_path / "cache").rglob("mean.M.rda"))


def test_no_connection(server, copy):
    (copy / "CpG.gene.map.for.DEG.rda").unlink()
    with pytest.raises(ConnectionError, match=r"CpG.*connection refused.*reference_path"):
        _intersim()


def test_incomplete_folder(copy):
    (copy / "cov.M.rda").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks 1 of the 12 files.*cov\.M\.rda"):
        _intersim(reference_path=copy)
    with pytest.raises(FileNotFoundError, match="lacks 12 of the 12"):
        _intersim(reference_path=copy / "nowhere")


@pytest.mark.parametrize("damage", ["cut", "text"])
def test_damaged_file_in_folder(copy, damage):
    file = copy / "cov.expr.rda"
    file.write_bytes(file.read_bytes()[:5000] if damage == "cut" else b"<html>not found</html>")
    with pytest.raises(ValueError, match=r"cov\.expr\.rda cannot be read as an \.rda file"):
        _intersim(reference_path=copy)


def test_renamed_file_in_folder(copy):
    shutil.copyfile(copy / "cov.expr.rda", copy / "cov.M.rda")
    with pytest.raises(ValueError, match=r"cov\.M\.rda does not hold 'cov\.M' but .*cov\.expr"):
        _intersim(reference_path=copy)
