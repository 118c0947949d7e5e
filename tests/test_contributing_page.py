"""The page shows every room, names files that are there, and its loss term works."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from modis import MODIS
from modis.module import PRESETS, TERMS, _terms

from ._make import make_mdata
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


def python_blocks(heading: str) -> list[str]:
    """Code of one section of the page, in its order."""
    section = PAGE[PAGE.index(f"## {heading}\n") :].split("\n## ")[0]
    found = re.findall(r"(?ms)^ *```python\n(.*?)^ *```$", section)
    return [textwrap.dedent(block) for block in found]


def test_the_loss_term_of_the_page_trains(monkeypatch):
    function, term_row, weight_row = python_blocks("A new loss term")
    namespace = dict(vars(_terms))
    exec(function, namespace)
    (name, term), *_ = eval(f"{{{term_row}}}", namespace).items()
    monkeypatch.setitem(TERMS, name, term)
    for preset in PRESETS.values():
        monkeypatch.setitem(preset.loss_weights, name, eval(f"{{{weight_row}}}")[name])
    mdata = make_mdata()
    MODIS.setup_mudata(mdata, labels_key="label")
    for weights in ({}, {name: 1.0}):
        model, plan = MODIS(mdata, n_latent=4, n_hidden=8), {"loss_weights": weights}
        model.train(max_epochs=2, accelerator="cpu", enable_progress_bar=False, plan_kwargs=plan)
        assert (f"{name}_train" in model.history) is bool(weights)
    assert (model.history[f"{name}_train"] > 0).all(axis=None)
