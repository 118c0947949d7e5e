"""The page of the method says what the code does, where that can be compared."""

import re
from fractions import Fraction
from pathlib import Path

import numpy as np

from modis.linear import _classes, _shared
from modis.model import _guests, _linear, _linear_maps
from modis.module import PRESETS, TERMS

PAGE = (Path(__file__).parents[1] / "docs" / "method.md").read_text(encoding="utf-8")
STEPS = {"discriminator": "1", "autoencoders": "2", "both": "1, 2"}


def rows(header: str) -> list[list[str]]:
    table = PAGE[PAGE.index(header) :].split("\n\n")[0].splitlines()[2:]
    return [re.split(r" \| ", line.strip("| ")) for line in table]


def test_terms_their_weights_and_steps_are_those_of_the_code():
    said = [row[:4] for row in rows("| name | weight | paper | step | term |")]
    usual, paper = (PRESETS[name].loss_weights for name in ("default", "paper"))
    assert sorted(said) == sorted(
        [f"`{name}`", f"{usual[name]:g}", f"{paper[name]:g}", STEPS[term.side]]
        for name, term in TERMS.items()
    )


def test_numbers_of_the_linear_models_are_those_of_the_code():
    for names, values, _ in rows("| name | value | what |"):
        known = vars(_linear) | vars(_linear_maps) | vars(_guests)
        found = [known[name] for name in re.findall(r"`(\w+)`", names)]
        assert np.hstack(found).tolist() == [float(Fraction(each)) for each in values.split(", ")]
    text = " ".join(PAGE.split())
    assert f"the {_classes._N_LEADING} leading ones" in text
    assert rf"\tfrac{{{_classes._PRIOR_PRECISION:g}}}{{2}} \sum_v" in text
    *first, last = map(str, _shared._SHRINKAGES)
    assert f"of {', '.join(first)} and {last} with" in text
