"""What all figures share: the card, its texts, and names that fit."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from modis.pl import class_counts, confusion
from modis.pl._palette import CLASS_COLORS, MODALITY_COLORS
from modis.pl._style import (
    ASIDE_COLOR,
    LINE_COLOR,
    PAPER_COLOR,
    RC,
    TEXT_COLOR,
    house_style,
    ink_on,
    is_missing,
    wrapped,
)

from ._vision import contrast


def test_missing_labels():
    values = pd.Series(["a", None, np.nan, "", "unknown"], dtype=object)
    assert is_missing(values).tolist() == [False, True, True, True, False]
    assert is_missing(values.astype("category"), "unknown").tolist() == [False] + [True] * 4


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Plasmacytoid dendritic cells", "Plasmacytoid dendritic\ncells"),
        ("CD4_positive_alpha_beta_memory_T_cell", "CD4_positive_alpha_beta_\nmemory_T_cell"),
        ("chr10:1000000-1000500/promoter", "chr10:1000000-1000500/\npromoter"),
        ("x" * 30, "x" * 24 + "\n" + "x" * 6),
        ("", ""),
        (7, "7"),
    ],
)
def test_long_names_break_into_lines(name, text):
    assert wrapped(name) == text


def test_texts_are_read_on_the_card():
    assert contrast("#767676", "white") == pytest.approx(4.54, abs=0.01)
    assert contrast(TEXT_COLOR, PAPER_COLOR) > 7
    assert contrast(ASIDE_COLOR, PAPER_COLOR) > 4.5
    assert contrast(LINE_COLOR, PAPER_COLOR) > 3
    assert min(contrast(c, PAPER_COLOR) for c in [*CLASS_COLORS, *MODALITY_COLORS]) >= 1.7


@pytest.mark.parametrize("cmap", ["Blues", "Greys"])
def test_ink_is_read_on_any_cell(cmap):
    cells = mpl.colormaps[cmap](np.linspace(0, 1, 100))
    assert min(contrast(ink_on(cell), cell) for cell in cells) >= 4.5


def test_a_style_of_the_users_takes_nothing_away():
    with plt.style.context("dark_background"):
        before = dict(mpl.rcParams)
        ax = class_counts(pd.DataFrame({"a": [1], "b": [2]}, index=["rna"]))
        (panel,) = confusion(["a", "b"], ["a", "b"])
        assert dict(mpl.rcParams) == before
    for drawn in (ax, panel):
        paper = drawn.figure.get_facecolor()
        drawn.figure.canvas.draw()
        written = [drawn.title, drawn._left_title, drawn.xaxis.label, *drawn.get_xticklabels()]
        assert all(contrast(text.get_color(), paper) > 7 for text in written)


def test_what_a_backend_sets_while_drawing_stays():
    # a notebook's backend turns interactive mode on with the first figure
    before = dict(mpl.rcParams)
    try:
        with house_style():
            assert mpl.rcParams["axes.spines.top"] is False
            mpl.rcParams["interactive"] = not before["interactive"]
        assert mpl.rcParams["interactive"] is not before["interactive"]
        assert all(mpl.rcParams[name] == before[name] for name in RC)
    finally:
        mpl.rcParams.update(interactive=before["interactive"])
