"""Colours and names that all figures share."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import is_color_like

from modis.pl._style import (
    UNLABELED_COLOR,
    class_colors,
    house_style,
    in_order,
    is_missing,
    modality_colors,
    wrapped,
)


@pytest.mark.parametrize("colors", [class_colors, modality_colors])
@pytest.mark.parametrize("n", [1, 2, 8, 9, 20, 21, 28, 29, 60, 120])
def test_names_have_colors_of_their_own(colors, n):
    given = colors([f"class {i}" for i in range(n)])
    assert len(set(given.values())) == len(given) == n
    assert all(is_color_like(color) for color in given.values())
    assert UNLABELED_COLOR not in given.values()


def test_colors_follow_the_names_not_their_order_of_appearance():
    assert class_colors(["b", "a", "c", "a"]) == class_colors(["c", "b", "a"])


def test_palette_replaces_some():
    assert class_colors(["a", "b"], {"b": "red", "z": "blue"}) == class_colors(["a", "b"]) | {
        "b": "red"
    }
    with pytest.raises(ValueError, match="'b' the colour 'reddish'"):
        class_colors(["a", "b"], {"b": "reddish"})


def test_order_is_the_one_people_expect():
    assert in_order(["c10", "B", "c2", "a", "c2"]) == ["a", "B", "c2", "c10"]
    assert in_order([10, 2, 1]) == [1, 2, 10]
    assert in_order(["T", 3, "", "-"])[0] == ""


def test_missing_labels():
    values = pd.Series(["a", None, np.nan, "", "unknown"], dtype=object)
    assert is_missing(values).tolist() == [False, True, True, True, False]
    assert is_missing(values.astype("category"), "unknown").tolist() == [False] + [True] * 4


def test_long_names_break_into_lines():
    assert wrapped("Plasmacytoid dendritic cells") == "Plasmacytoid dendritic\ncells"
    assert wrapped("") == ""
    assert wrapped(7) == "7"


def test_what_a_backend_sets_while_drawing_stays():
    # a notebook's backend turns interactive mode on with the first figure
    before = dict(mpl.rcParams)
    try:
        with house_style():
            assert mpl.rcParams["axes.spines.top"] is False
            mpl.rcParams["interactive"] = not before["interactive"]
        assert mpl.rcParams["interactive"] is not before["interactive"]
        assert mpl.rcParams["axes.spines.top"] == before["axes.spines.top"]
    finally:
        mpl.rcParams.update(interactive=before["interactive"])
