"""The page of the method says what the code does, where that can be compared."""

import re
from pathlib import Path

from modis.module import LOSS_WEIGHTS, PRESETS

PAGE = (Path(__file__).parents[1] / "docs" / "method.md").read_text(encoding="utf-8")


def rows(header: str) -> list[list[str]]:
    table = PAGE[PAGE.index(header) :].split("\n\n")[0].splitlines()[2:]
    return [re.split(r" \| ", line.strip("| ")) for line in table]


def names(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def test_every_term_is_explained_once():
    explained = [name for row in rows("| name | computed by |") for name in names(row[0])]
    assert sorted(explained) == sorted(LOSS_WEIGHTS)


def test_weights_are_those_of_the_code():
    said = {
        name: weight
        for cell, weight, _ in rows("| name | weight | active |")
        for name in names(cell)
    }
    assert said.keys() == LOSS_WEIGHTS.keys()
    for name, weight in said.items():
        usual, _, linear = weight.partition(";")
        assert float(usual) == LOSS_WEIGHTS[name] == PRESETS["large"].loss_weights[name], name
        number = re.match(r"\s*([\d.]+) with", linear)
        assert float(number[1] if number else usual) == PRESETS["small"].loss_weights[name], name
