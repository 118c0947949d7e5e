import numpy as np
import pandas as pd

from modis.pl import translation

from ._read import ticks

MODALITIES = ["meth", "rna"]
ERRORS = pd.DataFrame([[0.0101, 420.04], [0.02, np.nan]], index=MODALITIES, columns=MODALITIES)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_errors_and_ratios_to_the_limit(drawn):
    before = ERRORS.copy()
    ax = translation(ERRORS, pd.Series({"rna": 400.0, "other": 1.0, "meth": 0.01}))
    assert texts(ax) == ["0.0101\n1.01 ×", "420\n1.05 ×", "0.0200\n2.00 ×"]
    assert ticks(ax.xaxis) == ["meth\n(limit 0.0100)", "rna\n(limit 400)"]
    assert ticks(ax.yaxis) == MODALITIES
    np.testing.assert_allclose(ax.collections[0].get_array().compressed(), [1.01, 1.0501, 2.0])
    assert ax.collections[0].colorbar.ax.get_ylabel() == "error / limit"
    pd.testing.assert_frame_equal(ERRORS, before)
    drawn(ax.figure.axes)


def test_without_limit_colors_compare_within_a_column(drawn):
    ax = translation(ERRORS)
    assert texts(ax) == ["0.0101", "420", "0.0200"]
    np.testing.assert_allclose(ax.collections[0].get_array().compressed(), [1, 1, 0.02 / 0.0101])
    assert ax.collections[0].colorbar.ax.get_ylabel() == "error / lowest of its column"
    drawn(ax.figure.axes)
    # reconstructions are framed, gaps hatched
    framed = [np.floor(p.get_xy()).tolist() for p in ax.patches if not p.get_fill()]
    hatched = [list(p.get_xy()) for p in ax.patches if p.get_hatch()]
    assert (framed, hatched) == ([[0, 0]], [[1, 1]])
