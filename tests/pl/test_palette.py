"""Colours of classes and modalities: which name has which, and who can tell them apart."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import is_color_like

from modis.pl import palette
from modis.pl._palette import CLASS_COLORS, MODALITY_COLORS, UNLABELED_COLOR, in_order
from modis.pl._style import PAPER_COLOR

from ._vision import VISIONS, cielab, closest


@pytest.mark.parametrize("kind", ["class", "modality"])
@pytest.mark.parametrize("n", [1, 8, 9, 30, 31, 120])
def test_names_have_colors_of_their_own(kind, n):
    given = palette([f"class {i}" for i in range(n)], kind)
    assert len(set(given.values())) == len(given) == n
    assert all(is_color_like(color) for color in given.values())
    assert UNLABELED_COLOR not in given.values()


def test_colors_follow_the_names_not_their_order_of_appearance():
    assert palette(["b", "a", "c", "a"]) == palette(["c", "b", "a"])
    assert in_order(["c10", "B", "c2", "a", "c2"]) == ["a", "B", "c2", "c10"]
    assert in_order([10, 2, 1]) == [1, 2, 10]
    assert in_order(["T", 3, "", "-"])[0] == ""
    # names that differ only in case
    assert in_order(["b2", "B2", "b1", "B1"]) == ["B1", "b1", "B2", "b2"]


def test_unlabeled_is_grey_and_takes_no_color_from_a_class():
    assert palette(["a", "unknown", "z"]) == palette(["a", "z"]) | {"unknown": UNLABELED_COLOR}
    given = palette(["a", "unknown"], unlabeled_category=None)
    assert list(given.values()) == list(CLASS_COLORS[:2])
    # nothing hinders a modality of this name
    assert palette(["unknown"], "modality") == {"unknown": MODALITY_COLORS[0]}
    with pytest.raises(ValueError, match="kind='batch' must be one of"):
        palette(["a"], "batch")


def test_the_yardstick_is_right():
    # the corners of sRGB in CIELAB (D65), as tables have them
    np.testing.assert_allclose(
        cielab(["white", "black", "red", "blue"]),
        [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86]],
        atol=0.02,
    )
    # these two are one colour to red-green blind readers
    assert closest(["#e69f00", "#c9b800"]) > 20
    assert closest(["#e69f00", "#c9b800"], "deuteranopia") < 3


# A distance of 2.3 is just noticeable side by side (Mahy, Van Eycken and Oosterlinck 1994).
# Points stand apart from each other and are small: the six colours that Okabe and Ito published
# for this purpose are 16.1 apart, so 15 is asked of all that colour alone shall tell apart.
BOUNDS = [
    (CLASS_COLORS[:6], 16),
    (CLASS_COLORS[:18], 15),
    (CLASS_COLORS, 11),
    (MODALITY_COLORS[:4], 38),
    (MODALITY_COLORS[:6], 20),
    (MODALITY_COLORS, 15),
]


def test_colors_are_told_apart_with_any_color_vision():
    for vision in VISIONS:
        for colors, bound in BOUNDS:
            assert closest(colors, vision) >= bound, (vision, len(colors))
        assert closest(CLASS_COLORS[:18], vision, [UNLABELED_COLOR, PAPER_COLOR]) >= 15
        assert closest(MODALITY_COLORS, vision, [PAPER_COLOR]) >= 15
    # no class is taken for a modality
    assert closest(CLASS_COLORS, others=MODALITY_COLORS[:5]) >= 13
    assert closest(CLASS_COLORS[:10], others=MODALITY_COLORS) >= 13
