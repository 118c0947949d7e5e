"""Colours of classes and modalities: which name has which, and who can tell them apart."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import is_color_like

from modis.pl import palette
from modis.pl._palette import (
    CLASS_COLORS,
    MODALITY_COLORS,
    UNLABELED_COLOR,
    in_order,
    replaced,
)
from modis.pl._style import PAPER_COLOR, contrast

from ._vision import VISIONS, cielab, closest

OKABE_ITO = CLASS_COLORS[:6]


@pytest.mark.parametrize("kind", ["class", "modality"])
@pytest.mark.parametrize("n", [1, 2, 8, 9, 20, 21, 30, 31, 60, 120])
def test_names_have_colors_of_their_own(kind, n):
    given = palette([f"class {i}" for i in range(n)], kind)
    assert len(set(given.values())) == len(given) == n
    assert all(is_color_like(color) for color in given.values())
    assert UNLABELED_COLOR not in given.values()


def test_colors_follow_the_names_not_their_order_of_appearance():
    assert palette(["b", "a", "c", "a"]) == palette(["c", "b", "a"])
    assert list(palette(["c10", "c2"])) == ["c2", "c10"]


def test_unlabeled_is_grey_and_takes_no_color_from_a_class():
    assert palette(["a", "unknown", "z"]) == palette(["a", "z"]) | {"unknown": UNLABELED_COLOR}
    given = palette(["a", "unknown"], unlabeled_category=None)
    assert list(given.values()) == list(CLASS_COLORS[:2])
    # nothing hinders a modality of this name
    assert palette(["unknown"], "modality") == {"unknown": MODALITY_COLORS[0]}


def test_refuses_another_kind():
    with pytest.raises(ValueError, match="kind='batch' must be one of"):
        palette(["a"], "batch")


def test_colors_of_a_users_choice():
    assert replaced({"a": "#111111", "b": "#222222"}, {"b": "red", "z": "blue"}) == {
        "a": "#111111",
        "b": "red",
    }
    with pytest.raises(ValueError, match="'b' the colour 'reddish'"):
        replaced({}, {"b": "reddish"})


def test_order_is_the_one_people_expect():
    assert in_order(["c10", "B", "c2", "a", "c2"]) == ["a", "B", "c2", "c10"]
    assert in_order([10, 2, 1]) == [1, 2, 10]
    assert in_order(["T", 3, "", "-"])[0] == ""


def test_the_yardstick_is_right():
    # the corners of sRGB in CIELAB (D65), as tables have them
    np.testing.assert_allclose(
        cielab(["white", "black", "red", "blue"]),
        [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86]],
        atol=0.02,
    )
    # grey is grey to everybody
    for vision in VISIONS:
        np.testing.assert_allclose(cielab(["#808080"], vision)[0, 1:], 0, atol=0.02)
    # what is meant by red-green blind: these two are one colour
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


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize(("colors", "bound"), BOUNDS)
def test_colors_are_told_apart_with_any_color_vision(colors, bound, vision):
    assert closest(colors, vision) >= bound


@pytest.mark.parametrize("vision", VISIONS)
def test_none_is_taken_for_unlabeled_or_paper(vision):
    assert closest(CLASS_COLORS[:18], vision, [UNLABELED_COLOR, PAPER_COLOR]) >= 15
    # a modality is never unlabelled
    assert closest(MODALITY_COLORS, vision, [PAPER_COLOR]) >= 15


def test_no_class_is_taken_for_a_modality():
    assert set(CLASS_COLORS).isdisjoint(MODALITY_COLORS)
    assert closest(CLASS_COLORS, others=MODALITY_COLORS[:5]) >= 13
    assert closest(CLASS_COLORS[:10], others=MODALITY_COLORS) >= 13


@pytest.mark.parametrize("color", [*CLASS_COLORS, *MODALITY_COLORS, UNLABELED_COLOR])
def test_points_show_on_the_card(color):
    assert contrast(color, PAPER_COLOR) >= 1.7
