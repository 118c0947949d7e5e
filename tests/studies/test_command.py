from __future__ import annotations

import pytest
from typer.testing import CliRunner

from modis.cli import app


@pytest.fixture(scope="module")
def file(paired, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "cohort.h5mu"
    mdata = paired[:90].copy()
    mdata.obs["one"] = "train"
    mdata.write(path)
    return path


def run(*arguments):
    return CliRunner().invoke(app, ["benchmark", *map(str, arguments)])


def test_table_verdict_and_files(file, tmp_path):
    out = tmp_path / "out"
    arguments = (file, "--labels-key", "label", "--folds", 2, "--seeds", 1, "--unpaired")
    arguments += ("--labels-per-class", 3, "--max-epochs", 1, "--methods", "modis,lr,diagvi")
    result = run(*arguments, "--out", out)
    assert result.exit_code == 0, result.output
    assert "DIAGVI and neighbours is left out: " in result.stdout
    assert "| protein (1" in result.stdout
    assert "MODIS is " in result.stdout
    assert {path.name for path in out.iterdir()} >= {"results.csv", "table.md", "figure.png"}
    again = run(*arguments, "--out", out)
    assert "4 runs, 4 of them done before" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--labels-key", "class"], "no column 'class' (--labels-key)"),
        (["--split-key", "one"], "says 'train' for every observation"),
        (["--methods", ","], "names no method"),
        (["--folds", "60"], "cannot be cut into 60 folds"),
        (["--split-key", "one", "--folds", "3"], "either --split-key or --folds"),
        (["--transfer-from", "protein"], "belong together"),
        (["--transfer-from", "protein", "--transfer-to", "rna"], "no modality 'rna'"),
        (["--modalities", "rna"], "no modality 'rna' (--modalities)"),
        (["--links", "none.csv"], "no file 'none.csv'"),
        (["--likelihood", "nb"], "cannot explain"),
    ],
)
def test_bad_input_is_one_line(arguments, said, file, tmp_path):
    given = [] if "--labels-key" in arguments else ["--labels-key", "label"]
    result = run(file, *given, *arguments, "--out", tmp_path / "out")
    assert result.exit_code == 1, result.output
    lines = [line for line in result.stderr.splitlines() if not line.startswith("Loading")]
    assert len(lines) == 1, lines
    assert lines[0].startswith("Error: ")
    assert said in lines[0]
    assert not (tmp_path / "out").exists()


def test_a_missing_file_and_a_file_for_a_folder(file, tmp_path):
    assert "There is no file" in run(tmp_path / "no.h5mu", "--labels-key", "label").stderr
    result = run(file, "--labels-key", "label", "--out", file)
    assert "is a file; name a folder" in result.stderr
