import numpy as np
import pandas as pd

from modis.pl import class_counts

from ._read import legend, ticks

COUNTS = pd.DataFrame({"unlabeled": [0, 40], "T": [2000, 12], "B": [5, 0]}, ["rna", "protein"])


def by_position(ax):
    return {tuple(np.floor(text.get_position()).astype(int)): text.get_text() for text in ax.texts}


def marked(ax):
    return [tuple(np.floor(p.get_xy()).astype(int)) for p in ax.patches if p.get_hatch()]


def test_numbers_and_marks(drawn):
    before = COUNTS.copy()
    ax = class_counts(COUNTS)
    assert ticks(ax.xaxis) == ["T", "B", "unlabeled"]
    assert ticks(ax.yaxis) == ["rna\nn = 2,005", "protein\nn = 52"]
    rows = (("2,000", "5", "0"), ("12", "0", "40"))
    expected = {(k, at): text for at, row in enumerate(rows) for k, text in enumerate(row)}
    assert by_position(ax) == expected
    # No unlabelled sample is nothing to warn of.
    assert marked(ax) == [(1, 1)]
    assert "not seen" in legend(ax.get_legend())[0]
    pd.testing.assert_frame_equal(COUNTS, before)
    drawn(ax)


def test_nothing_is_marked_where_every_class_was_seen():
    ax = class_counts(COUNTS.replace(0, 1).rename(columns={"unlabeled": "?"}), unlabeled="?")
    assert ticks(ax.xaxis) == ["T", "B", "?"]
    assert marked(ax) == []
    assert ax.get_legend() is None
