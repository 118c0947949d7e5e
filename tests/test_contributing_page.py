"""The picture and the table of the house show every room."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .test_import_order import BESIDE, LAYERS

DOCS = Path(__file__).parents[1] / "docs"
ROOMS = [*(room for layer in LAYERS for room in layer), *BESIDE]
DRAWN = re.findall(r">(\w+)</text>", (DOCS / "_static" / "house.svg").read_text(encoding="utf-8"))
PAGE = (DOCS / "contributing.md").read_text(encoding="utf-8")
TABLE = PAGE[PAGE.index("| room |") :].split("\n\n")[0]


@pytest.mark.parametrize("room", ROOMS)
def test_room_is_shown(room):
    assert DRAWN.count(room) == 1
    assert TABLE.count(f"`{room}`") == 1


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:src|tests|scripts)/[\w/.]+)`", PAGE)))
)
def test_named_file_is_there(path):
    assert (DOCS.parent / path).is_file()
