"""Every example in a docstring runs, as a user would run it, against the installed package."""

from __future__ import annotations

import doctest
import importlib
import io
import logging
import re
from pathlib import Path

import pytest

import modis

ROOT = Path(modis.__file__).parent
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# Chosen by their text: importing every module just to look for examples would cost every run.
MODULES = {
    module_name(path): len(prompts)
    for path in sorted(ROOT.rglob("*.py"))
    if (prompts := re.findall(r"(?m)^\s*>>> ", path.read_text(encoding="utf-8")))
}


def find_examples(name: str) -> list[doctest.DocTest]:
    module = importlib.import_module(name)
    # Empty globals: an example may use only what it imports itself.
    return [test for test in doctest.DocTestFinder().find(module, globs={}) if test.examples]


@pytest.mark.parametrize("name", MODULES)
def test_examples(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    found = find_examples(name)
    if name == "modis.datasets._public":
        monkeypatch.setenv("MODIS_DATA_DIR", str(request.getfixturevalue("shared_data")))
    monkeypatch.chdir(tmp_path)
    # After the import, which sets the level: the table that setup_mudata logs is for the user's
    # screen, not for the examples.
    importlib.import_module("scvi")
    monkeypatch.setattr(logging.getLogger("scvi"), "level", logging.WARNING)
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    report = io.StringIO()
    for example in found:
        runner.run(example, out=report.write)
    assert runner.failures == 0, report.getvalue()


@pytest.mark.parametrize(("name", "n_prompts"), MODULES.items())
def test_no_example_is_left_out(name: str, n_prompts: int) -> None:
    """What doctest finds is what the text holds; it passes over what it cannot reach."""
    found = [example for test in find_examples(name) for example in test.examples]
    assert len(found) == n_prompts
    skipped = [each.source for each in found if each.options.get(doctest.SKIP)]
    assert skipped == []
