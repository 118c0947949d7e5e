import errno
import re
from unittest import mock

from ._run import error_line, names_in


def test_missing_files(tmp_path):
    missing, source = tmp_path / "none.h5mu", tmp_path / "a.h5mu"
    source.touch()
    for command in (["fit"], ["predict", tmp_path], ["benchmark", "--labels-key", "label"]):
        assert "There is no file" in error_line(*command, missing, "--out", tmp_path / "out")
    line = error_line("fit", tmp_path / "\x1b[31m.h5mu", "--out", tmp_path / "out")
    assert "There is no file" in line
    assert line.isprintable()
    line = error_line("predict", tmp_path, source, "--out", tmp_path / "out.csv")
    assert "There is no model in the folder" in line
    assert names_in(tmp_path) == {"a.h5mu"}


def test_results_are_not_lost(tmp_path):
    source = tmp_path / "integrated.h5mu"
    source.write_text("keep")
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("keep")
    for command in (["demo"], ["fit", source]):
        line = error_line(*command, "--out", out)
        assert "not empty" in line
        assert "--force" in line
    for command in (
        ["fit", source, "--force"],
        ["benchmark", source, "--labels-key", "label"],
        ["reproduce", "fig2", "--data", source],
    ):
        assert "lies in --out" in error_line(*command, "--out", tmp_path)
    (model := tmp_path / "results" / "model").mkdir(parents=True)
    (model / "model.json").write_text("keep")
    for name, said in (
        (source, "overwrite the input"),
        (model / "x.csv", "in the folder of the model"),
        (tmp_path / "x.xlsx", "must end with .csv"),
    ):
        assert said in error_line("predict", model.parent, source, "--out", name, "--force")
    broken = OSError(errno.EROFS, "Read-only file system")
    for name, how in (
        ("tempfile.TemporaryFile", {"side_effect": broken}),
        ("shutil.disk_usage", {"return_value": mock.Mock(free=3)}),
    ):
        with mock.patch(name, **how):
            line = error_line("fit", source, "--out", tmp_path / "deep" / "out")
        assert re.search("Nothing can be written .*(Read-only|disk is full)", line)
    for name, make in (
        ("report.html", lambda path: path.mkdir()),
        ("model", lambda path: path.write_text("mine")),
        ("model", lambda path: path.symlink_to(model)),
        ("scores", lambda path: path.symlink_to(model)),
    ):
        make(path := out / name)
        line = error_line("fit", source, "--out", out, "--force")
        assert f"'{path}' is in the way" in line
        path.rmdir() if name == "report.html" else path.unlink()
    for command in (["benchmark", source, "--labels-key", "label"], ["reproduce", "fig2"]):
        assert "is a file; name a folder" in error_line(*command, "--out", source)
    kept = (source, out / "mine.txt", model / "model.json")
    for command, name in (
        (["benchmark", source, "--labels-key", "label"], "forest.png"),
        (["benchmark", source, "--labels-key", "label"], "results.csv"),
        (["reproduce", "fig2"], "table.md"),
        (["reproduce", "fig2"], "fig2_links.png"),
    ):
        for of_another in ("mine", "scores"):
            (out / of_another).mkdir()
            (out / name).write_text("mine")
            line = error_line(*command, "--out", out)
            assert f"'{out / name}' was not made by modis {command[0]}" in line
            assert (out / name).read_text() == "mine"
            (out / name).unlink()
            (out / of_another).rmdir()
    assert {path.read_text() for path in kept} == {"keep"}
    assert names_in(tmp_path) == {"integrated.h5mu", "out", "results"}
