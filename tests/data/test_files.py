import shutil

import h5py
import numpy as np
import pytest

from modis import MODIS
from modis.data import check_own_data, draft_of
from modis.model._archive import read_archive, write_archive
from modis.studies import read_mudata

from .._make import make_mdata


def test_a_draft_takes_its_place_or_leaves_no_trace(tmp_path):
    path, other = tmp_path / "a.txt", tmp_path / "other.txt"
    other.write_text("other")
    path.symlink_to(other)
    (tmp_path / ".draft-a.txt").symlink_to(other)
    with pytest.raises(ZeroDivisionError), draft_of(path) as draft:
        draft.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "other"
    with draft_of(path) as draft:
        draft.write_text("new")
    assert path.read_text() == "new"
    assert other.read_text() == "other"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.txt", "other.txt"]


def _external(file, secret):
    file.create_dataset("uns/x", (8,), "u1", external=[(secret, 0, 8)])


def _virtual(file, secret):
    layout = h5py.VirtualLayout((8,), "u1")
    layout[:] = h5py.VirtualSource(secret, "x", (8,))
    file.create_virtual_dataset("uns/x", layout)


def _link(file, secret):
    file["uns/x"] = h5py.ExternalLink(secret, "x")


@pytest.mark.parametrize("add", [_external, _virtual, _link])
def test_files_that_show_other_files_are_refused(add, tmp_path):
    path, secret = tmp_path / "data.h5mu", tmp_path / "secret.h5"
    mdata = make_mdata()
    mdata.write(path)
    check_own_data(path)
    with h5py.File(secret, "w") as file:
        file["x"] = np.arange(8, dtype="u1")
    with h5py.File(path, "r+") as file:
        add(file, str(secret))
    with pytest.raises(PermissionError, match="takes 'uns/x' from other files"):
        read_mudata(path)
    MODIS.setup_mudata(mdata, labels_key="label")
    MODIS(mdata, n_latent=4, n_hidden=8).save(folder := tmp_path / "model")
    write_archive(folder, "", read_archive(folder)[0], lambda draft: shutil.copy(path, draft))
    with pytest.raises(PermissionError, match="takes 'uns/x' from other files"):
        MODIS.load(folder)
