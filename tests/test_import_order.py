"""The house: which room may import which, and what no room may hold."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "modis"
MAX_LINES = 400
FORBIDDEN_NAMES = {"helper", "helpers", "util", "utils"}

# Bottom to top; a room imports itself and the layers below, never its neighbours in a layer.
LAYERS = [
    ["_constants"],
    ["data", "nn"],
    ["dataloaders", "module"],
    ["train"],
    ["model"],
    ["studies"],
    ["report"],
    ["cli"],
]
# These import no other room. Arrays go in: so whatever computes may call the metrics, while
# data sets are for the rooms at the top, and so are plots, but that the model names their colours.
BESIDE = {
    "metrics": ["train", "model", "studies", "report", "cli"],
    "pl": ["model", "studies", "report", "cli"],
    "datasets": ["studies", "report", "cli"],
    "links": ["studies", "report", "cli"],
}


def allowed_edges() -> dict[str, set[str]]:
    allowed: dict[str, set[str]] = {room: set() for room in BESIDE}
    below: set[str] = set()
    for layer in LAYERS:
        allowed |= {room: set(below) for room in layer}
        below |= set(layer)
    for room, callers in BESIDE.items():
        for caller in callers:
            allowed[caller].add(room)
    return allowed


ALLOWED = allowed_edges()


def imported(tree: ast.AST, parts: tuple[str, ...]) -> list[tuple[int, str]]:
    """Lines and full names of what a module imports of modis; `parts` is its package."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.append((node.lineno, node.module or ""))
        elif isinstance(node, ast.ImportFrom):
            base = [".", *parts[: len(parts) - node.level + 1]]
            if node.level > len(parts):
                base = ["beyond modis"]
            if node.module:
                base += node.module.split(".")
            # `from .. import metrics`: the names are the rooms
            names = [alias.name for alias in node.names] if base == [".", "modis"] else [""]
            found += [(node.lineno, ".".join([*base, name]).rstrip(".")) for name in names]
    return found


def import_problems(path: Path, root: Path) -> list[str]:
    """Imports of one module that run against the order."""
    relative = path.relative_to(root)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    room = relative.with_suffix("").parts[0]
    at_root = relative.parts == ("__init__.py",)
    if not at_root and room not in ALLOWED:
        return [f"{relative}: {room} is no room of the house"]
    problems = []
    for line, name in imported(tree, ("modis", *relative.parts[:-1])):
        where = f"{relative}:{line}"
        if name.split(".")[0] == "modis":
            problems.append(f"{where}: imports {name} by its full name")
        elif name.startswith("beyond modis"):
            problems.append(f"{where}: relative import leaves the package")
        elif name.startswith("..modis"):
            target = name.removeprefix("..modis").strip(".").split(".")[0]
            if target not in ALLOWED:
                problems.append(f"{where}: imports modis.{target}, which is no room")
            elif not at_root and target != room and target not in ALLOWED[room]:
                problems.append(f"{where}: {room} must not import {target}")
    return problems


def shape_problems(path: Path, root: Path) -> list[str]:
    """What a module is called, how long it is, and what an `__init__` holds."""
    relative = path.relative_to(root)
    text = path.read_text(encoding="utf-8")
    problems = [
        f"{relative}: say what it does, not {part}"
        for part in relative.with_suffix("").parts
        if part.strip("_") in FORBIDDEN_NAMES
    ]
    if len(text.splitlines()) > MAX_LINES:
        problems.append(f"{relative}: {len(text.splitlines())} lines, above {MAX_LINES}")
    # The package's own __init__ may load its rooms lazily.
    if path.name == "__init__.py" and path.parent != root:
        body = ast.parse(text).body
        lists_names = False
        for node in body:
            if is_all(node):
                lists_names = True
            elif not isinstance(node, ast.Import | ast.ImportFrom) and not is_docstring(node):
                problems.append(f"{relative}:{node.lineno}: more than imports and __all__")
        if not lists_names:
            problems.append(f"{relative}: no __all__")
    return problems


def is_all(node: ast.stmt) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)


def is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


MODULES = sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_module_keeps_the_order(path: Path) -> None:
    assert import_problems(path, SOURCE) == []
    assert shape_problems(path, SOURCE) == []


@pytest.mark.parametrize("room", ["data", "model", "metrics", "pl", "datasets"])
def test_the_rooms_are_there(room: str) -> None:
    assert SOURCE / room / "__init__.py" in MODULES


# Rooms whose modules form no circle of imports, those under TYPE_CHECKING included.
WITHOUT_CIRCLES = ["studies"]


def module_graph(paths: list[Path], root: Path) -> dict[str, set[str]]:
    """By module, the modules of its own room that it imports, in whatever block."""
    graph = {}
    for path in paths:
        parts = path.relative_to(root).with_suffix("").parts
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found = [name for _, name in imported(tree, ("modis", *parts[:-1]))]
        prefix = f"..modis.{parts[0]}."
        graph[parts[-1]] = {
            n.removeprefix(prefix).split(".")[0] for n in found if n.startswith(prefix)
        }
    return graph


def circle_in(graph: dict[str, set[str]]) -> str | None:
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return " -> ".join(error.args[1])
    return None


@pytest.mark.parametrize("room", WITHOUT_CIRCLES)
def test_no_circle_of_imports(room: str) -> None:
    graph = module_graph(sorted((SOURCE / room).glob("*.py")), SOURCE)
    assert any(graph.values())
    assert circle_in(graph) is None


def test_a_circle_under_type_checking_is_seen(tmp_path: Path) -> None:
    room = tmp_path / "pl"
    room.mkdir()
    (room / "_a.py").write_text("from ._b import x\n")
    (room / "_b.py").write_text("if TYPE_CHECKING:\n    from ._a import y\n")
    graph = module_graph(sorted(room.glob("*.py")), tmp_path)
    assert graph == {"_a": {"_b"}, "_b": {"_a"}}
    assert circle_in(graph) is not None


# Each: file, its text, what must be said of it (None: nothing).
MADE_UP = [
    ("data/_fields.py", "from .._constants import KEYS\nfrom ._labels import x\n", None),
    ("model/_modis.py", "import numpy\nfrom ..train import Plan\nfrom .. import metrics\n", None),
    ("cli.py", "def demo():\n    from .studies import run\n    from . import pl\n", None),
    ("__init__.py", "from .model import MODIS\n\ndef __getattr__(name): ...\n", None),
    ("nn/_net.py", "from ..data import Labels\n", "nn must not import data"),
    ("nn/_net.py", "def f():\n    from ..model._modis import MODIS\n", "_net.py:2: nn must not"),
    ("data/deep/_x.py", "from ...train import Plan\n", "data must not import train"),
    ("metrics/_mix.py", "from .. import pl\n", "metrics must not import pl"),
    ("pl/_latent.py", "from .._constants import KEYS\n", "pl must not import _constants"),
    ("module/_loss.py", "from ..dataloaders import x\n", "module must not import dataloaders"),
    ("train/_plan.py", "import modis.module\n", "by its full name"),
    ("train/_plan.py", "from modis import MODIS\n", "by its full name"),
    ("train/_plan.py", "from .. import __version__\n", "modis.__version__, which is no room"),
    ("train/_plan.py", "from ...other import x\n", "leaves the package"),
    ("tools/_x.py", "", "tools is no room"),
    ("data/_utils.py", "", "not _utils"),
    ("data/helpers/__init__.py", "__all__ = []\n", "not helpers"),
    ("data/_long.py", "x = 1\n" * (MAX_LINES + 1), "401 lines"),
    ("data/__init__.py", "from ._x import y\n", "no __all__"),
    ("data/__init__.py", "__all__ = ['y']\ny = 1\n", "__init__.py:2: more than imports"),
    ("data/__init__.py", '"""Data."""\n__all__ = ["y"]\n\nfrom ._x import y\n', None),
]


@pytest.mark.parametrize(("name", "text", "said"), MADE_UP)
def test_the_checker_sees_it(name: str, text: str, said: str | None, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    problems = import_problems(path, tmp_path) + shape_problems(path, tmp_path)
    if said is None:
        assert problems == []
    else:
        assert len(problems) == 1
        assert said in problems[0]
