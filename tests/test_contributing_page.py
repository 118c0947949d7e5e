"""The page shows every room, names files that are there, and its examples work."""

import re
import textwrap
from pathlib import Path

import numpy as np
import pytest

from modis import MODIS, _constants
from modis.module import LOSS_WEIGHTS, TERMS, _terms
from modis.nn import _decoder

from ._make import make_mdata
from .test_import_order import BESIDE, LAYERS

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "contributing.md").read_text(encoding="utf-8")


def python_blocks(heading):
    """Code of one section of the page, in its order."""
    section = PAGE[PAGE.index(f"## {heading}\n") :].split("\n## ")[0]
    found = re.findall(r"(?ms)^ *```python\n(.*?)^ *```$", section)
    return [textwrap.dedent(block) for block in found]


def test_rooms_are_drawn_and_described_once():
    drawing = (DOCS / "_static" / "house.svg").read_text(encoding="utf-8")
    drawn = re.findall(r'font-weight="600"[^>]*>(\w+)</text>', drawing)
    table = PAGE[PAGE.index("| room |") :].split("\n\n")[0]
    rooms = sorted([*(room for layer in LAYERS for room in layer), *BESIDE])
    assert sorted(drawn) == rooms
    assert sorted(re.findall(r"`(\w+)`", " ".join(re.findall(r"(?m)^\|(.*?)\|", table)))) == rooms


def test_named_files_are_there():
    named = set(re.findall(r"`((?:src|tests|scripts)/[\w/.]+)`", PAGE))
    assert sorted(path for path in named if not (DOCS.parent / path).is_file()) == []


def test_the_likelihood_of_the_page_trains(monkeypatch, tmp_path):
    decoder, decoder_row, domain_row = python_blocks("Add a likelihood")
    namespace = dict(vars(_decoder))
    exec(decoder, namespace)
    (likelihood, made), *_ = eval(f"{{{decoder_row}}}", namespace).items()
    monkeypatch.setitem(_decoder.DECODERS, likelihood, made)
    domain = eval(f"{{{domain_row}}}")[likelihood]
    monkeypatch.setitem(_constants.LIKELIHOOD_DOMAINS, likelihood, domain)
    mdata = make_mdata()
    with pytest.raises(ValueError, match=f"zinb.*{likelihood}"):
        MODIS.setup_mudata(mdata, labels_key="label", likelihood="no such")
    MODIS.setup_mudata(mdata, labels_key="label", likelihood=likelihood)
    model = MODIS(mdata, n_latent=4, n_hidden=8)
    model.train(max_epochs=2, accelerator="cpu", enable_progress_bar=False)
    model.save(tmp_path / "model")
    first, second = mdata.mod
    translated = MODIS.load(tmp_path / "model", mdata).translate(first, second).X
    np.testing.assert_array_equal(translated, model.translate(first, second).X)
    assert np.isfinite(translated).all()


def test_the_loss_term_of_the_page_trains(monkeypatch):
    function, term_row, weight_row = python_blocks("A new loss term")
    namespace = dict(vars(_terms))
    exec(function, namespace)
    (name, term), *_ = eval(f"{{{term_row}}}", namespace).items()
    monkeypatch.setitem(TERMS, name, term)
    monkeypatch.setitem(LOSS_WEIGHTS, name, eval(f"{{{weight_row}}}")[name])
    mdata = make_mdata()
    MODIS.setup_mudata(mdata, labels_key="label")
    for weights in ({}, {name: 1.0}):
        model, plan = MODIS(mdata, n_latent=4, n_hidden=8), {"loss_weights": weights}
        model.train(max_epochs=2, accelerator="cpu", enable_progress_bar=False, plan_kwargs=plan)
        assert (f"{name}_train" in model.history) is bool(weights)
    assert (model.history[f"{name}_train"] > 0).all(axis=None)
