import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation
from sklearn.metrics import confusion_matrix

from modis.pl import confusion

from ._read import ticks, titles


def cells(ax, n):
    """Texts inside the matrix, by row; those beside it, from top to bottom."""
    inside, beside = np.full((n, n), "", dtype=object), []
    for text in ax.texts:
        if isinstance(text, Annotation) or text.get_transform() == ax.transAxes:
            beside.append(text.get_text())
        else:
            column, row = np.floor(text.get_position()).astype(int)
            inside[row, column] = text.get_text()
    return inside, beside


@pytest.fixture
def data(rng):
    y_true = rng.choice(["a", "b", "c"], 90)
    y_pred = np.where(rng.random(90) < 0.7, y_true, rng.choice(["a", "b", "c"], 90))
    return y_true, y_pred, rng.choice(["rna", "adt"], 90)


def test_cells_agree_with_sklearn(data, drawn):
    y_true, y_pred, modality = data
    axes = confusion(y_true, y_pred, modality)
    names = ["All modalities", *pd.unique(modality)]
    assert titles(axes) == names
    for ax, name in zip(axes, names, strict=True):
        rows = (modality == name) | (name == "All modalities")
        expected = confusion_matrix(y_true[rows], y_pred[rows], labels=["a", "b", "c"])
        inside, beside = cells(ax, 3)
        share = 100 * expected / expected.sum(axis=1, keepdims=True)
        assert inside.tolist() == np.where(share == 0, "", np.char.mod("%.0f", share)).tolist()
        assert beside[1:4] == [str(n) for n in expected.sum(axis=1)]
        n_correct = np.trace(expected) / expected.sum()
        assert beside[4].strip() == f"{n_correct:.1%} of {rows.sum()} correct"
    assert ticks(axes[0].xaxis) == ticks(axes[0].yaxis) == ["a", "b", "c"]
    drawn(axes)


def test_percent_of_the_true_class():
    y_true = ["a"] * 1000 + ["b"] * 4
    y_pred = ["a"] * 999 + ["b"] + ["a"] * 3 + ["b"]
    (ax,) = confusion(y_true, y_pred)
    inside, beside = cells(ax, 2)
    # 99.9 % must not read 100, nor 0.1 % nothing.
    assert inside.tolist() == [["99", "<1"], ["75", "25"]]
    assert beside[:3] == ["n", "1,000", "4"]
    assert titles([ax]) == ["All samples"]
    assert "% of true class" in ax.get_xlabel()


def test_class_that_a_modality_lacks_is_marked():
    axes = confusion(["a", "b", "a"], ["a", "b", "b"], ["rna", "rna", "adt"])
    marked = [[p for p in ax.patches if isinstance(p, Rectangle) and p.get_hatch()] for ax in axes]
    assert [[p.get_xy() for p in patches] for patches in marked] == [[], [], [(0, 1), (1, 1)]]
    inside, beside = cells(axes[2], 2)
    assert inside.tolist() == [["", "100"], ["", ""]]
    assert beside[:3] == ["n", "1", "0"]


def test_samples_without_class_are_left_out():
    (ax,) = confusion(pd.Series(["c2", None, "c10", np.nan, ""]), ["c2", "b", "c10", "a", None])
    assert cells(ax, 2)[0].tolist() == [["100", ""], ["", "100"]]
    assert ticks(ax.yaxis) == ["c2", "c10"]


@pytest.mark.parametrize(("n_classes", "n_modalities"), [(2, 1), (14, 6)])
def test_sizes(rng, drawn, n_classes, n_modalities):
    names = np.array([f"a class with a long name {i}" for i in range(n_classes)])
    y_true = np.tile(names, 10)
    modality = rng.integers(n_modalities, size=len(y_true)).astype(str)
    axes = confusion(y_true, rng.permutation(y_true), modality)
    assert len(axes) == 1 + n_modalities
    figure = drawn(axes)
    boxes = [ax.get_position() for ax in axes]
    assert all(box.width * figure.get_figwidth() > 1.5 for box in boxes)
