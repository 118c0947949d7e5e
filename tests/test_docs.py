"""The API reference is complete: every public name is listed, described, and shown at work.

The form of docstrings, private ones included, is for ruff and ``numpydoc lint`` (pyproject.toml):
that every method has one, too.
"""

import ast
import builtins
import importlib
import inspect
import re
import textwrap
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import modis
from modis import MODIS

API = Path(__file__).resolve().parents[1] / "docs" / "api"
SOURCE = Path(modis.__file__).parent
#: Not for users, or offering nothing by itself: what is in them is offered above, or typed.
INTERNAL = {"cli", "data", "dataloaders", "model", "report"}
ROOMS = sorted({path.parent.name for path in SOURCE.glob("*/__init__.py")} - INTERNAL)


def public_names() -> dict[str, Any]:
    """Every public object by the name that a user types."""
    found = {}
    for room in ["modis", *(f"modis.{room}" for room in ROOMS)]:
        module = importlib.import_module(room)
        found |= {f"{room}.{name}": getattr(module, name) for name in module.__all__}
    return {name: value for name, value in found.items() if not isinstance(value, ModuleType)}


def model_members() -> dict[str, Any]:
    """Methods and properties of the model that this package wrote or describes."""
    found = {}
    for name in dir(MODIS):
        function = function_of(inspect.getattr_static(MODIS, name))
        own = (getattr(function, "__module__", None) or "").startswith("modis.")
        if own and inspect.isroutine(function) and not name.startswith("_"):
            found[f"modis.MODIS.{name}"] = inspect.getattr_static(MODIS, name)
    return found


def function_of(member: Any) -> Any:
    """What a property, a class method or a decorated function was made from."""
    function = getattr(member, "fget", None) or getattr(member, "__func__", member)
    return inspect.unwrap(function) if inspect.isroutine(function) else function


PUBLIC, MEMBERS = public_names(), model_members()
CODE = {n: v for n, v in PUBLIC.items() if inspect.isroutine(v) or inspect.isclass(v)}
#: Fields of a named tuple are told in its text, and a property takes and raises nothing.
CALLABLE = {
    name: function_of(value)
    for name, value in (CODE | MEMBERS).items()
    if not isinstance(value, property)
    and not (inspect.isclass(value) and issubclass(value, tuple))
}
FUNCTIONS = {name: value for name, value in CALLABLE.items() if not inspect.isclass(value)}
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted(API.glob("*.md"))}


def listed(text: str) -> list[str]:
    """Names that the directives of a page document, in full."""
    names, room = [], "modis"
    # a line of a summary has three spaces and nothing but the name
    directives = r"\.\. (currentmodule|autoclass|autodata|autofunction):: "
    for directive, name in re.findall(rf"(?m)^(?:{directives}|   (?=[A-Za-z]\S*$))(\S+)", text):
        if directive == "currentmodule":
            room = name
        else:
            names.append(f"{room}.{name}")
    return names


def test_every_name_is_listed_once_and_nothing_else() -> None:
    # the overview repeats some of it
    pages = [text for page, text in PAGES.items() if page != "index.md"]
    assert Counter(name for text in pages for name in listed(text)) == Counter([*PUBLIC, *MEMBERS])


def test_overview_has_every_member_of_the_model() -> None:
    assert set(MEMBERS) - set(listed(PAGES["index.md"])) == set()


def test_functions_and_classes_have_an_example() -> None:
    """It runs in tests/test_doctests.py; that of a class shows its methods."""
    assert [n for n, v in CODE.items() if not re.search(r"(?m)^\s*>>> ", v.__doc__ or "")] == []


def test_constants_are_described() -> None:
    """By comments of the form that Sphinx reads, right above it."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    names = [name.rpartition(".")[2] for name in PUBLIC.keys() - CODE.keys()]
    assert [n for n in names if not re.search(rf"(?m)^#: .+\n{n}\b.* = ", text)] == []


def sections(value: Any) -> dict[str, list[str]]:
    """Entries of a numpydoc docstring by section."""
    parts = re.split(r"(?m)^(\w[\w ]*)\n-{3,}\n", inspect.cleandoc(value.__doc__ or ""))
    heads = [", ".join(re.findall(r"(?m)^\S.*$", body)).split(", ") for body in parts[2::2]]
    return dict(zip(parts[1::2], heads, strict=True))


def signature_names(function: Any) -> list[str]:
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    parameters = inspect.signature(function).parameters.values()
    names = [stars.get(each.kind, "") + each.name for each in parameters]
    return [name for name in names if name not in ("self", "cls")]


def untold_errors(function: Any) -> set[str]:
    """Exceptions that the function's own body raises, of no kind that its docstring tells."""
    # our own are kinds of these
    known = tuple(getattr(builtins, each) for each in sections(function).get("Raises", []))
    untold = set()
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        match node:
            case ast.Raise(exc=ast.Call(func=ast.Name(id=name))):
                error = getattr(builtins, name, None) or getattr(inspect.getmodule(function), name)
                untold |= set() if issubclass(error, known) else {name}
    return untold


def test_parameters_returns_and_errors_are_told() -> None:
    found = {name: sections(value) for name, value in CALLABLE.items()}
    told = {name: heads.get("Parameters", []) for name, heads in found.items()}
    assert told == {name: signature_names(value) for name, value in CALLABLE.items()}
    returns = {n for n, v in FUNCTIONS.items() if v.__annotations__["return"] is not None}
    assert {n for n in FUNCTIONS if found[n].keys() & {"Returns", "Yields"}} == returns
    assert {n: e for n, v in FUNCTIONS.items() if (e := untold_errors(v))} == {}
