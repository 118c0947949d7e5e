"""The script that breaks the package changes code, and nothing that is only read."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "scripts" / "mutate.py"
SAMPLE = '''
"""Two plus 2."""
__all__ = ["f"]
if TYPE_CHECKING:
    from a import b
@cache(size=3)
def f(x: Literal[1], y=2) -> Literal[3]:
    """One if 1 < 2."""
    if not x:
        raise ValueError(f"{x + 1} is too small", 5)
    logger.info("%d rows", x + 1)
    total = g(x, "é", keep=y < 4)
    return -total
'''
EXPECTED = {
    ("constant", "2", "(3)"),
    ("condition", "not x", "(not not x)"),
    ("dropped sign", "not x", "(x)"),
    ("dropped keep=", 'g(x, "é", keep=y < 4)', "(g(x, 'é'))"),
    ("comparison", "y < 4", "(y <= 4)"),
    ("constant", "4", "(5)"),
    ("return", "return -total", "return None"),
    ("dropped sign", "-total", "(total)"),
}


def test_what_is_changed(tmp_path: Path, monkeypatch) -> None:
    spec = importlib.util.spec_from_file_location("mutate", SCRIPT)
    mutate = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "mutate", mutate)  # dataclasses look there
    spec.loader.exec_module(mutate)
    path = tmp_path / "module.py"
    path.write_text(SAMPLE, encoding="utf-8")
    mutants = mutate.find_mutants(path, tmp_path)
    assert {(each.kind, each.before, each.after) for each in mutants} == EXPECTED
    text = path.read_bytes()
    for each in mutants:
        compile(text[: each.start] + each.after.encode() + text[each.end :], each.path, "exec")
