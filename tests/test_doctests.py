"""Every example in a docstring runs, as a user would run it, against the installed package."""

import doctest
import importlib
import io
import re
from pathlib import Path

import pytest

import modis

ROOT = Path(modis.__file__).parent
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

# Chosen by their text: importing every module just to look for examples would cost every run.
N_PROMPTS = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): n
    for path in sorted(ROOT.rglob("*.py"))
    if (n := len(re.findall(r"(?m)^\s*>>> ", path.read_text(encoding="utf-8"))))
    # half a minute, for what datasets/test_public_data.py asks too
    and path.stem != "_tcga"
}
#: Modules whose examples download files, and the copies of those.
DOWNLOADS = {"modis.datasets._pbmc_mosaic": "pbmc_mosaic"}


@pytest.mark.usefixtures("quiet_tables")
@pytest.mark.parametrize("name", N_PROMPTS)
def test_examples(name, tmp_path, monkeypatch, request):
    module = importlib.import_module(name)
    # Empty globals: an example may use only what it imports itself.
    found = doctest.DocTestFinder().find(module, globs={})
    # doctest passes over what it cannot reach
    examples = [example for test in found for example in test.examples]
    assert len(examples) == N_PROMPTS[name]
    assert [example.source for example in examples if example.options.get(doctest.SKIP)] == []

    if name in DOWNLOADS:
        folder = request.getfixturevalue("shared_data") / "raw" / DOWNLOADS[name]
        copies = {path.name: path for path in folder.iterdir()}
        monkeypatch.setattr(module, "fetch_sources", lambda dataset: copies)
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    report = io.StringIO()
    for test in found:
        runner.run(test, out=report.write)
    assert runner.failures == 0, report.getvalue()
