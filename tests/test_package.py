"""The package from outside: its version, its names, the price of importing it, its texts."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

import modis

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = Path(modis.__file__).parent

# Together these take more than ten seconds to import.
HEAVY = {"anndata", "lightning", "matplotlib", "mudata", "muon", "scanpy", "scvi", "torch"}


def test_version_is_the_one_in_pyproject() -> None:
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert modis.__version__ == tomllib.loads(text)["project"]["version"]


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = modis.no_such_name


HELP = """
import sys
sys.argv = ["modis", "--help"]
from modis.cli import app
try:
    app()
except SystemExit as stop:
    assert not stop.code
print("LOADED", *sys.modules)
"""


def test_help_is_light_and_quick() -> None:
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    seconds = []
    for _ in range(3):  # the best of three: another process may hold the machine
        started = time.perf_counter()
        command = [sys.executable, "-c", HELP]
        shown = subprocess.check_output(command, env=environment, text=True, timeout=60)
        seconds.append(time.perf_counter() - started)
        if seconds[-1] < 1:
            break
    shown, loaded = shown.split("LOADED")
    assert {"demo", "fit"} <= set(shown.split())
    assert HEAVY.isdisjoint(loaded.split())
    assert min(seconds) < 1.5


# Written in pieces, or this file would hold the very words.
UNWANTED = {
    "an issue by number": r"(?i)\b(?:issue|ticket|pull request)s?\s*#?\d+\b|[\s(]#\d+[\s).,]",
    "a path of one machine": r"(?<![\w.])/(?:work|home|Users|root|tmp)" + r"/\w",
    "a package registry": r"(?i)\b(?:py" + r"pi|python" + r"hosted|ana" + r"conda)\.(?:org|com)\b",
    "a conflict marker": r"(?m)^(?:<{7}|>{7}) ",
}
BINARY = {".gz", ".h5mu", ".ico", ".npz", ".pdf", ".png"}


#: What users read is in the words of docs/glossary.md; tests/words.csv has what to write instead.
READ = r"(?:docs|tutorials)/.*\.(?:md|py|ipynb|svg)|(?:benchmarks/)?README\.md|CHANGELOG\.md"
WORDS = {
    f"{row['instead']!r} for {row['pattern']!r}": rf"(?i)(?<![\w-])(?:{row['pattern']})\b"
    for row in csv.DictReader((REPOSITORY / "tests" / "words.csv").read_text("utf-8").splitlines())
}


def prose(path: Path, text: str) -> str:
    """What is written, without what a program prints; messages where they are raised."""
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        return "\n".join("".join(cell["source"]) for cell in cells if "outputs" not in cell)
    if path.suffix == ".py":
        return "\n".join(re.findall(r'(?s)""".*?"""|"[^"\n]*"', text))
    return re.sub(r"(?m)^`.+`$", "", text)


def test_texts_hold_no_word_of_the_workplace_and_no_odd_one() -> None:
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout")
    # files that are tracked, or would be
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.check_output(command, cwd=REPOSITORY, text=True).split("\0")
    paths = [REPOSITORY / name for name in listed if name and Path(name).suffix not in BINARY]
    found = []
    for path in filter(Path.is_file, paths):
        name, text = str(path.relative_to(REPOSITORY)), path.read_text("utf-8", "replace")
        searched = [(UNWANTED, text)]
        searched += [(WORDS, prose(path, text))] if re.fullmatch(READ, name) else []
        for patterns, text in searched:
            for what, pattern in patterns.items():
                for match in re.finditer(pattern, text):
                    line = text.count("\n", 0, match.start()) + 1
                    found.append(f"{name}:{line}: {what}: {match.group()!r}")
    assert found == []
