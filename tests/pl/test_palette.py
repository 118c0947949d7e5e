import numpy as np
import pytest
from matplotlib.colors import is_color_like, to_rgb
from scipy.spatial.distance import cdist, pdist

from modis.pl import palette
from modis.pl._palette import CLASS_COLORS, MODALITY_COLORS, UNLABELED_COLOR, in_order
from modis.pl._style import PAPER_COLOR


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


# Machado, Oliveira and Fernandes (2009), severity 1.0, by rows; sRGB to CIE XYZ, white D65.
VISIONS = {
    "normal": "1 0 0  0 1 0  0 0 1",
    "protanopia": ".152286 1.052583 -.204868  .114503 .786281 .099216  -.003882 -.048116 1.051998",
    "deuteranopia": ".367322 .860646 -.227968  .280085 .672501 .047413  -.01182 .04294 .968881",
    "tritanopia": "1.255528 -.076749 -.178779  -.078411 .930809 .147602  .004733 .691367 .3039",
}
TO_XYZ = np.array(
    [[0.41246, 0.35758, 0.18044], [0.21267, 0.71515, 0.07218], [0.01933, 0.11919, 0.95030]]
)


def cielab(colors, vision):
    """Colours in CIELAB as seen with a colour vision, of shape `(n, 3)`."""
    values = np.array([to_rgb(color) for color in colors])
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    matrix = np.array(VISIONS[vision].split(), dtype=float).reshape(3, 3)
    xyz = np.clip(linear @ matrix.T, 0, 1) @ TO_XYZ.T / TO_XYZ.sum(axis=1)
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * f[:, 1], 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


# A distance of 2.3 is just noticeable side by side (Mahy, Van Eycken and Oosterlinck 1994).
# Points stand apart and are small: the six colours that Okabe and Ito published for this purpose
# are 16.1 apart, so 15 is asked of all that colour alone shall tell apart.
@pytest.mark.parametrize(
    ("colors", "bound"),
    [
        (CLASS_COLORS[:6], 16),
        ([*CLASS_COLORS[:18], UNLABELED_COLOR], 15),
        ([*CLASS_COLORS[:18], PAPER_COLOR], 15),
        (CLASS_COLORS, 11),
        (MODALITY_COLORS[:4], 38),
        (MODALITY_COLORS[:6], 20),
        ([*MODALITY_COLORS, PAPER_COLOR], 15),
    ],
)
@pytest.mark.parametrize("vision", VISIONS)
def test_colors_are_told_apart_with_any_color_vision(colors, bound, vision):
    assert pdist(cielab(colors, vision)).min() >= bound


def test_no_class_is_taken_for_a_modality():
    classes, modalities = (cielab(each, "normal") for each in (CLASS_COLORS, MODALITY_COLORS))
    assert cdist(classes, modalities[:5]).min() >= 13
    assert cdist(classes[:10], modalities).min() >= 13
