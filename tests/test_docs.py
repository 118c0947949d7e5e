"""The API reference is complete: every public name is listed, described, and shown at work."""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import re
import textwrap
from collections import Counter
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import modis
from modis import MODIS

API = Path(__file__).resolve().parents[1] / "docs" / "api"
#: Rooms that users import from.
ROOMS = ["datasets", "links", "metrics", "pl", "nn", "module", "train", "studies"]
#: Of `modis.__all__`: for those who work on the package itself.
INTERNAL = {"modis.model"}


def public_names() -> dict[str, Any]:
    """Every public object by the name that a user types."""
    found = {f"modis.{name}": getattr(modis, name) for name in modis.__all__}
    for room in ROOMS:
        module = importlib.import_module(f"modis.{room}")
        found |= {f"modis.{room}.{name}": getattr(module, name) for name in module.__all__}
    return {
        name: value
        for name, value in found.items()
        if name not in INTERNAL and not isinstance(value, ModuleType)
    }


def model_members() -> dict[str, Any]:
    """Methods and properties of the model that this package wrote or describes."""
    found = {}
    for name in dir(MODIS):
        member = inspect.getattr_static(MODIS, name)
        function = getattr(member, "fget", None) or getattr(member, "__func__", member)
        own = (getattr(function, "__module__", None) or "").startswith("modis.")
        if own and inspect.isroutine(function) and not name.startswith("_"):
            found[f"modis.MODIS.{name}"] = member
    return found


PUBLIC = public_names()
MEMBERS = model_members()
CONSTANTS = [
    name
    for name, value in PUBLIC.items()
    if not (inspect.isroutine(value) or inspect.isclass(value))
]
DESCRIBED = {name: value for name, value in (PUBLIC | MEMBERS).items() if name not in CONSTANTS}
CALLABLE = {
    name: getattr(value, "__func__", value)
    for name, value in DESCRIBED.items()
    if not isinstance(value, property)
}
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted(API.glob("*.md"))}


def listed(text: str) -> list[str]:
    """Names that the directives of a page document, in full."""
    names, room, inside = [], "modis", False
    for line in text.splitlines():
        if match := re.match(r"\.\. currentmodule:: (\S+)", line):
            room = match[1]
        elif match := re.match(r"\.\. auto(?:class|data|function):: (\S+)", line):
            names.append(f"{room}.{match[1]}")
        elif line.startswith(".. autosummary::"):
            inside = True
        elif inside and (match := re.fullmatch(r"   ([A-Za-z]\S*)", line)):
            names.append(f"{room}.{match[1]}")
        elif line and not line.startswith("   "):
            inside = False
    return names


# what toctrees lead to; the overview repeats some of it
LISTED = Counter(
    name for page, text in PAGES.items() if page != "index.md" for name in listed(text)
)


@pytest.mark.parametrize("name", [*PUBLIC, *MEMBERS])
def test_listed_once(name: str) -> None:
    assert LISTED[name] == 1, f"{name} stands {LISTED[name]} times on the pages of docs/api"


def test_nothing_else_is_listed() -> None:
    assert set(LISTED) - set(PUBLIC) - set(MEMBERS) == set()


def test_every_page_is_reached() -> None:
    entries = re.search(r"```\{toctree\}\n(?::.*\n)*\n?((?:\w+\n)+)```", PAGES["index.md"])
    assert entries is not None
    assert {f"{name}.md" for name in entries[1].split()} == set(PAGES) - {"index.md"}


def test_overview_has_every_member_of_the_model() -> None:
    assert set(MEMBERS) - set(listed(PAGES["index.md"])) == set()


@pytest.mark.parametrize("name", DESCRIBED)
def test_has_an_example(name: str) -> None:
    """It runs in tests/test_doctests.py, which collects by the same mark."""
    docstring = inspect.getdoc(DESCRIBED[name]) or ""
    assert re.search(r"(?m)^>>> ", docstring), f"{name} has no example"
    own = DESCRIBED[name].__doc__
    assert own, f"the docstring of {name} is another object's"


@pytest.mark.parametrize("name", DESCRIBED)
def test_is_written_in_a_module_whose_examples_run(name: str) -> None:
    value = DESCRIBED[name]
    function = getattr(value, "fget", None) or getattr(value, "__func__", value)
    source = inspect.getsourcefile(inspect.unwrap(function))
    assert source is not None
    assert Path(modis.__file__).parent in Path(source).parents


@pytest.mark.parametrize("name", CONSTANTS)
def test_constant_is_described(name: str) -> None:
    """By comments of the form that Sphinx reads, right above it."""
    room, _, own = name.rpartition(".")
    folder = Path(importlib.import_module(room).__file__ or "").parent
    texts = [path.read_text(encoding="utf-8") for path in folder.glob("*.py")]
    described = re.compile(rf"(?m)^#: .+\n{own}\b.* = ")
    assert any(described.search(text) for text in texts), f"{name} has no comment '#: ...'"


# docstrings and signatures ------------------------------------------------------------------


class Docstring:
    """Sections of a numpydoc docstring."""

    def __init__(self, text: str) -> None:
        parts = re.split(r"(?m)^(\w[\w ]*)\n-{3,}\n", inspect.cleandoc(text))
        self.summary = parts[0]
        self.sections = dict(zip(parts[1::2], parts[2::2], strict=True))

    def _entries(self, section: str) -> list[str]:
        heads = re.findall(r"(?m)^(\S.*)$", self.sections.get(section, ""))
        return [name.strip() for head in heads for name in head.split(",")]

    @cached_property
    def parameters(self) -> list[str]:
        return self._entries("Parameters")

    @cached_property
    def raises(self) -> list[str]:
        return self._entries("Raises")


SECTIONS = {
    *("Parameters", "Returns", "Yields", "Raises", "Warns"),
    *("Notes", "References", "Examples"),
}


def signature_names(function: Any) -> list[str]:
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    parameters = inspect.signature(inspect.unwrap(function)).parameters.values()
    return [
        stars.get(each.kind, "") + each.name
        for each in parameters
        if each.name not in ("self", "cls")
    ]


@pytest.mark.parametrize("name", CALLABLE)
def test_parameters_are_the_signature_s(name: str) -> None:
    function = CALLABLE[name]
    if inspect.isclass(function) and issubclass(function, tuple):
        return  # the fields of a named tuple are told in its text
    assert Docstring(function.__doc__).parameters == signature_names(function)


@pytest.mark.parametrize(
    "name", [name for name, value in CALLABLE.items() if not inspect.isclass(value)]
)
def test_returns_are_told(name: str) -> None:
    function = inspect.unwrap(CALLABLE[name])
    sections = Docstring(function.__doc__).sections
    told = {"Returns", "Yields"} & set(sections)
    returns = inspect.signature(function).return_annotation != "None"
    assert bool(told) == returns, f"{name} returns something: {returns}; sections: {sorted(told)}"


@pytest.mark.parametrize("name", CALLABLE)
def test_sections_are_known_and_full(name: str) -> None:
    sections = Docstring(CALLABLE[name].__doc__).sections
    assert set(sections) <= SECTIONS
    assert all(text.strip() for text in sections.values())


def raised_names(function: Any) -> set[str]:
    """Exceptions that the function's own body raises."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    calls = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc]
    return {
        call.func.id
        for call in calls
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
    }


@pytest.mark.parametrize(
    "name", [name for name, value in CALLABLE.items() if not inspect.isclass(value)]
)
def test_errors_are_told(name: str) -> None:
    function = inspect.unwrap(CALLABLE[name])
    told = Docstring(function.__doc__).raises
    known = tuple(getattr(builtins, each) for each in told)  # our own are kinds of these
    for raised in raised_names(function):
        error = getattr(builtins, raised, None) or getattr(inspect.getmodule(function), raised)
        assert issubclass(error, known), f"{name} raises {raised}, and tells {told}"


def test_the_parser_sees_what_is_there() -> None:
    text = """One line.

    Parameters
    ----------
    first, second
        Two.
    **kwargs
        Rest.

    Raises
    ------
    ValueError
        Always.
    """
    found = Docstring(text)
    assert found.parameters == ["first", "second", "**kwargs"]
    assert found.raises == ["ValueError"]
    assert found.summary.strip() == "One line."
