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
import multiprocessing
import os
import random
import re
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
LARGE = ["pytest", "hypothesis", "scvi", "captum.attr", "mudata", "scanpy", "sklearn.ensemble"]
#: Of pytest, and our own.
_NO_TEST_COLLECTED, _ANOTHER_MODIS = 5, 98
_SECONDS_OF_A_TEST = 120
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


def run_tests(tree: Path, tests: list[str]) -> tuple[int, str]:
    """Status of pytest, run in a process of its own, and the test that failed or what else did."""
    child = os.fork()
    if child == 0:
        _run_in_child(tree, tests)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    output = (tree / "output.txt").read_text(encoding="utf-8", errors="replace")
    if status == _ANOTHER_MODIS:
        raise SystemExit("another modis was imported")
    failed = re.search(r"(?m)^(?:FAILED|ERROR) (\S+)", output)
    return status, failed[1] if failed else "time limit" if "Timeout" in output else "crash"


def _run_in_child(tree: Path, tests: list[str]) -> None:
    """End in this process whatever happens, with pytest's status."""
    status = 99
    try:
        _end_with_parent()
        with open(tree / "output.txt", "wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        os.chdir(tree)
        sys.path.insert(0, str(tree / "src"))
        os.environ["PYTHONPATH"] = str(tree / "src")
        import pytest

        options = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", f"--rootdir={tree}"]
        # a thread of its own ends the process, wherever a test hangs
        options += [f"--timeout={_SECONDS_OF_A_TEST}", "--timeout-method=thread"]
        # a library with a plugin of pytest is imported already
        options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
        status = int(pytest.main([*options, *tests]))
        modis = sys.modules.get("modis")
        if modis is not None and not Path(modis.__file__ or "").is_relative_to(tree):
            status = _ANOTHER_MODIS
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
    own = [f"tests/{room}/test{name}"]
    stages, seen = [], set()
    for names in (own, [f"tests/{room}"], LAST):
        stages.append([file for each in names for file in _files(each) if file not in seen])
        seen.update(stages[-1])
    return stages


def _files(name: str) -> list[str]:
    path = Path(name)
    return [name] if path.is_file() else [p.as_posix() for p in sorted(path.glob("test_*.py"))]


def judge(mutant: Mutant) -> tuple[Mutant, str, str, float]:
    """Put the mutant into this process's tree, run the tests, and take it out again."""
    path, began = Path(mutant.path), time.monotonic()
    text = path.read_bytes()
    room, name = path.parts[2:4]
    status, by = "survived", ""
    try:
        path.write_bytes(text[: mutant.start] + mutant.after.encode() + text[mutant.end :])
        for files in filter(None, stages(room, name)):
            code, failed = run_tests(Path.cwd(), files)
            if code not in (0, _NO_TEST_COLLECTED):
                status, by = "killed", failed
                break
    finally:
        path.write_bytes(text)
    return mutant, status, by, time.monotonic() - began


# all together ----------------------------------------------------------------------------------


def copy_tree(to: Path) -> Path:
    left_out = shutil.ignore_patterns(".git", "_build", "*.ipynb", "__pycache__", ".*_cache")
    shutil.copytree(REPOSITORY, to, ignore=left_out)
    return to


def warm_up() -> None:
    """Import the large libraries that the tests need, but not the package itself."""
    os.environ |= {"MPLBACKEND": "Agg", "TQDM_DISABLE": "1", "NO_COLOR": "1"}
    os.environ["OMP_NUM_THREADS"] = "1"
    with warnings.catch_warnings(action="ignore"):
        for name in LARGE:
            importlib.import_module(name)
    assert "modis" not in sys.modules


def start_worker(folder: str) -> None:
    """Give this process a tree of its own."""
    _end_with_parent()
    os.chdir(copy_tree(Path(folder, str(os.getpid()))))
    sys.dont_write_bytecode = True  # a stale file would hide a mutant made in the same second


def judge_all(mutants: list[Mutant], rooms: list[str], processes: int, out: Path) -> None:
    """Judge mutants, several at a time, and append the results to the table."""
    with tempfile.TemporaryDirectory() as folder:
        tree = copy_tree(Path(folder, "whole"))
        warm_up()
        os.chdir(tree)
        files = dict.fromkeys(f for name in (*rooms, *LAST) for f in _files(name))
        status, failed = run_tests(tree, list(files))
        if status != 0:
            raise SystemExit(f"without any mutant fails: {failed}")
        context = multiprocessing.get_context("fork")
        with (
            context.Pool(processes, start_worker, (folder,)) as pool,
            out.open("a", newline="", encoding="utf-8") as file,
        ):
            for mutant, status, by, seconds in pool.imap_unordered(judge, mutants):
                csv.writer(file).writerow([*astuple(mutant), status, by, f"{seconds:.1f}"])
                file.flush()
                where = f"{mutant.path}:{mutant.line}"
                print(f"{status:9}{where:45} {seconds:5.0f} s  {mutant.kind}", flush=True)
        os.chdir(REPOSITORY)


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
    if mutants:
        rooms = [f"tests/{room}" for room in options.rooms]
        judge_all(mutants, rooms, options.processes, out)
    list_survivors(out)


if __name__ == "__main__":
    main()
