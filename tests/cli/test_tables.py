import shutil

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from modis.report._fit import simulate
from modis.studies import read_mudata

from ._run import done, error_line, modis


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Two tables, features in the rows of one of them, and beside the folder their labels."""
    mdata, folder = simulate(160, seed=1), tmp_path_factory.mktemp("tables") / "cohort"
    folder.mkdir()
    expression = mdata["expression"].to_df().T.rename_axis("Hugo_Symbol")
    expression.insert(0, "Entrez_Gene_Id", range(7157, 7157 + len(expression)))
    expression.to_csv(folder / "expression.txt", sep="\t")
    mdata["protein"].to_df().to_csv(folder / "protein.csv")
    mdata.obs[["label"]].to_csv(folder.parent / "patients.csv")
    return folder


@pytest.fixture(scope="module")
def fitted(cohort):
    out = cohort.parent / "results"
    options = ["--labels", cohort.parent / "patients.csv", "--max-epochs", 2, "--out", out]
    printed = done("fit", cohort, *options)
    assert "Note: Modality 'expression': 1 rows or columns that describe" in printed
    assert (out / "confusion.png").is_file()
    return out


def test_fit_and_predict(cohort, fitted, tmp_path):
    mdata = read_mudata(fitted / "integrated.h5mu")
    assert set(mdata.mod) == {"expression", "protein"}
    # the samples of new tables need no labels
    done("predict", fitted, cohort, "--out", tmp_path / "all.csv")
    table = pd.read_csv(tmp_path / "all.csv", index_col=0)
    assert dict(table["predicted"]) == dict(mdata.obs["modis_predicted"])
    done("predict", fitted, cohort / "protein.csv", "--out", tmp_path / "protein.csv")
    table = pd.read_csv(tmp_path / "protein.csv", index_col=0)
    assert dict(table["predicted"]) == dict(mdata["protein"].obs["modis_predicted"])


def test_translate(cohort, fitted, tmp_path):
    pair = ["--source", "expression", "--target", "protein"]
    out = tmp_path / "out.h5ad"
    done("translate", fitted, cohort, *pair, "--out", out)
    translated = ad.read_h5ad(out)
    proteins = pd.read_csv(cohort / "protein.csv", index_col=0)
    assert list(translated.var_names) == list(proteins.columns)
    assert np.isfinite(translated.X).all()
    for command in (["predict"], ["translate", *pair]):
        where = [command[0], fitted, cohort, *command[1:], "--out", tmp_path / "x.csv"]
        assert "lacks 131 of the 131 features" in error_line(*where, "--no-transpose")


def test_benchmark(cohort, tmp_path):
    patients = tmp_path / "diseases.csv"
    labels = pd.read_csv(cohort.parent / "patients.csv").rename(columns={"label": "disease"})
    labels.to_csv(patients, index=False)
    options = ["--labels", patients, "--labels-key", "disease", "--out", tmp_path / "out"]
    done("benchmark", cohort, *options, "--splits", 1, "--tasks", "classes", "--methods", "lr")
    sources = pd.read_csv(tmp_path / "out" / "results.csv")["source"]
    assert {"expression", "protein"} <= set(sources)


def test_where_samples_are_can_be_asked_for(cohort, tmp_path):
    options = ["--labels", cohort.parent / "patients.csv", "--out", tmp_path / "out"]
    line = error_line("fit", cohort / "protein.csv", "--transpose", *options)
    assert "shares no sample with the table of labels" in line


def test_what_does_not_fit(cohort, tmp_path):
    out = ["--out", tmp_path / "out"]
    assert "There is no table of labels" in error_line("fit", cohort, *out)
    labels = ["--labels", cohort.parent / "patients.csv"]
    # a column is looked for before anything heavy is loaded
    folder = shutil.copytree(cohort, tmp_path / "cohort")
    shutil.copy(cohort.parent / "patients.csv", folder / "labels.csv")
    for place, option in (
        ([cohort, *labels], "labels-key"),
        ([cohort / "protein.csv", *labels], "split-key"),
        ([folder], "batch-key"),
        ([folder, "--labels-key", "label"], "group-key"),
    ):
        command = "benchmark" if option == "group-key" else "fit"
        said = modis(command, *place, f"--{option}", "disease", *out).stderr
        assert said.startswith(f"Error: No column 'disease' ({option.replace('-', '_')}) in the d")
        assert "'label'" in said
    (folder / "labels.csv").write_text("sample,class\ns1,a\n")
    assert "No column 'label' (labels_key)" in modis("fit", folder, *out).stderr
    file = tmp_path / "a.h5mu"
    file.touch()
    assert "--labels is only for tables" in error_line("fit", file, *labels, *out)
    assert "--transpose is only for tables" in error_line("fit", file, "--transpose", *out)
    assert "is a folder; a table is" in error_line("fit", cohort, "--labels", tmp_path, *out)
    assert "lies in --out" in error_line("fit", cohort, *labels, "--force", "--out", cohort)
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.json").touch()
    line = error_line("predict", model, cohort, "--out", cohort / "predictions.csv")
    assert "lies among the tables" in line
    assert {path.name for path in cohort.iterdir()} == {"expression.txt", "protein.csv"}
