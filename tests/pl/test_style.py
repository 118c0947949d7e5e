import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from modis.pl import _style as style


def test_missing_labels():
    values = pd.Series(["a", None, np.nan, "", "unknown"], dtype=object)
    assert style.is_missing(values).tolist() == [False, True, True, True, False]
    assert style.is_missing(values.astype("category"), "unknown").tolist() == [False] + [True] * 4


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Plasmacytoid dendritic cells", "Plasmacytoid dendritic\ncells"),
        ("CD4_positive_alpha_beta_memory_T_cell", "CD4_positive_alpha_beta_\nmemory_T_cell"),
        ("chr10:1000000-1000500/promoter", "chr10:1000000-\n1000500/promoter"),
        ("x" * 30, "x" * 24 + "\n" + "x" * 6),
        ("", ""),
        (7, "7"),
    ],
)
def test_long_names_break_into_lines(name, text):
    assert style.wrapped(name) == text


def test_what_a_backend_sets_while_drawing_stays():
    # a notebook's backend turns interactive mode on with the first figure
    before = dict(mpl.rcParams)
    try:
        with style.house_style():
            assert mpl.rcParams["axes.spines.top"] is False
            mpl.rcParams["interactive"] = not before["interactive"]
        assert mpl.rcParams["interactive"] is not before["interactive"]
        assert all(mpl.rcParams[name] == before[name] for name in style.RC)
    finally:
        mpl.rcParams.update(interactive=before["interactive"])


def contrast(one, other):
    """Contrast of two colours, 1 to 21, as the Web Content Accessibility Guidelines define it."""
    values = np.array([to_rgb(one), to_rgb(other)])
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    darker, lighter = sorted(linear @ [0.2126, 0.7152, 0.0722])
    return (lighter + 0.05) / (darker + 0.05)


def test_texts_are_read_on_the_card_and_on_any_cell():
    assert contrast(style.TEXT_COLOR, style.PAPER_COLOR) > 7
    assert contrast(style.ASIDE_COLOR, style.PAPER_COLOR) > 4.5
    cells = mpl.colormaps["Blues"](np.linspace(0, 1, 100))
    assert min(contrast(style.ink_on(cell), cell) for cell in cells) >= 4.5
