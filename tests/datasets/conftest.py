"""Small data sets of every kind of overlap, and what must hold for each result."""

from pathlib import Path

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pooch
import pytest
from scipy import sparse

from modis import datasets

from .._make import make_mudata, without_pulling


def _modality(names, features, *, is_sparse=False):
    # Values tell their sample, so that a row in the wrong place is found out.
    X = np.array([[int(name[1:]) * 10 + j for j in range(len(features))] for name in names])
    X = X.astype(np.float32)
    return ad.AnnData(
        sparse.csr_matrix(X) if is_sparse else X,
        obs=pd.DataFrame(index=names),
        var=pd.DataFrame(index=list(features)),
        layers={"twice": X * 2},
    )


@pytest.fixture
def mosaic():
    """60 observations: 0-39 in `a`, 20-59 in `b` (sparse), 30-49 in `c`; labels in mdata.obs."""
    names = [f"s{i}" for i in range(60)]
    modalities = {
        "a": _modality(names[:40], "fgh"),
        "b": _modality(names[20:], "ijkl", is_sparse=True),
        "c": _modality(names[30:50], "mn"),
    }
    mdata = make_mudata(modalities)
    order = [int(name[1:]) for name in mdata.obs_names]
    mdata.obs["label"] = pd.Categorical([("x", "y", "z")[i % 3] for i in order])
    mdata.obs["age"] = order
    mdata.uns["note"] = {"who": "me"}
    return mdata


@pytest.fixture
def paired():
    sizes = {"methylation": 5, "expression": 4, "protein": 3}
    return datasets.intersim(61, (0.5, 0.3, 0.2), n_features=sizes)


@pytest.fixture
def unpaired(paired):
    return datasets.unpair(paired)


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Downloads come from these contents, by name; and the addresses asked for."""
    contents, asked = {}, []

    def download(self, url, output_file, pooch, check_only=False):
        asked.append(url)
        name = url.rpartition("/")[2]
        if name not in contents:
            raise OSError("connection refused")
        Path(output_file).write_bytes(contents[name])

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", download)
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)
    monkeypatch.setenv("MODIS_DATA_DIR", str(tmp_path / "cache"))
    return contents, asked


@pytest.fixture
def check_consistent():
    """Rows hold their own sample's values, and obs columns agree wherever they stand."""

    def check(result, source):
        seen = set()
        for name, adata in result.mod.items():
            seen |= set(adata.obs_names)
            original = source.mod[name][adata.obs_names]
            assert adata.to_df().equals(original.to_df())
            assert sparse.issparse(adata.X) == sparse.issparse(source.mod[name].X)
            assert not adata.is_view
            for key in original.layers:
                if key is not None:
                    np.testing.assert_array_equal(adata.layers[key], original.layers[key])
            for column in result.obs.columns:
                aligned = result.obs[column].reindex(adata.obs_names)
                assert aligned.astype(str).equals(adata.obs[column].astype(str)), column
        kept = [name for name in source.obs_names if name in seen]
        assert list(result.obs_names) == kept
        assert set(kept) == seen
        assert result.n_vars == sum(adata.n_vars for adata in result.mod.values())

    return check


@pytest.fixture
def write_and_read(tmp_path):
    def through_a_file(mdata, backed=None):
        path = tmp_path / "data.h5mu"
        with without_pulling():
            mdata.write(path)
            return md.read_h5mu(path, backed=backed)

    return through_a_file
