from __future__ import annotations

import pytest
from matplotlib.image import imread

from modis.benchmark import tabulate
from modis.benchmark._draw import draw

from ._made import WORTH, made


@pytest.mark.parametrize("only", [["modis", "lr", "rf"], ["modis"], ["lr"]])
def test_the_figure_shows_something(only, tmp_path):
    shares = {name: WORTH[name] | {"combined": 0.9} for name in only}
    table = tabulate(*made(shares, combined=True))
    draw(table, tmp_path / "figure.png")
    image = imread(tmp_path / "figure.png")
    assert min(image.shape[:2]) > 300
    assert 0.01 < (image[..., :3].min(axis=2) < 0.9).mean() < 0.5
