"""The command line as a user meets it: what it prints, leaves behind and exits with."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from modis.cli import Architecture, app

if TYPE_CHECKING:
    from click.testing import Result

FILES = {"integrated.h5mu", "model", "metrics.csv", "report.html"}
FIGURES = {"latent_umap.png", "confusion.png", "translation.png", "history.png"}
FIGURES |= {"class_counts.png"}
#: What only models of classes leave.
OF_CLASSES = {"feature_importance.csv", "feature_importance.png"}


def modis(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def error_line(result: Result) -> str:
    """The one line that a refused command prints on standard error."""
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    lines = [line for line in result.stderr.splitlines() if not line.startswith("Loading")]
    assert len(lines) == 1, lines
    assert lines[0].startswith("Error: ")
    return lines[0]


@pytest.fixture(scope="session")
def data_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mosaic of 160 simulated samples: 120 with one omics, 40 with all three."""
    from modis.report import Screen
    from modis.report._demo import simulate
    from modis.report._files import write_mudata

    path = tmp_path_factory.mktemp("data") / "mosaic.h5mu"
    with Screen().quiet():
        mdata = simulate(160, seed=1)
        mdata.mod["protein"].X[:, 3] = 1.5
        mdata.mod["expression"].layers["doubled"] = 2 * mdata.mod["expression"].X
        write_mudata(mdata, path)
    return path


@pytest.fixture(scope="session")
def fitted(data_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Folder of one short run, and what it printed."""
    out = tmp_path_factory.mktemp("fitted") / "out"
    before = digest(data_file)
    result = modis(
        "fit", data_file, "--labels-key", "label", "--max-epochs", 3, "--out", out, "--debug"
    )
    assert result.exit_code == 0, result.output
    assert digest(data_file) == before, "the user's file was changed"
    return out, result.output


def test_help_is_quick_and_light() -> None:
    code = (
        "import sys; sys.argv = ['modis', *sys.argv[1:]]\n"
        "from modis.cli import app\n"
        "try: app()\n"
        "except SystemExit as stop: print('EXIT', stop.code, 'torch' in sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    for arguments in (["--help"], ["fit", "--help"]):
        seconds = []
        for _ in range(3):  # the best of three: another process may hold the machine
            started = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", code, *arguments],
                env=environment,
                capture_output=True,
                text=True,
                timeout=60,
            )
            seconds.append(time.perf_counter() - started)
            if seconds[-1] < 1.5:
                break
        assert done.stdout.splitlines()[-1] == "EXIT 0 False", done.stderr
        assert min(seconds) < 1.5


def test_version() -> None:
    result = modis("--version")
    assert result.exit_code == 0
    assert re.fullmatch(r"modis \d+\.\d+\S*\n", result.stdout)


@pytest.mark.parametrize("command", ["demo", "fit", "predict", "translate"])
def test_help_of_commands_names_every_option(command: str) -> None:
    result = modis(command, "--help")
    assert result.exit_code == 0
    assert {"--out", "--force", "--debug"} <= set(re.findall(r"--[a-z-]+", result.stdout))


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit"],
        ["fit", "a.h5mu", "--test-size", "2"],
        ["fit", "a.h5mu", "--architecture", "huge"],
        ["fit", "a.h5mu", "--no-such-option"],
        ["translate", "model", "a.h5mu", "--source", "rna"],
        ["no-such-command"],
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    assert modis(*arguments).exit_code == 2


def test_architectures_are_those_of_the_model() -> None:
    from modis.module._architecture import ARCHITECTURES

    assert {item.value for item in Architecture} == set(ARCHITECTURES)


# Refused before anything heavy is loaded.


def test_missing_file(tmp_path: Path) -> None:
    for command in (["fit"], ["predict", tmp_path]):
        line = error_line(modis(*command, tmp_path / "none.h5mu", "--out", tmp_path / "out"))
        assert "There is no file" in line
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    source = tmp_path.parent / "a.h5mu"
    source.touch()
    for command in (["demo"], ["fit", source]):
        line = error_line(modis(*command, "--out", tmp_path))
        assert "not empty" in line
        assert "--force" in line
    assert (tmp_path / "mine.txt").read_text() == "keep"


def test_out_may_not_take_the_place_of_the_input(tmp_path: Path) -> None:
    source = tmp_path / "integrated.h5mu"
    source.touch()
    assert "lies in --out" in error_line(modis("fit", source, "--out", tmp_path, "--force"))
    line = error_line(modis("predict", tmp_path, source, "--out", source, "--force"))
    assert "overwrite the input" in line


def test_no_model(tmp_path: Path) -> None:
    source = tmp_path / "a.h5mu"
    source.touch()
    line = error_line(modis("predict", tmp_path, source, "--out", tmp_path / "p.csv"))
    assert "There is no model in the folder" in line


# Refused before training.


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no readable .h5mu"),
        (b"\x89HDF\r\n\x1a\n" + 200 * b"\0", "no readable .h5mu|damaged"),
        (b"PK\x05\x06" + 18 * b"\0", "a zip archive"),
    ],
)
def test_unreadable_file(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.h5mu"
    path.write_bytes(content)
    line = error_line(modis("fit", path, "--labels-key", "x", "--out", tmp_path / "out"))
    assert re.search(said, line)
    assert not (tmp_path / "out").exists()


def test_truncated_file(data_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "half.h5mu"
    path.write_bytes(data_file.read_bytes()[:100_000])
    line = error_line(modis("fit", path, "--out", tmp_path / "out"))
    assert "half.h5mu" in line


def test_anndata_file(tmp_path: Path) -> None:
    import anndata

    path = tmp_path / "one.h5mu"
    anndata.AnnData(np.ones((3, 2), dtype="float32")).write_h5ad(path)
    assert "an AnnData" in error_line(modis("fit", path, "--out", tmp_path / "out"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--labels-key", "no_such"], r"'no_such' \(--labels-key\).*Columns at hand: .*label"),
        (["--batch-key", "no_such"], r"'no_such' \(--batch-key\)"),
        (["--split-key", "no_such"], r"'no_such' \(--split-key\)"),
        (["--split-key", "label"], "must say 'train' or 'test'; it also has 'class_1'"),
        (["--modalities", "protein,rna"], "no modality 'rna' .*methylation"),
        (["--layer", "rna=counts"], "names the modality 'rna'"),
        (["--layer", "protein=counts"], "'protein' has no layer 'counts'"),
        (["--likelihood", "normal"], "likelihood='normal'"),
        (["--likelihood", "protein=nb"], "likelihood='nb' cannot explain"),
    ],
)
def test_options_that_do_not_fit_the_data(
    options: list[str], said: str, data_file: Path, tmp_path: Path
) -> None:
    line = error_line(modis("fit", data_file, *options, "--out", tmp_path / "out"))
    assert re.search(said, line), line
    assert not (tmp_path / "out").exists()


def test_debug_shows_the_traceback(data_file: Path, tmp_path: Path) -> None:
    result = modis("fit", data_file, "--labels-key", "x", "--out", tmp_path / "out", "--debug")
    assert isinstance(result.exception, KeyError)


def test_errors_that_nobody_foresaw(
    data_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modis import MODIS

    def fail(*_: object, **__: object) -> None:
        raise AttributeError("no such thing\nat all")

    monkeypatch.setattr(MODIS, "train", fail)
    line = error_line(modis("fit", data_file, "--out", tmp_path / "out"))
    assert "AttributeError: no such thing at all (unexpected; --debug" in line


@pytest.mark.parametrize("by_lightning", [False, True])
def test_ctrl_c(
    by_lightning: bool, data_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modis import MODIS

    def interrupt(*_: object, **__: object) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            if by_lightning:
                sys.exit(1)
            raise

    monkeypatch.setattr(MODIS, "train", interrupt)
    result = modis("fit", data_file, "--out", tmp_path / "out")
    assert result.exit_code == 130
    assert "Stopped." in result.stderr


# What a run leaves.


def test_fit_leaves_everything(fitted: tuple[Path, str]) -> None:
    out, printed = fitted
    assert {path.name for path in out.iterdir()} == FILES | FIGURES | OF_CLASSES
    assert "balanced accuracy" in printed
    assert "report.html" in printed


def test_fit_says_what_matters_and_nothing_else(fitted: tuple[Path, str]) -> None:
    printed = fitted[1]
    notes = [line for line in printed.splitlines() if line.startswith("Note:")]
    assert len(notes) == 1
    assert "1 of 160 features have the same value" in notes[0]
    assert "Warning" not in printed
    assert "INFO" not in printed


def test_integrated_holds_all_observations(fitted: tuple[Path, str], data_file: Path) -> None:
    from modis.studies import read_mudata

    mdata, source = read_mudata(fitted[0] / "integrated.h5mu"), read_mudata(data_file)
    assert list(mdata.obs_names) == list(source.obs_names)
    assert not any(":" in column for column in mdata.obs)
    for holder in (mdata, *mdata.mod.values()):
        assert holder.obsm["X_modis"].shape == (holder.n_obs, 32)
        assert np.isfinite(holder.obsm["X_modis"]).all()
        assert set(holder.obs["modis_split"]) == {"train", "test"}
        assert holder.obs["modis_probability"].between(0.2, 1).all()
        assert set(holder.obs["modis_predicted"]) <= set(source.obs["label"])
    for name in mdata.mod:
        pd.testing.assert_frame_equal(
            mdata.mod[name].to_df(), source.mod[name].to_df(), check_exact=True
        )
    # stratified: a fifth of each class
    test = mdata.obs.loc[mdata.obs["modis_split"] == "test", "label"]
    assert len(test) == 32
    assert test.value_counts().between(6, 7).all()


def test_metrics_are_those_of_the_predictions(fitted: tuple[Path, str]) -> None:
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, recall_score

    from modis.studies import read_mudata

    mdata = read_mudata(fitted[0] / "integrated.h5mu")
    metrics = pd.read_csv(fitted[0] / "metrics.csv", keep_default_na=False)
    assert list(metrics) == ["split", "modality", "metric", "class", "value"]
    values = metrics.set_index(["split", "modality", "metric", "class"])["value"]
    assert values.index.is_unique
    for part in ("train", "test"):
        for name, holder in {"combined": mdata, **mdata.mod}.items():
            obs = holder.obs[holder.obs["modis_split"] == part]
            true = mdata.obs.loc[obs.index, "label"].astype(str)
            predicted = obs["modis_predicted"].astype(str)
            expected = {
                ("accuracy", ""): accuracy_score(true, predicted),
                ("balanced_accuracy", ""): balanced_accuracy_score(true, predicted),
                ("n_samples", ""): len(true),
                ("recall", "class_2"): recall_score(
                    true, predicted, labels=["class_2"], average=None
                )[0],
                ("n_samples", "class_2"): (true == "class_2").sum(),
            }
            for key, value in expected.items():
                assert values[(part, name, *key)] == pytest.approx(value)


def test_force_replaces_results_and_keeps_the_rest(
    fitted: tuple[Path, str], data_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    for name in ("confusion.png", *OF_CLASSES):
        (tmp_path / name).write_text("of an earlier run")
    options = ["--max-epochs", 1, "--modalities", "protein", "--test-size", 0]
    options += ["--force", "--out", tmp_path]
    result = modis("fit", data_file, *options)
    assert result.exit_code == 0, result.output
    assert "No --labels-key" in result.output
    assert "No test part" in result.output
    found = {path.name for path in tmp_path.iterdir()}
    assert found == FILES | {"mine.txt", "latent_umap.png", "history.png", "class_counts.png"}


def test_predict(fitted: tuple[Path, str], data_file: Path, tmp_path: Path) -> None:
    from modis.studies import read_mudata

    mdata = read_mudata(fitted[0] / "integrated.h5mu")
    out = tmp_path / "predictions.csv"
    assert modis("predict", fitted[0], data_file, "--out", out).exit_code == 0
    table = pd.read_csv(out, index_col=0)
    assert list(table.columns) == ["predicted", "probability"]
    assert list(table.index) == list(mdata.obs_names)
    assert list(table["predicted"]) == list(mdata.obs["modis_predicted"])
    np.testing.assert_allclose(table["probability"], mdata.obs["modis_probability"], rtol=1e-5)

    assert "exists" in error_line(modis("predict", fitted[0], data_file, "--out", out))
    options = ["--modality", "protein", "--soft", "--force", "--out", out]
    assert modis("predict", fitted[0] / "model", data_file, *options).exit_code == 0
    table = pd.read_csv(out, index_col=0)
    own = mdata.mod["protein"].obs
    assert list(table.index) == list(own.index)
    assert list(table["predicted"]) == list(own["modis_predicted"])
    soft = table.filter(like="probability_class_")
    assert soft.shape == (len(own), 5)
    np.testing.assert_allclose(soft.sum(axis=1), 1, rtol=1e-5)


def test_translate(fitted: tuple[Path, str], data_file: Path, tmp_path: Path) -> None:
    import anndata

    from modis.studies import read_mudata

    source = read_mudata(data_file)
    out = tmp_path / "protein.h5ad"
    pair = ["--source", "expression", "--target", "protein"]
    result = modis("translate", fitted[0], data_file, *pair, "--out", out)
    assert result.exit_code == 0, result.output
    translated = anndata.read_h5ad(out)
    assert list(translated.obs_names) == list(source.mod["expression"].obs_names)
    assert list(translated.var_names) == list(source.mod["protein"].var_names)
    pair[-1] = "rna"
    line = error_line(modis("translate", fitted[0], data_file, *pair, "--out", tmp_path / "x"))
    assert "Unknown modality 'rna'" in line


def test_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # UMAP compiles itself anew in every run
    monkeypatch.setattr("modis.report._figures._FEWEST_FOR_UMAP", 10**6)
    out = tmp_path / "deep" / "demo"
    result = modis("demo", "--samples", 100, "--max-epochs", 1, "--out", out)
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == FILES | FIGURES | OF_CLASSES
    metrics = pd.read_csv(out / "metrics.csv")
    errors = metrics[metrics["metric"] == "mse"]
    assert len(errors) == 9
    assert (metrics["metric"] == "mse_limit").sum() == 3


def test_without_labels_the_report_says_what_is_missing(
    data_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modis.report._figures._FEWEST_FOR_UMAP", 10**6)
    result = modis("fit", data_file, "--max-epochs", 1, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "No classes were learned" in text
    assert "How well classes are predicted" not in text
    assert not (tmp_path / "out" / "confusion.png").exists()
    # what was measured twice can be judged without labels
    assert (tmp_path / "out" / "translation.png").exists()


def test_links_align_without_labels_and_are_in_the_report(
    data_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modis.datasets import intersim

    monkeypatch.setattr("modis.report._figures._FEWEST_FOR_UMAP", 10**6)
    table = tmp_path / "links.csv"
    intersim(30).uns["feature_links"].to_csv(table, index=False)
    options = ["--max-epochs", 1, "--links", table, "--out", tmp_path / "out"]
    result = modis("fit", data_file, *options)
    assert result.exit_code == 0, result.output
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Feature links" in page
    assert "only the linked features make sure" in page


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("source_modality,source_feature\nrna,TP53\n", "target_modality"),
        ("", "cannot be read as a table of linked features"),
        (None, "There is no file"),
    ],
)
def test_links_that_cannot_be_used(
    content: str | None, said: str, data_file: Path, tmp_path: Path
) -> None:
    table = tmp_path / "links.csv"
    if content is not None:
        table.write_text(content)
    result = modis("fit", data_file, "--links", table, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert said in error_line(result)


def test_one_class_only(data_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from modis.report._files import write_mudata
    from modis.studies import read_mudata

    monkeypatch.setattr("modis.report._figures._FEWEST_FOR_UMAP", 10**6)
    mdata = read_mudata(data_file)
    mdata.obs["one"] = "(all) & same"
    write_mudata(mdata, tmp_path / "one.h5mu")
    out = tmp_path / "out"
    options = ["--labels-key", "one", "--max-epochs", 1, "--out", out]
    result = modis("fit", tmp_path / "one.h5mu", *options)
    assert result.exit_code == 0, result.output
    assert "Note: Fewer than two classes" in result.output
    columns = set(read_mudata(out / "integrated.h5mu").obs)
    assert "modis_split" in columns
    assert "modis_predicted" not in columns


def test_reproduce(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modis.studies._reproduce.settings_of", lambda *_: ["corrupted-20"])
    out = tmp_path / "deep" / "out"
    arguments = ["corrupted", "--samples", 150, "--max-epochs", 1, "--seeds", 1, "--out", out]
    result = modis("reproduce", *arguments)
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == {
        "runs",
        "results.csv",
        "table.csv",
        "table.md",
        "corrupted.png",
    }
    assert set(pd.read_csv(out / "results.csv")["method"]) == {"default", "links"}
    assert (out / "table.md").read_text(encoding="utf-8") in result.output
    assert "2 runs, 0 of them done before" in result.output
    again = modis("reproduce", *arguments)
    assert "2 runs, 2 of them done before" in again.output


def test_reproduce_refuses(tmp_path: Path) -> None:
    assert modis("reproduce", "fig1").exit_code == 2
    line = error_line(modis("reproduce", "fig2", "--data", "none.h5mu", "--out", tmp_path / "o"))
    assert "There is no file 'none.h5mu'" in line
    line = error_line(modis("reproduce", "fig2", "--methods", "none", "--out", tmp_path / "o"))
    assert "no method ['none']" in line
    (tmp_path / "file").touch()
    assert "is a file" in error_line(modis("reproduce", "fig2", "--out", tmp_path / "file"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_figures_are_those_of_the_experiments() -> None:
    from modis.cli._reproduce import Figure
    from modis.studies import FIGURES

    assert [item.value for item in Figure] == [*FIGURES, "all"]
