import shutil

import numpy as np
import pandas as pd
import pytest
import rdata

from modis import datasets
from modis.datasets._reference import Omics, synthetic_reference, tcga_ov_reference

OMICS = ("methylation", "expression", "protein")


@pytest.fixture(scope="module")
def reference():
    return synthetic_reference()


def test_the_synthetic_reference_is_fixed(reference):
    # Another value here is another reference, and every published figure with it would change.
    baselines = [reference[name].baseline.sum() for name in OMICS]
    np.testing.assert_allclose(baselines, [-608.514362, -1.958553, -5.365539], rtol=1e-6)
    variances = [np.trace(reference[name].covariance) for name in OMICS]
    np.testing.assert_allclose(variances, [213.913690, 84.033976, 32.332129], rtol=1e-6)
    genes = [reference[name].gene @ np.arange(len(reference[name].gene)) for name in OMICS]
    assert genes == [5651269, 740805, 1119194]


def test_the_size_of_one_modality_does_not_move_another(reference):
    other = synthetic_reference({"protein": 12, "expression": 40})
    found, expected = other["methylation"], reference["methylation"]
    np.testing.assert_array_equal(found.baseline, expected.baseline)
    np.testing.assert_array_equal(found.loadings, expected.loadings)


@pytest.mark.parametrize("kind", ["factors", "full"])
def test_noise_has_its_covariance(kind):
    rng = np.random.default_rng(0)
    loadings, unique_sd = rng.normal(size=(4, 2)), np.array([0.5, 1.0, 0.2, 0.8])
    omics = Omics([], np.zeros(4), np.arange(4), loadings, unique_sd)
    root = np.linalg.cholesky(omics.covariance)
    if kind == "full":
        omics = omics._replace(loadings=root, unique_sd=np.zeros(4))
    whitened = np.linalg.solve(root, omics.noise(20_000, rng).T)
    # Entries of a Wishart matrix around the identity, five standard errors.
    np.testing.assert_allclose(np.cov(whitened), np.eye(4), atol=5 * np.sqrt(2 / 20_000))


@pytest.fixture
def folder(shared_data, tmp_path):
    return shutil.copytree(shared_data / "intersim_reference", tmp_path / "rda")


def _intersim(**arguments):
    return datasets.intersim(20, (0.5, 0.5), reference="tcga-ov", **arguments)


def test_names_and_links(folder, shared_data):
    mdata = _intersim(reference_path=folder)
    expected = pd.read_csv(shared_data / "intersim_feature_links.csv")
    columns = list(expected.columns)
    pd.testing.assert_frame_equal(mdata.uns["feature_links"][columns], expected, check_dtype=False)
    assert mdata["protein"].var_names[3] == "Akt_pS473"


def test_parameters_are_those_of_the_published_model(shared_data):
    folder = shared_data / "intersim_reference"
    read = lambda name: np.asarray(rdata.read_rda(folder / f"{name}.rda")[name])

    def mixed(rho, upstream, own):
        return read(rho) * read(upstream) + np.sqrt(1 - read(rho) ** 2) * read(own)

    # from a file that is not read for our parameters
    of_gene = "mean.expr.with.mapped.protein"
    expected = {
        "methylation": ("M", read("mean.M")),
        "expression": ("expr", mixed("rho.methyl.expr", "methyl.gene.level.mean", "mean.expr")),
        "protein": ("protein", mixed("rho.expr.protein", of_gene, "mean.protein")),
    }
    for name, omics in tcga_ov_reference(folder).items():
        short, baseline = expected[name]
        np.testing.assert_allclose(omics.baseline, baseline)
        np.testing.assert_allclose(omics.covariance, read(f"cov.{short}"), atol=1e-12)


def test_downloads(served, folder):
    contents, asked = served
    contents |= {path.name: path.read_bytes() for path in folder.iterdir()}
    first = _intersim()
    address = "https://github.com/cran/InterSIM/raw/master/data/"
    assert len(asked) == 11
    assert all(url.startswith(address) for url in asked)
    second = _intersim(reference_path=folder)
    np.testing.assert_array_equal(first["protein"].X, second["protein"].X)


@pytest.mark.usefixtures("served")
def test_no_connection():
    with pytest.raises(ConnectionError, match="connection refused.*reference_path"):
        _intersim()


def test_incomplete_folder(folder):
    (folder / "cov.M.rda").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks 1 of the 11 files.*cov\.M\.rda"):
        _intersim(reference_path=folder)
    with pytest.raises(FileNotFoundError, match="lacks 11 of the 11"):
        _intersim(reference_path=folder / "nowhere")


@pytest.mark.parametrize("damage", ["cut", "text", "renamed"])
def test_damaged_file_in_folder(folder, damage):
    file = folder / "cov.expr.rda"
    contents = {
        "cut": file.read_bytes()[:5000],
        "text": b"<html>not found</html>",
        "renamed": (folder / "cov.M.rda").read_bytes(),
    }
    file.write_bytes(contents[damage])
    with pytest.raises(ValueError, match=r"'cov\.expr' cannot be read from .*cov\.expr\.rda"):
        _intersim(reference_path=folder)
