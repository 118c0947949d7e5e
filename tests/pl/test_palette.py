"""Colours of classes and modalities: which name has which, and who can tell them apart."""

from __future__ import annotations

import pytest
from matplotlib.colors import is_color_like

from modis.pl import palette
from modis.pl._palette import CLASS_COLORS, MODALITY_COLORS, UNLABELED_COLOR, in_order


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
