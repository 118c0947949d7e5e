"""Every example in a docstring runs, as a user would run it, against the installed package."""

from __future__ import annotations

import doctest
import importlib
import io
import logging
from pathlib import Path

import pytest

import modis

ROOT = Path(modis.__file__).parent
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# Chosen by their text: importing every module just to look for examples would cost every run.
MODULES = sorted(
    module_name(path) for path in ROOT.rglob("*.py") if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if name == "modis.datasets._public":
        monkeypatch.setenv("MODIS_DATA_DIR", str(request.getfixturevalue("shared_data")))
    monkeypatch.chdir(tmp_path)
    # the table that setup_mudata logs is for the user's screen, not for the examples
    monkeypatch.setattr(logging.getLogger("scvi"), "level", logging.WARNING)
    module = importlib.import_module(name)
    # Empty globals: an example may use only what it imports itself.
    found = [test for test in doctest.DocTestFinder().find(module, globs={}) if test.examples]
    assert found, f"{name} shows an example that is in no docstring"
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    report = io.StringIO()
    for example in found:
        runner.run(example, out=report.write)
    assert runner.failures == 0, report.getvalue()
