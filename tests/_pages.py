"""Code blocks of the documentation, as a reader would copy them."""

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

REPOSITORY = Path(__file__).resolve().parents[1]
USER_GUIDE = REPOSITORY / "docs" / "user_guide"

# A comment that readers do not see, on the line before a block: MyST's, or that of GitHub's pages.
SKIPPED = re.compile(r"^(?:% |<!-- )(?P<reason>not run: .+?|needs public data)(?: -->)?$")
PUBLIC_DATA = "needs public data"
FENCE = re.compile(r"^```(?P<language>\w+)?$")
SHAPE = re.compile(r"#\s*(?P<shape>\(\d+(?:, \d+|,)+\))$")


class Block(NamedTuple):
    """A code block: its text, its first line in the file, and why it is not run, if so."""

    text: str
    line: int
    skipped: str | None


def blocks(page: Path, language: str) -> list[Block]:
    """Blocks of one language, in the order of the page."""
    found: list[Block] = []
    opened: tuple[str | None, int] | None = None
    lines = page.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        fence = FENCE.match(line)
        if opened is None and fence:
            opened = fence["language"], number
        elif opened is not None and line == "```":
            kind, start = opened
            reason = SKIPPED.match(lines[start - 1]) if start else None
            if kind == language:
                text = "\n".join(lines[start + 1 : number])
                found.append(Block(text, start + 2, reason["reason"] if reason else None))
            opened = None
    return found


def run(
    page: Path, show: Callable[[str], object] | None = None, *, public_data: bool = False
) -> dict[str, Any]:
    """Run the Python blocks of a page in one namespace, and check the shapes that they state.

    A line of its own such as ``z.shape  # (480, 32)`` states a shape. `show` is given what every
    such expression comes to, as an interactive session would. `public_data` says that
    public data are at hand.
    """
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page, "python"):
        if block.skipped and not (public_data and block.skipped == PUBLIC_DATA):
            continue
        # as many empty lines before it as the page has: tracebacks then name the page's lines
        source = "\n" * (block.line - 1) + block.text
        lines = source.splitlines()
        for statement in ast.parse(source, str(page)).body:
            if not isinstance(statement, ast.Expr):
                _execute(ast.Module([statement], []), page, namespace)
                continue
            code = compile(ast.Expression(statement.value), str(page), "eval")
            value = eval(code, namespace)
            if show is not None and value is not None:
                show(f"{ast.get_source_segment(source, statement)}\n{value!r}\n")
            stated = SHAPE.search(lines[(statement.end_lineno or 1) - 1])
            if stated:
                assert str(value) == stated["shape"], (
                    f"{page.name}, line {statement.lineno}: the page says {stated['shape']}, "
                    f"the code {value}"
                )
    return namespace


def _execute(module: ast.Module, page: Path, namespace: dict[str, Any]) -> None:
    exec(compile(module, str(page), "exec"), namespace)
