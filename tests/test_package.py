"""The package from outside: its version, its names, the price of importing it, its texts."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import modis

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = Path(modis.__file__).parent
ROOMS = sorted(f"modis.{path.parent.name}" for path in PACKAGE.glob("*/__init__.py"))

# Together these take more than ten seconds to import.
HEAVY = {"anndata", "lightning", "matplotlib", "mudata", "muon", "scanpy", "scvi", "torch"}


def python(code: str) -> str:
    """Standard output of a fresh interpreter that finds the same modis."""
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_after(code: str) -> set[str]:
    report = "\nimport sys\nprint('LOADED', *sorted(name for name in sys.modules))"
    last = python(code + report).splitlines()[-1]
    assert last.startswith("LOADED")
    return set(last.split())


def test_version_is_the_one_installed() -> None:
    try:
        installed = metadata.version("modis-omics")
    except metadata.PackageNotFoundError:
        pytest.skip("modis is run from its source, not installed")
    assert modis.__version__ == installed


def test_version_is_the_one_in_pyproject() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    try:
        assert metadata.version("modis-omics") == project["version"]
    except metadata.PackageNotFoundError:
        pytest.skip("modis is run from its source, not installed")


@pytest.mark.parametrize("name", ["modis", *ROOMS])
def test_public_names_resolve(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__all__, f"{name} offers nothing"
    assert len(set(module.__all__)) == len(module.__all__)
    assert set(module.__all__) <= set(dir(module))
    assert [public for public in module.__all__ if not hasattr(module, public)] == []


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = modis.no_such_name


def test_import_is_light() -> None:
    assert loaded_after("import modis").isdisjoint(HEAVY)


HELP = """
import sys
sys.argv = ["modis", "--help"]
from modis.cli import app
try:
    app()
except SystemExit as stop:
    assert not stop.code
"""


def test_help_is_light() -> None:
    assert loaded_after(HELP).isdisjoint(HEAVY)


def test_help_is_quick() -> None:
    seconds = []
    for _ in range(3):  # the best of three: another process may hold the machine
        started = time.perf_counter()
        shown = python(HELP)
        seconds.append(time.perf_counter() - started)
        if seconds[-1] < 1:
            break
    assert "demo" in shown
    assert "fit" in shown
    assert min(seconds) < 1.5


# Written in pieces, or this file would hold the very words.
UNWANTED = {
    "an issue by number": r"(?i)\b(?:issue|ticket|pull request)s?\s*#?\d+\b|[\s(]#\d+[\s).,]",
    "a path of one machine": r"(?<![\w.])/(?:work|home|Users|root|tmp)" + r"/\w",
    "a package registry": r"(?i)\b(?:py" + r"pi|python" + r"hosted|ana" + r"conda)\.(?:org|com)\b",
    "a conflict marker": r"(?m)^(?:<{7}|>{7}) ",
}
BINARY = {".gz", ".h5mu", ".ico", ".npz", ".pdf", ".png"}


def project_files() -> list[Path]:
    """Files that are tracked, or would be."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        return []
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    paths = [REPOSITORY / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file() and path.suffix not in BINARY]


def test_texts_hold_no_word_of_the_workplace() -> None:
    paths = project_files()
    if not paths:
        pytest.skip("not a git checkout")
    found = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        for what, pattern in UNWANTED.items():
            for match in re.finditer(pattern, text):
                line = text.count("\n", 0, match.start()) + 1
                found.append(f"{path.relative_to(REPOSITORY)}:{line}: {what}: {match.group()!r}")
    assert found == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("as asked in issue " + "12", "an issue by number"),
        ("fixes (" + "#12)", "an issue by number"),
        ("read " + "/work" + "/main/src", "a path of one machine"),
        ("from https://py" + "pi.org/simple", "a package registry"),
    ],
)
def test_the_word_list_sees_it(text: str, what: str) -> None:
    assert [name for name, pattern in UNWANTED.items() if re.search(pattern, text)] == [what]


@pytest.mark.parametrize(
    "text", ["color: #333;", "'#1f77b4'", "# 1. Install", "a/work/b", "&#39;"]
)
def test_the_word_list_lets_pass(text: str) -> None:
    assert not any(re.search(pattern, text) for pattern in UNWANTED.values())
