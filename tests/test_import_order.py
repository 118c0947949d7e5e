"""The house: which room may import which, without a circle, and how large each may become."""

import ast
from collections.abc import Callable
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
TOP = ["studies", "report", "cli"]
BESIDE = {
    "metrics": ["train", "model", *TOP],
    "pl": ["model", *TOP],
    "datasets": TOP,
    "links": TOP,
    "linear": ["model"],
}

#: Lines that a room has at most, all rooms together, and their tests: what they had when this was
#: written. A number rises with a fault that is mended only.
BUDGETS = {
    "data": 1590,
    "nn": 515,
    "linear": 757,
    "module": 1175,
    "dataloaders": 500,
    "train": 434,
    "model": 3436,
    "links": 324,
    "metrics": 443,
    "pl": 1073,
    "datasets": 1926,
    "studies": 2837,
    "report": 979,
    "cli": 602,
    "src/modis": 16_670,
    "tests": 13_956,
}


def allowed_rooms() -> dict[str, set[str]]:
    """What each room may import."""
    allowed: dict[str, set[str]] = {room: set() for room in BESIDE}
    below: set[str] = set()
    for layer in LAYERS:
        allowed |= {room: set(below) for room in layer}
        below |= set(layer)
    for room, callers in BESIDE.items():
        for caller in callers:
            allowed[caller].add(room)
    return allowed


ALLOWED = allowed_rooms()


def imports(path: Path, root: Path) -> list[tuple[int, tuple[str, ...]]]:
    """What a module imports of modis, by line, also under TYPE_CHECKING and in functions."""
    package = path.relative_to(root).parts[:-1]
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            base += tuple(node.module.split(".")) if node.module else ()
            # `from . import name`: the name may be that of a module
            names = [()] if node.module else [(alias.name,) for alias in node.names]
            found += [(node.lineno, base + name) for name in names]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [getattr(node, "module", None)] + [alias.name for alias in node.names]
            full = [name for name in names if name and name.split(".")[0] == "modis"]
            found += [(node.lineno, (name,)) for name in full[:1]]
    return found


def import_problems(path: Path, root: Path) -> list[str]:
    """Imports of one module that run against the order."""
    relative = path.relative_to(root)
    room = relative.with_suffix("").parts[0]
    at_root = relative.parts == ("__init__.py",)
    if not at_root and room not in ALLOWED:
        return [f"{relative}: {room} is no room of the house"]
    problems = []
    for line, target in imports(path, root):
        if target[0] not in ALLOWED:
            problems.append(f"{relative}:{line}: imports {target[0]}, which is no room")
        elif not at_root and target[0] not in {room} | ALLOWED[room]:
            problems.append(f"{relative}:{line}: {room} must not import {target[0]}")
    return problems


def shape_problems(path: Path, root: Path) -> list[str]:
    """What a module is called, how long it is, and what an `__init__` holds."""
    relative = path.relative_to(root)
    text = path.read_text(encoding="utf-8")
    names = relative.with_suffix("").parts
    problems = [f"say what it does, not {n}" for n in names if n.strip("_") in FORBIDDEN_NAMES]
    if (n_lines := len(text.splitlines())) > MAX_LINES:
        problems.append(f"{n_lines} lines, above {MAX_LINES}")
    # The package's own __init__ may load its rooms lazily.
    if path.name == "__init__.py" and path.parent != root:
        body = [ast.unparse(node) for node in ast.parse(text).body]
        if not any(line.startswith("__all__") for line in body):
            problems.append("no __all__")
        known = ("__all__", "from ", "import ", "'", '"')
        if not all(line.startswith(known) for line in body):
            problems.append("more than imports and __all__")
    return [f"{relative}: {problem}" for problem in problems]


def circle(root: Path) -> list[str]:
    """Modules that import each other, directly or through others."""
    parts = {path: path.relative_to(root).with_suffix("").parts for path in root.rglob("*.py")}
    # a package is its __init__
    names = {p[:-1] if p[-1] == "__init__" else p: p for p in parts.values()}
    graph = {}
    for path, own in parts.items():
        # a name that is no module is one of the package's
        found = {names.get(to, names.get(to[:-1], own)) for _, to in imports(path, root)}
        graph[own] = found - {own}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return sorted({"/".join(each) for each in error.args[1]})
    return []


def n_lines(folder: Path) -> int:
    paths = [folder] if folder.is_file() else folder.rglob("*.py")
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


@pytest.mark.parametrize("problems", [import_problems, shape_problems])
def test_every_module_keeps_the_rules(problems: Callable[[Path, Path], list[str]]) -> None:
    assert [each for path in sorted(SOURCE.rglob("*.py")) for each in problems(path, SOURCE)] == []


def test_no_modules_import_each_other() -> None:
    assert circle(SOURCE) == []


def test_no_file_of_tests_is_too_long() -> None:
    assert [p for p in Path(__file__).parent.rglob("*.py") if n_lines(p) > MAX_LINES] == []


def test_rooms_keep_to_their_size() -> None:
    sizes = {room: n_lines(SOURCE / room) for room in BUDGETS}
    sizes |= {"src/modis": n_lines(SOURCE), "tests": n_lines(Path(__file__).parent)}
    assert [f"{k}: {n} of {BUDGETS[k]}" for k, n in sizes.items() if n > BUDGETS[k]] == []
