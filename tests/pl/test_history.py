import numpy as np
import pandas as pd
import pytest

from modis.pl import history

from ._read import legend, titles

LOGGED = {
    "loss_train": [3.0, 2.0, 1.0],
    "loss_validation": [4.0, np.nan, 2.5],
    "kl_rna_train": [0.3, 0.2, 0.1],
    "kl_rna_validation": [0.4, 0.3, 0.2],
    "mixing_validation": [0.5, 0.7, 0.9],
}


@pytest.fixture
def logged():
    return {
        name: pd.DataFrame({name: values}, index=pd.RangeIndex(len(values), name="epoch"))
        for name, values in LOGGED.items()
    }


def curves(ax):
    return [np.column_stack(line.get_data()).tolist() for line in ax.lines]


def test_train_and_validation_share_a_panel(logged, drawn):
    axes = history(logged)
    assert titles(axes) == ["loss", "kl_rna", "mixing"]
    assert curves(axes[0]) == [[[0, 3.0], [1, 2.0], [2, 1.0]], [[0, 4.0], [2, 2.5]]]
    assert [line.get_linestyle() for line in axes[1].lines] == ["-", "--"]
    assert len(axes[2].lines) == 1
    figure = drawn(axes)
    assert [legend(found) for found in figure.legends] == [["train", "validation"]]
    assert all(ax.get_xlabel() == "epoch" for ax in axes)


def test_keys_choose_terms(logged, drawn):
    axes = history(logged, keys=["kl_rna", "loss"], best_epoch=1)
    assert titles(axes) == ["kl_rna", "loss"]
    assert [len(ax.lines) for ax in axes] == [3, 3]
    assert [list(ax.lines[-1].get_xdata()) for ax in axes] == [[1, 1]] * 2
    assert "best epoch (1)" in legend(drawn(axes).legends[0])


def test_a_term_may_have_the_name_of_a_part(drawn):
    frames = {name: pd.DataFrame({name: [1.0]}) for name in ["train_train", "train_validation"]}
    axes = history(frames)
    assert titles(axes) == ["train"]
    # A single epoch is a point, since a line would not show.
    assert [line.get_marker() for line in axes[0].lines] == ["o", "o"]
    drawn(axes)
