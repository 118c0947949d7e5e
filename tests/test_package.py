"""The package from outside: its version, its names, the price of importing it, its texts."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
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


# texts ---------------------------------------------------------------------------------------

BINARY = {".gz", ".h5mu", ".ico", ".npz", ".pdf", ".png"}

#: By pattern, what it finds. Written in pieces, or this file would hold the very words.
UNWANTED = {
    r"(?i)\b(?:issue|ticket|pull request)s?\s*#?\d+\b|[\s(]#\d+[\s).,]": "an issue by number",
    r"(?<![\w.])/(?:work|home|Users|root|tmp)" + r"/\w": "a path of one machine",
    r"(?i)\b(?:py" + r"pi|python" + r"hosted|ana" + r"conda)\.(?:org|com)\b": "a registry",
    r"(?m)^(?:<{7}|>{7}) ": "a conflict marker",
}

#: What users read has the words of docs/glossary.md.
READ = r"(?:docs|tutorials)/.*\.(?:md|ipynb|svg)|(?:benchmarks/)?README\.md|CHANGELOG\.md"
#: By pattern of such a text, in lower case and with any white space: what to write instead.
WORDS = {
    "(?:an?|all|another|any|both|each|every|no|of|one|other|several|that|the|these|this|three|two"
    "|which|whatever|in|between|per|by|its) omics\\b(?! (?:data|field))": "modality",
    "omics (?:that|which|it|they|has|have|is|are|was|were|tables?|in|of)": "modality",
    "stand(?:s|ing)?(?! for)|stood": "is, are",
    "deal(?:s|t|ing)? (?:to|out|anew|at random)": "randomly assigned to",
    "less the (?:better|best)": "MODIS - best baseline",
    "the hardest of": "the best of",
    "in the dress of": "as",
    "taken for": "predicted as, used as",
    "games?": "adversarial loss",
    "beside": "compared with, next to, in addition to",
    "anew": "again",
    "by turns": "alternately",
    "left to chance": "random",
    "(?:the|their) like": "similar",
    "for want of": "because there are too few",
    "as ever": "as before",
    "surer": "more certain",
    "mend": "correct",
    "in truth": "leave it out",
    "(?:lies?|lay) (?:far )?apart": "separate",
    "(?:they|classes|groups|can) part": "separate",
    "heap": "without structure",
    "what comes back": "output",
    "judge it": "evaluate it",
    "judged by": "evaluated on",
    "finds? (?:itself|each other)": "true match",
    "fool(?:s|ed)?": "is misleading",
    "tells? of": "describes",
    "says so": "a warning, an error",
    "go(?:es)? on": "continue, resume",
    "knows? no": "does not have",
    "never saw": "has no samples of",
    "names? the class(?:es)?": "predict the class",
    "put aside|kept back": "held out",
    "carr(?:y|ies|ied) (?:over|across|labels)": "transfer",
    "of which the truth": "with known classes",
    "counts? alike": "have equal weight",
    "is (?:a|one) thing": "say it plainly",
    "twice over|over again": "again",
    "come by": "get",
}


def texts() -> Iterator[tuple[str, str]]:
    """Names and content of all files that are tracked, or would be."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(command, cwd=REPOSITORY, text=True).split("\0"):
        path = REPOSITORY / name
        if path.is_file() and path.suffix not in BINARY:
            yield name, path.read_text(encoding="utf-8")


def matches(patterns: dict[str, str], name: str, text: str) -> list[str]:
    return [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match.group()!r}: {meaning}"
        for pattern, meaning in patterns.items()
        for match in re.finditer(pattern, text)
    ]


def test_texts_hold_no_word_of_the_workplace() -> None:
    assert [found for name, text in texts() for found in matches(UNWANTED, name, text)] == []


def prose(name: str, text: str) -> str:
    """What is written in a text, without what a program printed or raises."""
    if name.endswith(".ipynb"):
        cells = [cell["source"] for cell in json.loads(text)["cells"] if "outputs" not in cell]
        return "\n".join("".join(source) for source in cells)
    return re.sub(r"(?m)^`.+`$", "", text)  # messages, above what is said of them


def test_what_users_read_is_in_plain_words() -> None:
    spaced = {
        rf"(?i)(?<![\w-])(?:{pattern})\b".replace(" ", r"\s+"): instead
        for pattern, instead in WORDS.items()
    }
    assert matches(spaced, "a", "Every omics\nstands here") != []
    read = [(name, prose(name, text)) for name, text in texts() if re.fullmatch(READ, name)]
    assert {Path(name).suffix for name, _ in read} == {".ipynb", ".md", ".svg"}
    assert [found for name, text in read for found in matches(spaced, name, text)] == []
