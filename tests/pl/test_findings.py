"""Titles say what a figure shows, and only in figures of our own."""

from __future__ import annotations

import anndata
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from modis.pl import class_counts, confusion, feature_importance, latent, translation

COUNTS = pd.DataFrame({"T": [20, 12], "B": [5, 3], "unlabeled": [0, 40]}, index=["rna", "adt"])
ERRORS = pd.DataFrame([[1.0, 2.2], [1.5, 2.0]], index=["rna", "adt"], columns=["rna", "adt"])
LIMIT = pd.Series({"rna": 1.0, "adt": 2.0})
IMPORTANCE = pd.DataFrame(
    {
        "class": ["T", "B"],
        "feature": ["CD3D", "MS4A1"],
        "attribution": [0.4, -0.7],
        "direction": ["up", "down"],
    }
)
EMBEDDING = anndata.AnnData(
    obs=pd.DataFrame({"label": ["T", "B"]}, index=["s1", "s2"]), obsm={"X_modis": np.eye(2)}
)


def unseen(*cells):
    counts = COUNTS.copy()
    for row, column in cells:
        counts.loc[row, column] = 0
    return counts


FINDINGS = [
    (lambda: class_counts(COUNTS), "Samples per modality and class"),
    (lambda: class_counts(unseen(("adt", "B"))), "Never seen: B in adt"),
    (
        lambda: class_counts(COUNTS * 0),
        "Never seen: 4 of 4 pairs of class and modality",
    ),
    (lambda: confusion(["a", "a", "b"], ["a", "b", "b"]), "Lowest recall: a, 0.50 (n = 2)"),
    (
        lambda: confusion(["a", "a", "b", "a"], ["a", "b", "b", "c"], ["x", "x", "x", "y"]),
        "Lowest recall: a from y, 0.00 (n = 1)",
    ),
    (
        lambda: confusion(["a"] * 999 + ["b"], ["a"] * 999 + ["b"]),
        "Every sample is found in its class",
    ),
    (lambda: confusion(["a"] * 1000, ["a"] * 999 + ["b"]), "Lowest recall: a, 0.99 (n = 1,000)"),
    (lambda: translation(ERRORS, LIMIT), "Hardest translation: adt to rna, 1.50 × its limit"),
    (
        lambda: translation(ERRORS),
        "Hardest translation: adt to rna, 1.50 × the lowest error of rna",
    ),
    (lambda: translation(ERRORS.iloc[:1, :1]), "Reconstruction error"),
    (lambda: feature_importance(IMPORTANCE), "Strongest feature: MS4A1, lower in B"),
]


@pytest.mark.parametrize(("draw", "finding"), FINDINGS)
def test_title_says_the_finding(draw, finding, drawn):
    figure = drawn(draw())
    assert " ".join(figure.get_suptitle().split()) == finding


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: class_counts(COUNTS, ax=ax),
        lambda ax: confusion(["a", "b"], ["a", "b"], axes=[ax]),
        lambda ax: translation(ERRORS, ax=ax),
        lambda ax: latent(EMBEDDING, color="label", axes=ax),
    ],
)
def test_given_axes_are_used_and_their_figure_keeps_its_title(draw):
    figure, ax = plt.subplots()
    assert np.ravel(draw(ax)).tolist() == [ax]
    assert figure.get_suptitle() == ""
    assert plt.get_fignums() == [figure.number]
