"""Break the package in many small ways and count how often its tests notice.

    python scripts/mutate.py module train dataloaders data --number 200 --seed 0
    python scripts/mutate.py --list-survivors mutants.csv

A mutant is one change to one file: ``<`` becomes ``<=``, ``+`` becomes ``-``, a constant, a
condition or a ``return`` changes, a statement or a keyword goes. Texts, annotations, ``__all__``
and what is for type checkers only stay. The same rooms, number and seed give the same mutants. The
results are in a CSV, one row per mutant as soon as it was judged; the same command goes on where
it was interrupted.

Each mutant meets the tests of its own file first, then those of its room, then those of the whole
model; the first that fails ends it. Tests run in copies of the tree, in processes that are forked
from one that has imported the large libraries already.
"""

from __future__ import annotations

import argparse
import ast
import csv
import ctypes
import importlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
#: What follows the tests of the room, for every room.
LAST = ["tests/test_contract.py", "tests/test_lock.py", "tests/model"]
COMPARISONS = {
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt},
    **{ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is},
    **{ast.In: ast.NotIn, ast.NotIn: ast.In},
}
OPERATORS = {
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult},
    **{ast.Pow: ast.Mult, ast.FloorDiv: ast.Div, ast.Mod: ast.FloorDiv},
    **{ast.BitAnd: ast.BitOr, ast.MatMult: ast.Mult},
}
SILENT = {"warn", "warning", "info", "debug", "error"}


@dataclass(frozen=True)
class Mutant:
    """One change: bytes `start` to `end` of a file are replaced."""

    path: str
    line: int
    start: int
    end: int
    kind: str
    before: str
    after: str


#: Columns of the results.
COLUMNS = [*(field.name for field in fields(Mutant)), "status", "by", "seconds"]


# mutants ---------------------------------------------------------------------------------------


def find_mutants(path: Path, root: Path) -> list[Mutant]:
    """Every change of one file that can be made."""
    text = path.read_bytes()
    offsets = [0]
    for line in text.splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    found = []
    for node, kind, after in _changes(ast.parse(text)):
        start = offsets[node.lineno - 1] + node.col_offset
        end = offsets[node.end_lineno - 1] + node.end_col_offset
        # in brackets: what stands around it may bind more strongly
        new = f"({ast.unparse(after)})" if isinstance(after, ast.expr) else ast.unparse(after)
        before = text[start:end].decode()
        name = path.relative_to(root).as_posix()
        found.append(Mutant(name, node.lineno, start, end, kind, before, new))
    return found


def _changes(node: ast.AST) -> Iterator[tuple[Any, str, ast.AST]]:
    """Nodes with the kind of change and what takes their place."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "type_params"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_left_alone(child):
                yield from _mutations(child)
                yield from _changes(child)


def _is_left_alone(node: ast.AST) -> bool:
    match node:
        case ast.Raise() | ast.JoinedStr() | ast.Import() | ast.ImportFrom() | ast.Global():
            return True
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]) | ast.If(test=ast.Name("TYPE_CHECKING")):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name))):
            return name in SILENT
    return False


def _mutations(node: ast.AST) -> Iterator[tuple[Any, str, ast.AST]]:
    changed = lambda **new: _with(node, **new)
    match node:
        case ast.Compare(ops=[op]) if type(op) in COMPARISONS:
            yield node, "comparison", changed(ops=[COMPARISONS[type(op)]()])
        case ast.BinOp(op=op) if type(op) in OPERATORS:
            yield node, "arithmetic", changed(op=OPERATORS[type(op)]())
        case ast.AugAssign(op=op):
            if type(op) in OPERATORS:
                yield node, "arithmetic", changed(op=OPERATORS[type(op)]())
            yield node, "deleted statement", ast.Pass()
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield node, "dropped sign", operand
        case ast.BoolOp(op=op):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield node, "and/or", changed(op=other)
        case ast.Constant(value=bool() as value):
            yield node, "constant", changed(value=not value)
        case ast.Constant(value=int() as value):
            yield node, "constant", changed(value=value + 1)
        case ast.Constant(value=float() as value):
            yield node, "constant", changed(value=2 * value if value else 1.0)
        case ast.IfExp(test=test) | ast.If(test=test) | ast.While(test=test):
            yield test, "condition", ast.UnaryOp(ast.Not(), test)
        case ast.Return(value=ast.expr() as value) if not isinstance(
            value, ast.JoinedStr | ast.Constant
        ):
            yield node, "return", ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.Continue() | ast.Break():
            yield node, "deleted statement", ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield node, "deleted statement", ast.Pass()
    if isinstance(node, ast.Call):
        for position, keyword in enumerate(node.keywords):
            if keyword.arg is not None:
                rest = node.keywords[:position] + node.keywords[position + 1 :]
                yield node, f"dropped {keyword.arg}=", changed(keywords=rest)
        if isinstance(node.func, ast.Attribute) and not node.args and not node.keywords:
            yield node, f"dropped .{node.func.attr}()", node.func.value


def _with(node: ast.AST, **new: Any) -> ast.AST:
    copied = deepcopy(node)
    for name, value in new.items():
        setattr(copied, name, value)
    return copied


def choose(rooms: list[str], number: int, seed: int) -> list[Mutant]:
    """A random choice of the mutants of some rooms."""
    paths = [p for room in rooms for p in sorted((REPOSITORY / "src/modis" / room).glob("_*.py"))]
    found = [mutant for path in paths for mutant in find_mutants(path, REPOSITORY)]
    if not found:
        raise SystemExit(f"nothing to change in {', '.join(rooms)}")
    return random.Random(seed).sample(found, min(number, len(found)))


# tests -----------------------------------------------------------------------------------------


class Watch:
    """A plugin of pytest: the test that failed first, and the seconds that each file took."""

    def __init__(self) -> None:
        self.failed = ""
        self.seconds: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.seconds[report.nodeid.split("::")[0]] += report.duration
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid


def run_tests(tree: Path, tests: list[str], limit: float) -> tuple[int, str, dict[str, float]]:
    """Status, failed test and seconds by file of the tests, run in a process of their own."""
    report = tree / "report.json"
    report.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        _run_in_child(tree, tests, report)
    stops = time.monotonic() + limit
    while (done := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > stops:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return -1, "time limit", {}
        time.sleep(0.02)
    if not report.exists():
        return -1, "crash", {}
    told = json.loads(report.read_text(encoding="utf-8"))
    return os.waitstatus_to_exitcode(done[1]), told["failed"], told["seconds"]


def _run_in_child(tree: Path, tests: list[str], report: Path) -> None:
    """End in this process whatever happens, with pytest's status."""
    status = 99
    try:
        os.setsid()
        _end_with_parent()
        with open(tree / "output.txt", "wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        os.chdir(tree)
        sys.path.insert(0, str(tree / "src"))
        os.environ["PYTHONPATH"] = str(tree / "src")
        import pytest

        watch = Watch()
        options = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", f"--rootdir={tree}"]
        # a library with a plugin of pytest is imported already
        options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
        status = int(pytest.main([*options, *tests], plugins=[watch]))
        own = Path(sys.modules["modis"].__file__ or "").is_relative_to(tree)
        if "modis" in sys.modules and not own:
            status, watch.failed = 98, "another modis was imported"
        told = {"failed": watch.failed, "seconds": watch.seconds}
        report.write_text(json.dumps(told), encoding="utf-8")
    except BaseException:  # noqa: BLE001 -- this process must end here
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _end_with_parent() -> None:
    """Ask Linux to end this process when the one that made it ends."""
    set_signal_of_parents_death = 1
    ctypes.CDLL(None).prctl(set_signal_of_parents_death, signal.SIGKILL)


def stages(room: str, name: str) -> list[list[str]]:
    """Files of tests for a module, the likeliest to notice first; none twice."""
    own, rest = f"tests/{room}/test{name}", sorted(Path("tests", room).glob("test_*.py"))
    last = [path for each in LAST for path in _files(each)]
    files = [[own], [path.as_posix() for path in rest if path.as_posix() != own], last]
    files = [[path for path in stage if Path(path).is_file()] for stage in files]
    return [[f for f in stage if f not in sum(files[:k], [])] for k, stage in enumerate(files)]


def _files(name: str) -> list[str]:
    path = Path(name)
    return [name] if path.is_file() else [p.as_posix() for p in sorted(path.glob("test_*.py"))]


def measure(tree: Path, rooms: list[str]) -> dict[str, float]:
    """Seconds of each file of tests, without a mutant; all must pass."""
    files = [path for room in rooms for path in _files(f"tests/{room}")]
    files += [path for each in LAST for path in _files(each) if path not in files]
    status, failed, seconds = run_tests(tree, files, limit=3600)
    if status != 0:
        output = (tree / "output.txt").read_text(encoding="utf-8", errors="replace")
        raise SystemExit(f"{output[-3000:]}\nwithout any mutant fails: {failed}")
    return seconds


def judge(mutant: Mutant, tree: Path, seconds: dict[str, float]) -> tuple[str, str]:
    """Put the mutant into the tree, run the tests, and take it out again."""
    path = tree / mutant.path
    text = path.read_bytes()
    changed = text[: mutant.start] + mutant.after.encode() + text[mutant.end :]
    room, name = Path(mutant.path).parts[2:4]
    try:
        path.write_bytes(changed)
        for stage in stages(room, name):
            files = sorted(stage, key=lambda file: seconds.get(file, 0))
            limit = 30 + 4 * sum(seconds.get(file, 0) for file in files)
            code, failed, _ = run_tests(tree, files, limit) if files else (0, "", {})
            if code == 98:
                raise SystemExit(failed)
            # 5: no test was collected
            if code not in (0, 5):
                return "killed", failed
        return "survived", ""
    finally:
        path.write_bytes(text)


# all together ----------------------------------------------------------------------------------


def copy_tree(to: Path) -> Path:
    left_out = shutil.ignore_patterns(".git", "_build", "*.ipynb", "__pycache__", ".*_cache")
    shutil.copytree(REPOSITORY, to, ignore=left_out)
    return to


def warm_up(tree: Path) -> None:
    """Import all libraries that the tests need, but not the package itself."""
    for name, value in {"MPLBACKEND": "Agg", "TQDM_DISABLE": "1", "NO_COLOR": "1"}.items():
        os.environ[name] = value
    os.environ["OMP_NUM_THREADS"] = "1"
    names = tree / "names.json"
    if (child := os.fork()) == 0:
        sys.path.insert(0, str(tree / "src"))
        for name in ["pytest", "hypothesis", "captum.attr", "modis.model", "modis.datasets"]:
            importlib.import_module(name)
        own = [name for name in sys.modules if name.partition(".")[0] not in ("modis", "__main__")]
        names.write_text(json.dumps(own), encoding="utf-8")
        os._exit(0)
    os.waitpid(child, 0)
    with warnings.catch_warnings(action="ignore"):
        for name in json.loads(names.read_text(encoding="utf-8")):
            if name not in sys.modules:
                try:
                    importlib.import_module(name)
                except ImportError:
                    continue  # made while another was imported
    assert "modis" not in sys.modules


def work(mutants: list[Mutant], taken: Any, tree: Path, seconds: dict, out: Path) -> None:
    """Judge one mutant after the other, sharing the list with other processes."""
    _end_with_parent()
    os.chdir(tree)
    sys.dont_write_bytecode = True  # a stale file would hide a mutant made in the same second
    while True:
        with taken.get_lock():
            number, taken.value = taken.value, taken.value + 1
        if number >= len(mutants):
            return
        mutant, began = mutants[number], time.monotonic()
        status, by = judge(mutant, tree, seconds)
        took = time.monotonic() - began
        with taken.get_lock(), out.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow([*astuple(mutant), status, by, f"{took:.1f}"])
        where = f"{mutant.path}:{mutant.line}"
        print(f"{status:9}{where:45} {took:5.0f} s  {mutant.kind}", flush=True)


def read(out: Path) -> list[dict[str, str]]:
    with out.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def list_survivors(out: Path) -> None:
    rows = read(out)
    for row in rows:
        if row["status"] == "survived":
            print(f"{row['path']}:{row['line']}: {row['kind']}")
            before, after = (" ".join(row[key].split()) for key in ("before", "after"))
            print(f"  - {before}\n  + {after}")
    counts = Counter(row["status"] for row in rows)
    share = counts["killed"] / max(counts.total(), 1)
    print(f"killed {counts['killed']} of {counts.total()} ({share:.0%})")


def main() -> None:
    parser = argparse.ArgumentParser(description="Count the small faults that tests notice.")
    parser.add_argument("rooms", nargs="*", default=["module", "train", "dataloaders", "data"])
    parser.add_argument("--number", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("mutants.csv"), help="results")
    parser.add_argument("--list-survivors", type=Path, metavar="CSV", help="and do nothing else")
    options = parser.parse_args()
    if options.list_survivors:
        list_survivors(options.list_survivors)
        return
    out = options.out.resolve()
    if not out.exists():
        out.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    done = {(row["path"], int(row["start"]), row["kind"]) for row in read(out)}
    chosen = choose(options.rooms, options.number, options.seed)
    mutants = [m for m in chosen if (m.path, m.start, m.kind) not in done]
    with tempfile.TemporaryDirectory() as folder:
        trees = [copy_tree(Path(folder, str(k))) for k in range(options.processes)]
        warm_up(trees[0])
        os.chdir(trees[0])
        seconds = measure(trees[0], options.rooms) if mutants else {}
        context = multiprocessing.get_context("fork")
        taken = context.Value("i", 0)
        workers = [
            context.Process(target=work, args=(mutants, taken, tree, seconds, out))
            for tree in trees
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    list_survivors(out)


if __name__ == "__main__":
    main()
