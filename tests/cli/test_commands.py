import errno
import hashlib
import re
import sys
from typing import get_args, get_type_hints
from unittest import mock

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from modis.cli import _commands
from modis.datasets import intersim
from modis.module import PRESETS
from modis.report._fit import simulate
from modis.studies import FIGURES as PAPER
from modis.studies import read_mudata, without_pulling

from ._run import CHARSETS, done, error_line, modis, names_in

FILES = {"integrated.h5mu", "model", "metrics.csv", "report.html"}
FIGURES = {"latent_umap.png", "history.png", "class_counts.png"}
OF_TESTS = {"translation.png"}
OF_CLASSES = {"confusion.png", "predictions.csv"}
OF_CLASSES |= {"feature_importance.csv", "feature_importance.png"}


@pytest.fixture(scope="session")
def data_file(tmp_path_factory):
    """A mosaic of 160 simulated samples: 120 with one modality, 40 with all three."""
    path = tmp_path_factory.mktemp("data") / "mosaic.h5mu"
    mdata = simulate(160, seed=1)
    mdata.mod["protein"].X[:, 3] = 1.5
    mdata.obs["one"] = "(all) & same"
    with without_pulling():
        mdata.write_h5mu(path)
    return path


@pytest.fixture(scope="session")
def fitted(data_file, tmp_path_factory):
    """Folder of one short run, and what it printed."""
    out = tmp_path_factory.mktemp("fitted") / "out"
    before = hashlib.sha256(data_file.read_bytes()).digest()
    options = ["--labels-key", "label", "--max-epochs", 3, "--out", out, "--debug"]
    printed = done("fit", data_file, *options, umap=True)
    assert hashlib.sha256(data_file.read_bytes()).digest() == before
    return out, printed


def test_version():
    assert re.fullmatch(r"modis \d+\.\d+\S*\n", modis("--version").stdout)


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "a.h5mu", "--test-size", "2"],
        ["fit", "a.h5mu", "--architecture", "huge"],
        ["translate", "model", "a.h5mu", "--source", "rna"],
        ["reproduce", "fig1"],
    ],
)
def test_wrong_usage_exits_with_2(arguments):
    assert modis(*arguments).exit_code == 2


@pytest.mark.parametrize("command", CHARSETS)
@pytest.mark.parametrize("width", [20, 100])
def test_help_is_shown_on_any_terminal(command, width):
    how = {"env": {"COLUMNS": str(width), "TERMINAL_WIDTH": str(width)}}
    assert modis(command, "--help", **how).exit_code == 0


def test_choices_are_those_of_the_package():
    fit, reproduce = (get_type_hints(each) for each in (_commands.fit, _commands.reproduce))
    assert set(get_args(fit["architecture"])) == {"default", *PRESETS}
    assert get_args(reproduce["figure"]) == (*PAPER, "all")


# Refused before training.


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a readable .h5mu"),
        (b"\x89HDF\r\n\x1a\n" + 200 * b"\0", "not a readable .h5mu|damaged"),
        (b"PK\x05\x06" + 18 * b"\0", "a zip archive"),
        (None, "damaged"),
        ("AnnData", "an AnnData"),
    ],
)
def test_unreadable_file(content, said, data_file, tmp_path):
    path = tmp_path / "bad.h5mu"
    if content == "AnnData":
        ad.AnnData(np.ones((3, 2), dtype="float32")).write_h5ad(path)
    else:
        path.write_bytes(data_file.read_bytes()[:100_000] if content is None else content)
    line = error_line("fit", path, "--labels-key", "x", "--out", tmp_path / "out")
    assert re.search(said, line)
    assert "bad.h5mu" in line
    assert names_in(tmp_path) == {"bad.h5mu"}


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("fit", ["--split-key", "label"], "'train' or 'test'; it also has 'class_"),
        ("fit", ["--modalities", "protein,rna"], "Modalities ['rna'] are not in"),
        ("fit", ["--layer", "protein=counts"], "'protein' has no layer 'counts'"),
        ("fit", ["--links", "none.csv"], "There is no file 'none.csv'"),
        ("fit", ["--links", __file__], "cannot be read as a table of linked features"),
        ("benchmark", ["--labels-key", "one"], "names only the class '(all) & same'"),
        ("reproduce", ["--data", "none.h5mu"], "There is no file 'none.h5mu'"),
    ],
)
def test_options_that_do_not_fit(command, options, said, data_file, tmp_path):
    what = "fig2" if command == "reproduce" else data_file
    assert said in error_line(command, what, "--out", tmp_path / "out", *options)
    assert names_in(tmp_path) == set()


@pytest.mark.parametrize("option", ["labels-key", "batch-key", "group-key", "covariate"])
def test_a_column_that_is_misspelt_is_told_at_once(option, data_file, tmp_path):
    command = "fit" if option == "covariate" else "benchmark"
    options = ["--labels-key", "label", f"--{option}", "no", "--out", tmp_path / "out"]
    said = modis(command, data_file, *options).stderr
    assert said.startswith(f"Error: No column 'no' ({option.replace('-', '_')}) in the data.")


def interrupted_in_lightning(*_, **__):
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        sys.exit(1)


@pytest.mark.parametrize(
    ("stop", "code", "said"),
    [
        (KeyboardInterrupt, 130, "Stopped."),
        (interrupted_in_lightning, 130, "Stopped."),
        (AttributeError("not\nthere"), 1, "AttributeError: not there (unexpected; --debug"),
        (RuntimeError("CUDA out of memory"), 1, "Error: CUDA out of memory"),
    ],
)
def test_training_that_ends_early(stop, code, said, data_file, tmp_path):
    with mock.patch("modis.MODIS.train", side_effect=stop):
        result = modis("fit", data_file, "--out", tmp_path / "out")
    assert result.exit_code == code
    assert said in result.stderr.splitlines()[-1]


def test_debug_shows_the_traceback(data_file, tmp_path):
    result = modis("fit", data_file, "--labels-key", "x", "--out", tmp_path / "out", "--debug")
    assert isinstance(result.exception, KeyError)


# What a run leaves.


def test_fit_leaves_everything_and_says_what_matters(fitted):
    out, printed = fitted
    assert names_in(out) == FILES | FIGURES | OF_TESTS | OF_CLASSES
    assert "balanced accuracy" in printed
    assert "report.html" in printed
    notes = [line for line in printed.splitlines() if line.startswith("Note:")]
    assert len(notes) == 1
    assert "1 of 160 features have the same value" in notes[0]
    assert "Warning" not in printed
    assert "INFO" not in printed


def test_integrated_holds_all_observations(fitted, data_file):
    mdata, source = read_mudata(fitted[0] / "integrated.h5mu"), read_mudata(data_file)
    assert list(mdata.obs_names) == list(source.obs_names)
    assert not any(":" in column for column in mdata.obs)
    for holder in (mdata, *mdata.mod.values()):
        assert holder.obsm["X_modis"].shape == (holder.n_obs, 64)
        assert np.isfinite(holder.obsm["X_modis"]).all()
        assert set(holder.obs["modis_split"]) == {"train", "test"}
        assert holder.obs["modis_probability"].between(0.2, 1).all()
        assert set(holder.obs["modis_predicted"]) <= set(source.obs["label"])
    for name in mdata.mod:
        assert mdata.mod[name].to_df().equals(source.mod[name].to_df())
    # the table holds the scores of these predictions
    metrics = pd.read_csv(fitted[0] / "metrics.csv", keep_default_na=False)
    values = metrics.set_index(["split", "modality", "metric", "class"])["value"]
    assert values.index.is_unique
    for part in ("train", "test"):
        for name, holder in {"combined": mdata, **mdata.mod}.items():
            obs = holder.obs[holder.obs["modis_split"] == part]
            true = mdata.obs.loc[obs.index, "label"].astype(str)
            correct = obs["modis_predicted"].astype(str) == true
            assert values[part, name, "accuracy", ""] == pytest.approx(correct.mean())
    # stratified: a fifth of each class
    test = mdata.obs.loc[mdata.obs["modis_split"] == "test", "label"]
    assert len(test) == 32
    assert test.value_counts().between(6, 7).all()


def test_force_replaces_results_and_keeps_the_rest(data_file, tmp_path):
    for name in ("mine.txt", *OF_CLASSES):
        (tmp_path / name).write_text("of an earlier run")
    options = ["--max-epochs", 1, "--modalities", "protein", "--test-size", 0]
    full = OSError(errno.ENOSPC, "No space left on device")
    with mock.patch("modis.report._fit.write_page", side_effect=full):
        error_line("fit", data_file, *options, "--force", "--out", tmp_path)
    assert names_in(tmp_path) == {"model", "checkpoint", "mine.txt", *OF_CLASSES}
    printed = done("fit", data_file, *options, "--force", "--out", tmp_path)
    assert "No --labels-key" in printed
    assert "No test part" in printed
    assert names_in(tmp_path) == FILES | FIGURES | {"mine.txt"}


def test_a_run_that_was_stopped_goes_on(fitted, data_file, tmp_path):
    out, options = tmp_path / "out", ["--labels-key", "label", "--max-epochs", 3]
    with mock.patch("modis.report._fit.embed", side_effect=RuntimeError("killed")):
        error_line("fit", data_file, *options, "--out", out)
    assert "not empty" in error_line("fit", data_file, *options, "--out", out)
    line = error_line("fit", data_file, *options[:-1], 4, "--out", out, "--resume")
    assert "of another training: ['max_epochs'] differ" in line
    done("fit", data_file, *options, "--out", out, "--resume")
    assert names_in(out) == FILES | FIGURES | OF_TESTS | OF_CLASSES
    found, whole = (pd.read_csv(each / "metrics.csv") for each in (out, fitted[0]))
    pd.testing.assert_frame_equal(found, whole, rtol=1e-4)


def test_predict(fitted, data_file, tmp_path):
    mdata = read_mudata(fitted[0] / "integrated.h5mu")
    out = tmp_path / "predictions.csv"
    done("predict", fitted[0], data_file, "--out", out)
    table = pd.read_csv(out, index_col=0)
    assert list(table.columns) == ["predicted", "probability", "set", "p_value", "modalities"]
    assert table["p_value"].between(0, 1).all()
    assert set(" | ".join(table["set"].dropna()).split(" | ")) <= set(table["predicted"])
    assert table["modalities"].iloc[0] == " | ".join(
        name for name, adata in mdata.mod.items() if table.index[0] in adata.obs_names
    )
    assert list(table.index) == list(mdata.obs_names)
    assert list(table["predicted"]) == list(mdata.obs["modis_predicted"])
    np.testing.assert_allclose(table["probability"], mdata.obs["modis_probability"], rtol=1e-5)

    assert "exists" in error_line("predict", fitted[0], data_file, "--out", out)
    options = ["--modality", "protein", "--soft", "--force", "--out", out]
    done("predict", fitted[0] / "model", data_file, *options)
    table = pd.read_csv(out, index_col=0)
    own = mdata.mod["protein"].obs
    assert list(table.index) == list(own.index)
    assert list(table["predicted"]) == list(own["modis_predicted"])
    soft = table.filter(like="probability_class_")
    assert soft.shape == (len(own), 5)
    np.testing.assert_allclose(soft.sum(axis=1), 1, rtol=1e-5)


def test_translate(fitted, data_file, tmp_path):
    source, out = read_mudata(data_file), tmp_path / "protein.h5ad"
    pair = ["--source", "expression", "--target", "protein"]
    done("translate", fitted[0], data_file, *pair, "--out", out)
    translated = ad.read_h5ad(out)
    assert list(translated.obs_names) == list(source.mod["expression"].obs_names)
    assert list(translated.var_names) == list(source.mod["protein"].var_names)
    # a link is replaced, and what it names stays
    table = tmp_path / "protein.csv"
    table.symlink_to(mine := tmp_path / "mine.txt")
    mine.write_text("keep")
    done("translate", fitted[0], data_file, *pair, "--out", table, "--force")
    values = pd.read_csv(table, index_col="observation")
    pd.testing.assert_frame_equal(values, translated.to_df(), check_dtype=False, check_names=False)
    assert mine.read_text() == "keep"
    pair[-1] = "rna"
    line = error_line("translate", fitted[0], data_file, *pair, "--out", tmp_path / "x.h5ad")
    assert "Unknown modality 'rna'" in line


def test_demo(tmp_path):
    out = tmp_path / "deep" / "demo"
    done("demo", "--samples", 100, "--max-epochs", 1, "--out", out)
    assert names_in(out) == FILES | FIGURES | OF_TESTS | OF_CLASSES
    metrics = pd.read_csv(out / "metrics.csv")["metric"].value_counts()
    assert metrics["mse_per_variance"] == 9
    assert metrics["mse_per_variance_class_average"] == 3


@pytest.mark.parametrize("linked", [False, True])
def test_without_labels_the_report_says_what_is_missing(linked, data_file, tmp_path):
    options = []
    if linked:
        options = ["--links", tmp_path / "links.csv"]
        intersim(30).uns["feature_links"].to_csv(options[1], index=False)
    out = tmp_path / "out"
    done("fit", data_file, "--max-epochs", 1, *options, "--out", out)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "No classes were learned" in page
    assert "Classification accuracy" not in page
    assert ("Feature links" in page) == linked
    assert ("Only the linked features align" in page) == linked
    # what was measured twice can be judged without labels
    assert names_in(out) == FILES | FIGURES | OF_TESTS


def test_one_class_only(data_file, tmp_path):
    out = tmp_path / "out"
    printed = done("fit", data_file, "--labels-key", "one", "--max-epochs", 1, "--out", out)
    assert "Note: Fewer than two classes" in printed
    columns = set(read_mudata(out / "integrated.h5mu").obs)
    assert "modis_split" in columns
    assert "modis_predicted" not in columns


def test_benchmark(data_file, tmp_path):
    out = tmp_path / "out"
    arguments = ["--labels-key", "label", "--splits", 2, "--tasks", "classes,few", "--out", out]
    arguments += ["--labels-per-class", 3, "--max-epochs", 1, "--methods", "modis,lr,linked-lr"]
    printed = done("benchmark", data_file, *arguments)
    assert "logistic regression on linked features is left out: " in printed
    assert names_in(out) >= {"results.csv", "table.md", "forest.png", "report.html"}
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.index("A simple method") < page.index("data:image/png") < page.index("log loss")
    (out / "report.html").unlink()
    (out / "report.html").symlink_to(tmp_path / "mine.html")
    assert "8 runs, 8 of them done before" in done("benchmark", data_file, *arguments)
    assert names_in(tmp_path) == {"out"}


def test_reproduce(tmp_path):
    out = tmp_path / "deep" / "out"
    arguments = ["corrupted", "--samples", 150, "--max-epochs", 1, "--seeds", 1, "--out", out]
    arguments += ["--settings", "corrupted-20"]
    printed = done("reproduce", *arguments)
    tables = {"results.csv", "table.csv", "table.md"}
    assert names_in(out) == {"runs", "corrupted.png"} | tables
    assert set(pd.read_csv(out / "results.csv")["method"]) == {"default", "links"}
    assert (out / "table.md").read_text(encoding="utf-8") in printed
    assert "2 runs, 0 of them done before" in printed
    assert "2 runs, 2 of them done before" in done("reproduce", *arguments)
