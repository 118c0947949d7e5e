"""Every plot is drawn without a screen, leaves matplotlib's settings alone and leaks no figure."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture(autouse=True)
def _settings_stay_as_they_are():
    plt.close("all")
    before = dict(mpl.rcParams)
    yield
    after = dict(mpl.rcParams)
    plt.close("all")
    assert after == before


@pytest.fixture
def drawn():
    """Draw the only open figure, which must be the one that holds these axes."""

    def draw(axes):
        assert len(plt.get_fignums()) == 1
        figure = plt.gcf()
        assert {ax.figure for ax in np.ravel(axes)} == {figure}
        figure.canvas.draw()
        if figure.get_layout_engine() is not None:
            box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
            assert min(box.x0, box.y0, width - box.x1, height - box.y1) > -0.06, "cut off"
        return figure

    return draw
