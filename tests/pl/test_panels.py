"""Axes that are given or made."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from modis.pl._panels import EXTRA_HEIGHT, figure_of, panels


@pytest.mark.parametrize(("n", "shape"), [(1, (1, 1)), (4, (2, 2)), (5, (2, 3))])
def test_grid_is_as_full_as_it_can_be(n, shape):
    axes = panels(n, None, panel_size=(2, 1), max_width=7)
    grid = axes[0].get_gridspec()
    assert (grid.nrows, grid.ncols) == shape
    assert axes.shape == (n,)
    assert figure_of(axes[0]).axes == list(axes)
    np.testing.assert_allclose(
        figure_of(axes[0]).get_size_inches(), (2 * shape[1], shape[0] + EXTRA_HEIGHT)
    )


def test_given_axes_are_used():
    figure, given = plt.subplots(2, 2)
    assert panels(4, given, panel_size=(1, 1)).tolist() == given.ravel().tolist()
    assert panels(1, given[0, 0], panel_size=(1, 1)).tolist() == [given[0, 0]]
    with pytest.raises(ValueError, match="3 panels need 3 axes, but 4 were given"):
        panels(3, given, panel_size=(1, 1))
    assert plt.get_fignums() == [figure.number]


def test_figure_behind_a_subfigure():
    figure = plt.figure()
    assert figure_of(figure.subfigures(1, 2)[1].subplots()) is figure
