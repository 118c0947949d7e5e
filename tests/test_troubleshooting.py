"""Every message that the package raises or warns with stands on the page of troubleshooting."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "modis"
PAGE = ROOT / "docs" / "troubleshooting.md"

HOLE = "\0"  # a part of a message that is known only at run time

# Messages that only a mistake in the package itself brings about: where, their beginning, and why.
EXEMPT = {
    ("dataloaders/_sampler.py", "There is no sample"): "setup refuses empty modalities before",
    ("nn/_decoder.py", "This decoder is conditioned"): "the module always gives the batches",
    ("nn/_projection.py", "n_components="): "the module sees all features if it has no more",
    ("nn/_discriminator.py", "This discriminator has no"): "MODIS.predict refuses before",
}


@dataclass(frozen=True)
class Message:
    """A text that may reach the user; its variable parts are holes."""

    where: str
    line: int
    text: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What an entry of the page must look like to be this message."""
        # a sentence may end in the "…" that stands for its variable part
        text = re.sub(rf"{HOLE}[.;](?= |$)", HOLE, self.text)
        return re.compile(".+".join(re.escape(part) for part in text.split(HOLE)))

    @property
    def n_fixed(self) -> int:
        return len(self.text.replace(HOLE, ""))

    @property
    def is_exempt(self) -> bool:
        return any(self.where == where and self.text.startswith(text) for where, text in EXEMPT)

    def __str__(self) -> str:
        return f"{self.where}:{self.line}: {self.text.replace(HOLE, '{...}')}"


class _Reader:
    """Texts that the expressions of one module may stand for."""

    def __init__(self, tree: ast.Module) -> None:
        self._functions = {
            node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
        }
        self._constants = _assignments(tree.body)

    def texts(self, node: ast.expr, scope: ast.AST, depth: int = 0) -> set[str]:
        if depth > 6:
            return {HOLE}
        again = lambda part: self.texts(part, scope, depth + 1)
        match node:
            case ast.Constant(value=str() as text):
                return {re.sub(r"%[sdr]", HOLE, text)}
            case ast.JoinedStr(values=parts):
                return _joined([again(part) for part in parts])
            case ast.FormattedValue(value=ast.Name() as value, conversion=-1):
                found = again(value)
                # a word that is looked up is an example like any other
                return found if all(len(text.split()) > 1 for text in found) else {HOLE}
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return _joined([again(left), again(right)])
            case ast.IfExp(body=body, orelse=other):
                return again(body) | again(other)
            case ast.Name(id=name):
                values = _assignments(ast.walk(scope)).get(name) or self._constants.get(name, [])
                return set().union(*map(again, values)) or {HOLE}
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                function = self._functions.get(name)
                if function is None:
                    return {HOLE}
                returned = [
                    self.texts(part.value, function, depth + 1)
                    for part in ast.walk(function)
                    if isinstance(part, ast.Return) and part.value is not None
                ]
                return set().union(*returned) or {HOLE}
        return {HOLE}


def _assignments(nodes) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found.setdefault(name, []).append(value)
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                found.setdefault(name, []).append(value)
    return found


def _joined(parts: list[set[str]]) -> set[str]:
    joined = {"".join(choice) for choice in product(*parts)}
    return {re.sub(f"{HOLE}+", HOLE, text) for text in joined}


def _raised(node: ast.AST) -> ast.expr | None:
    match node:
        case ast.Raise(exc=ast.Call(func=ast.Attribute(attr="Exit"))):
            return None  # a status, not a text
        case ast.Raise(exc=ast.Call(args=[first, *_])):
            return first
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id="warnings"), attr="warn"), args=[first, *_]
        ):
            return first
        case ast.Call(func=ast.Attribute(attr="warning" | "error"), args=[first, *_]):
            return first
    return None


def _walk(node: ast.AST, scope: ast.AST):
    for child in ast.iter_child_nodes(node):
        yield child, scope
        yield from _walk(child, child if isinstance(child, ast.FunctionDef) else scope)


def collect(source: Path = SOURCE) -> list[Message]:
    messages = []
    for path in sorted(source.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        reader = _Reader(tree)
        for node, scope in _walk(tree, tree):
            if (raised := _raised(node)) is not None:
                where = path.relative_to(source).as_posix()
                messages += [
                    Message(where, node.lineno, text)
                    for text in sorted(reader.texts(raised, scope))
                ]
    return messages


def entries(text: str) -> dict[str, str]:
    """Messages on the page, and what it says of each: a list of definitions."""
    found = {}
    for term, meaning in re.findall(r"^`([^`\n]+)`\n: +(.+)$", text, flags=re.MULTILINE):
        assert term not in found, f"twice on the page: {term}"
        found[term] = meaning
    return found


def explained(messages: list[Message], terms) -> dict[str, list[Message]]:
    """Messages by the entry that explains them: those with most fixed text that fit it."""
    found = {}
    for term in terms:
        fitting = [message for message in messages if message.pattern.fullmatch(term)]
        most = max((message.n_fixed for message in fitting), default=0)
        found[term] = [message for message in fitting if message.n_fixed == most]
    return found


@pytest.fixture(scope="module")
def messages() -> list[Message]:
    return collect()


@pytest.fixture(scope="module")
def page() -> dict[str, str]:
    return entries(PAGE.read_text(encoding="utf-8"))


def test_every_message_is_on_the_page(messages, page):
    on_page = {message for found in explained(messages, page).values() for message in found}
    missing = [str(m) for m in messages if m not in on_page and not m.is_exempt]
    assert not missing, "not in docs/troubleshooting.md:\n" + "\n".join(missing)


def test_every_entry_can_be_met(messages, page):
    stale = [term for term, found in explained(messages, page).items() if not found]
    assert not stale, "no code says any more:\n" + "\n".join(stale)


def test_every_entry_says_what_to_do(page):
    assert [term for term, meaning in page.items() if len(meaning.split()) < 3] == []


def test_every_exemption_is_needed(messages, page):
    on_page = {message for found in explained(messages, page).values() for message in found}
    for where, text in EXEMPT:
        exempt = [m for m in messages if m.where == where and m.text.startswith(text)]
        assert exempt, f"{where} does not say {text!r}"
        assert not on_page.intersection(exempt), f"{text!r} is on the page"


def test_every_message_has_fixed_text(messages):
    """Nothing could be searched for otherwise, and any entry would do."""
    assert [str(m) for m in messages if len(m.text.replace(HOLE, "").split()) < 2] == []


SAMPLE = """
import warnings

def check(name, n, kind):
    if n == 0:
        raise ValueError(f"Modality '{name}' is empty.")
    if n == 1:
        msg = f"{name} has one sample."
        raise KeyError(msg)
    what = "no file" if kind else "no folder"
    warnings.warn(f"There is {what} " + "called so.", UserWarning)
    logger.warning("%d rows were dropped.", n)
    raise TypeError(_text(name)) from None

def _text(name):
    return f"{name}: not text."
"""


def test_what_is_collected(tmp_path):
    (tmp_path / "module.py").write_text(SAMPLE)
    messages = collect(tmp_path)
    assert len(messages) == 6
    terms = {
        "Modality 'rna' is empty.": True,
        "Modality … is empty.": False,
        "rna has one sample.": True,
        "There is no file called so.": True,
        "There is no folder called so.": True,
        "There is no thing called so.": False,
        "x rows were dropped.": True,
        "rna: not text.": True,
        "rna: not text": False,
    }
    assert {term: bool(found) for term, found in explained(messages, terms).items()} == terms


def test_an_entry_goes_to_the_message_that_it_fits_best():
    vague = Message("a.py", 1, f"{HOLE} is empty.")
    exact = Message("a.py", 2, f"{HOLE}: x is empty.")
    found = explained([vague, exact], ["y: x is empty.", "y is empty."])
    assert found == {"y: x is empty.": [exact], "y is empty.": [vague]}
