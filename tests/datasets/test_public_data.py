import time
import warnings
from functools import cache
from unittest import mock

import mudata as md
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from modis import datasets
from modis.datasets._rda import read_rda
from modis.datasets._tcga import _copy_number, _mutations, _tumours

from .._make import without_pulling


@pytest.fixture(scope="module")
def once():
    """Files that two tests read are read once."""
    with mock.patch("modis.datasets._tcga.read_rda", cache(read_rda)):
        yield


def _assert_same(built, path):
    with without_pulling(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = md.read_h5mu(path)
    assert list(built.mod) == list(expected.mod)
    assert list(built.obs_names) == list(expected.obs_names)
    for ours, theirs in ((built, expected), *((built[m], expected[m]) for m in built.mod)):
        for column in ("label", "split70_seed0", *(["batch"] if "batch" in theirs.obs else [])):
            assert list(ours.obs[column].astype(str)) == list(theirs.obs[column].astype(str))
    for name in built.mod:
        ours, theirs = built[name], expected[name]
        assert list(ours.obs_names) == list(theirs.obs_names)
        assert list(ours.var_names) == list(theirs.var_names)
        assert set(ours.layers) == set(theirs.layers)
        values = [(ours.X, theirs.X), *((x, theirs.layers[k]) for k, x in ours.layers.items())]
        for x, y in values:
            assert x.dtype == np.float32
            assert sparse.issparse(x) == sparse.issparse(y)
            dense = [m.toarray() if sparse.issparse(m) else m for m in (x, y)]
            np.testing.assert_allclose(*dense, rtol=1e-6, atol=1e-6)


def test_pbmc_mosaic(shared_data, monkeypatch):
    monkeypatch.setenv("MODIS_DATA_DIR", str(shared_data / "raw" / "pbmc_mosaic"))
    _assert_same(datasets.pbmc_mosaic(), shared_data / "pbmc_mosaic.h5mu")


@pytest.mark.usefixtures("once")
def test_tcga_rare(shared_data, monkeypatch):
    monkeypatch.setenv("MODIS_DATA_DIR", str(shared_data / "raw" / "tcga_rare"))
    started = time.process_time()
    built = datasets.tcga_rare()
    assert time.process_time() - started < 60
    _assert_same(built, shared_data / "tcga_rare.h5mu")


@pytest.mark.usefixtures("once")
def test_tcga_pancancer(shared_data, tmp_path, monkeypatch):
    """Of the types of cancer that there are copies of."""
    kept = {path.name: path for path in (shared_data / "raw" / "tcga_rare").iterdir()}
    monkeypatch.setattr("modis.datasets._tcga.fetch_sources", lambda name: kept)
    built = datasets.tcga_pancancer()
    with without_pulling(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = md.read_h5mu(shared_data / "tcga_pancancer.h5mu")
    types = {name.partition(".")[0] for name in kept}
    for name, adata in expected.mod.items():
        part = adata[adata.obs["label"].isin(types)]
        assert list(built[name].obs_names) == list(part.obs_names)
        assert list(built[name].var_names) == list(part.var_names)
        assert list(built[name].obs["label"]) == list(part.obs["label"])
        difference = built[name].X - part.X
        assert np.abs(difference).max() < 1e-5


BARCODES = ["TCGA-AA-0001-11A", "TCGA-AA-0001-01A", "TCGA-AA-0001-06A", "TCGA-AA-0002-01B"]


@pytest.mark.parametrize(
    ("first_only", "rows"), [(True, {"0002": [3]}), (False, {"0001": [1, 2], "0002": [3]})]
)
def test_tumours_of_a_patient(first_only, rows):
    frame = pd.DataFrame({"row": range(4)})
    found = _tumours(frame, pd.Index(BARCODES), first_only=first_only)
    own = found.groupby(level=0)["row"].agg(list).to_dict()
    assert own == {f"TCGA-AA-{name}": numbers for name, numbers in rows.items()}


def test_bins_of_a_chromosome():
    segments = pd.DataFrame(
        [(1, 2e6, 15e6, 1.0), (1, 15e6, 20e6, -1.0), (2, 31e6, 32e6, 0.5)],
        columns=["Chromosome", "Start", "End", "Segment_Mean"],
    ).assign(Sample="TCGA-AA-0001-01A")
    found = _copy_number(segments, ["chr1_0", "chr1_1", "chr2_0", "chr2_3"])
    assert found.loc["TCGA-AA-0001"].tolist() == [1.0, 0.0, 0.0, 0.5]


def test_patients_without_a_mutation_that_counts():
    rows = [("0001", "TP53", "Missense_Mutation"), ("0001", "MYC", "Silent"), ("0002", "X", "RNA")]
    table = pd.DataFrame(rows, columns=["Patient", "Hugo_Symbol", "Variant_Classification"])
    table["Tumor_Sample_Barcode"] = "TCGA-AA-" + table["Patient"] + "-01A"
    found = _mutations(table, ["MYC", "TP53"])
    assert found.to_dict("list") == {"MYC": [False, False], "TP53": [True, False]}
