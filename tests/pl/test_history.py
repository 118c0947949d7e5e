"""Training curves: which values share a panel, and where they stand."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from modis.pl import history

LOGGED = {
    "train_loss_step": [9.0, 8.0],
    "train_loss_epoch": [3.0, 2.0, 1.0],
    "validation_loss": [4.0, np.nan, 2.5],
    "kl_rna_train": [0.3, 0.2, 0.1],
    "kl_rna_validation": [0.4, 0.3, 0.2],
    "mixing": [0.5, 0.7, 0.9],
}


@pytest.fixture
def logged():
    return {
        name: pd.DataFrame({name: values}, index=pd.RangeIndex(len(values), name="epoch"))
        for name, values in LOGGED.items()
    }


def curves(ax):
    return [np.column_stack(line.get_data()).tolist() for line in ax.lines]


def legend(texts):
    return [text.get_text() for text in texts.get_texts()]


def test_train_and_validation_share_a_panel(logged, drawn):
    axes = history(logged)
    assert [ax.get_title(loc="left") for ax in axes] == ["loss", "kl_rna", "mixing"]
    assert curves(axes[0]) == [[[0, 3.0], [1, 2.0], [2, 1.0]], [[0, 4.0], [2, 2.5]]]
    assert [line.get_linestyle() for line in axes[1].lines] == ["-", "--"]
    assert len(axes[2].lines) == 1
    figure = drawn(axes)
    assert [legend(found) for found in figure.legends] == [["train", "validation"]]
    assert all(ax.get_xlabel() == "epoch" for ax in axes)


@pytest.mark.parametrize(
    ("keys", "titles", "n_lines"),
    [
        (["kl_rna", "loss"], ["kl_rna", "loss"], [2, 2]),
        (["train_loss_step"], ["loss"], [1]),
        (["loss", "validation_loss"], ["loss"], [2]),
        ("mixing", ["mixing"], [1]),
    ],
)
def test_keys_choose_names_or_terms(logged, keys, titles, n_lines):
    axes = history(logged, keys=keys)
    assert [ax.get_title(loc="left") for ax in axes] == titles
    assert [len(ax.lines) for ax in axes] == n_lines


def test_given_axes_are_used(logged, drawn):
    _, given = plt.subplots(1, 2, layout="constrained")
    axes = history(logged, keys=["loss", "mixing"], best_epoch=2, axes=given)
    assert axes.tolist() == given.tolist()
    assert [list(ax.lines[-1].get_xdata()) for ax in axes] == [[2, 2]] * 2
    assert legend(given[1].get_legend()) == ["train", "validation", "best epoch (2)"]
    assert given[0].get_legend() is None
    drawn(given)


def test_a_term_may_have_the_name_of_a_part(drawn):
    frames = {name: pd.DataFrame({name: [1.0]}) for name in ["train", "validation_train"]}
    axes = history(frames)
    assert [ax.get_title(loc="left") for ax in axes] == ["train"]
    # A single epoch is a point, since a line would not show.
    assert [line.get_marker() for line in axes[0].lines] == ["o", "o"]
    drawn(axes)


def test_many_terms(drawn):
    frames = {f"term_{i}_train": pd.DataFrame({"x": [2.0, 1.0]}) for i in range(17)}
    assert len(history(frames)) == 17
    drawn(plt.gcf().axes)


def test_refuses_and_leaves_no_figure(logged):
    with pytest.raises(KeyError, match="No 'elbo' in history.*kl_rna_train"):
        history(logged, keys=["elbo"])
    with pytest.raises(ValueError, match="was the model trained"):
        history({})
    assert plt.get_fignums() == []
