"""The package from outside: its version, its names, the price of importing it, its texts."""

import ast
import csv
import importlib
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import time
import tomllib
import typing
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

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


def public_modules() -> list[ModuleType]:
    names = [each.name for each in pkgutil.iter_modules(modis.__path__, "modis.")]
    names = [name for name in names if not name.split(".")[-1].startswith("_")]
    return [modis, *map(importlib.import_module, names)]


def test_namespaces_hold_nothing_of_others() -> None:
    """Names that an editor would offer, such as Any or TYPE_CHECKING."""
    for module in public_modules():
        for name, value in vars(module).items():
            home = value.__name__ if isinstance(value, ModuleType) else value.__class__.__module__
            home = getattr(value, "__module__", home)
            is_ours = home.startswith("modis") or name in module.__all__
            is_constant = name.isupper() and name != "TYPE_CHECKING"
            assert name.startswith("_") or is_ours or is_constant, (module, name)
        assert set(module.__all__) <= set(dir(module))


def test_words_to_choose_from_are_in_the_signatures() -> None:
    """An editor offers them, and a type checker knows the others."""
    from modis import MODIS
    from modis._constants import LIKELIHOOD_DOMAINS
    from modis.module import ADVERSARIAL, PRESETS, Architecture
    from modis.nn import DECODERS, NORMS, SCALINGS

    def words(function: Any, name: str) -> set[str]:
        hint = typing.get_type_hints(function)[name]
        literals = [x for x in (hint, *typing.get_args(hint)) if typing.get_origin(x) is Literal]
        return set(typing.get_args(literals[0]))

    assert words(MODIS.setup_mudata, "likelihood") == set(DECODERS) == set(LIKELIHOOD_DOMAINS)
    assert words(MODIS.__init__, "architecture") == set(PRESETS)
    assert words(MODIS.__init__, "adversarial") == set(ADVERSARIAL)
    assert words(MODIS.feature_importance, "baseline") == {"other_classes", "mean"}
    assert words(Architecture, "norm") == set(NORMS)
    assert words(Architecture, "scaling") == set(SCALINGS)
    assert words(Architecture, "discriminator_input") == {"mean", "draw"}


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


@pytest.mark.parametrize("folder", ["benchmarks", "scripts", "docs/extensions"])
def test_scripts_import_what_there_is(folder: str) -> None:
    for path in (REPOSITORY / folder).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("modis"):
                module = importlib.import_module(str(node.module))
                for name in (each.name for each in node.names if not hasattr(module, each.name)):
                    importlib.import_module(f"{node.module}.{name}")


# Written in pieces, or this file would hold the very words.
UNWANTED = {
    "an issue by number": r"(?i)\b(?:issue|ticket|pull request)s?\s*#?\d+\b|[\s(]#\d+[\s).,]",
    "a path of one machine": r"(?<![\w.])/(?:work|home|Users|root|tmp)" + r"/\w",
    "a package registry": r"(?i)\b(?:py" + r"pi|python" + r"hosted|ana" + r"conda)\.(?:org|com)\b",
    "a conflict marker": r"(?m)^(?:<{7}|>{7}) ",
}
BINARY = {".gz", ".h5mu", ".ico", ".npz", ".pdf", ".png"}


#: What users read is in the words of docs/glossary.md; tests/words.csv has what to write instead.
READ = r"(?:docs|src|tutorials)/.*\.(?:md|py|ipynb|svg)|(?:benchmarks/)?README\.md|CHANGELOG\.md"
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
