"""Every message that the package raises or warns with is on the pages of troubleshooting."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path

ROOT = Path(__file__).parents[1]

HOLE = "\0"  # a part of a message that is known only at run time

# Messages that only a mistake in the package itself brings about: where, their beginning, and why.
EXEMPT = {
    ("model/_archive.py", "wrong checksum"): "the reader says it in a sentence",
    ("dataloaders/_sampler.py", "There is no sample"): "setup refuses empty modalities before",
    ("nn/_decoder.py", "This decoder is conditioned"): "the module always gives the batches",
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
    def fixed(self) -> str:
        return self.text.replace(HOLE, "")

    def __str__(self) -> str:
        return f"{self.where}:{self.line}: {self.text.replace(HOLE, '{...}')}"


def texts(node: ast.AST, scope: ast.AST, module: ast.Module) -> set[str]:
    """What an expression may say, inside a function (the scope) of a module."""
    again = lambda part: texts(part, scope, module)
    match node:
        case ast.Constant(value=str() as text):
            return {text}
        case ast.JoinedStr(values=parts):
            joined = map("".join, product(*map(again, parts)))
            return {re.sub(f"{HOLE}+", HOLE, text) for text in joined}
        case ast.FormattedValue(value=ast.Name() as value, conversion=-1):
            found = again(value)
            # a word that is looked up is an example like any other
            return found if all(len(text.split()) > 1 for text in found) else {HOLE}
        case ast.IfExp(body=body, orelse=other):
            return again(body) | again(other)
        case ast.Name(id=name):
            values = [
                each.value
                for each in ast.walk(scope)
                if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == name
            ]
            return set().union(*map(again, values)) or {HOLE}
        case ast.Call(func=ast.Name(id=name)):
            returned = [
                texts(part.value, function, module)
                for function in ast.walk(module)
                if isinstance(function, ast.FunctionDef) and function.name == name
                for part in ast.walk(function)
                if isinstance(part, ast.Return) and part.value is not None
            ]
            return set().union(*returned) or {HOLE}
    return {HOLE}


def said(node: ast.AST) -> ast.expr | None:
    """What a statement raises, or warns with."""
    match node:
        case ast.Raise(exc=ast.Call(func=ast.Attribute(attr="Exit"))):
            return None  # a status, not a text
        case ast.Raise(exc=ast.Call(args=[first, *_])):
            return first
        case ast.Call(func=ast.Attribute(attr="warn" | "warning"), args=[first, *_]):
            return first
    return None


def walk(node: ast.AST, scope: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    for child in ast.iter_child_nodes(node):
        yield child, scope
        yield from walk(child, child if isinstance(child, ast.FunctionDef) else scope)


def collect(source: Path) -> list[Message]:
    messages = []
    for path in sorted(source.rglob("*.py")):
        module, where = ast.parse(path.read_text(encoding="utf-8")), path.relative_to(source)
        for node, scope in walk(module, module):
            if (raised := said(node)) is not None:
                for text in sorted(texts(raised, scope, module)):
                    messages.append(Message(where.as_posix(), node.lineno, text))
    return messages


def entries(text: str) -> dict[str, str]:
    """Messages on the page, and what it says of each: a list of definitions."""
    found = {}
    for term, meaning in re.findall(r"^`([^`\n]+)`\n: +(.+)$", text, flags=re.MULTILINE):
        assert term not in found, f"twice on the page: {term}"
        found[term] = meaning
    return found


def explained(messages: list[Message], terms: Iterable[str]) -> dict[str, list[Message]]:
    """Messages by the entry that explains them: those with most fixed text that fit it."""
    found = {}
    for term in terms:
        fitting = [message for message in messages if message.pattern.fullmatch(term)]
        most = max((len(message.fixed) for message in fitting), default=0)
        found[term] = [message for message in fitting if len(message.fixed) == most]
    return found


MESSAGES = collect(ROOT / "src" / "modis")
PAGES = sorted((ROOT / "docs" / "troubleshooting").glob("*.md"))
ENTRIES = entries("\n".join(page.read_text(encoding="utf-8") for page in PAGES))
EXPLAINED = explained(MESSAGES, ENTRIES)


def test_every_message_is_on_the_page() -> None:
    """But for those that are exempt, each of which is one that the package has."""
    on_page = {message for found in EXPLAINED.values() for message in found}
    missing = [message for message in MESSAGES if message not in on_page]
    exempt = {
        key: [m for m in missing if m.where == key[0] and m.text.startswith(key[1])]
        for key in EXEMPT
    }
    assert [key for key, found in exempt.items() if not found] == []
    exempted = {message for found in exempt.values() for message in found}
    assert [str(message) for message in missing if message not in exempted] == []


def test_every_entry_can_be_met_and_says_what_to_do() -> None:
    assert [term for term, found in EXPLAINED.items() if not found] == []
    assert [term for term, meaning in ENTRIES.items() if len(meaning.split()) < 3] == []


def test_every_message_has_fixed_text() -> None:
    """Nothing could be searched for otherwise, and any entry would do."""
    assert [str(message) for message in MESSAGES if len(message.fixed.split()) < 2] == []
