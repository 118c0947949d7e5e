"""What all plots share: titles say what is seen, axes may be given, and nothing odd is drawn."""

import anndata
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from modis.pl import class_counts, confusion, feature_importance, history, latent, translation

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
LOSS = {"loss_train": pd.DataFrame({"loss": np.arange(5.0)})}


def unseen(*cells):
    counts = COUNTS.copy()
    for row, column in cells:
        counts.loc[row, column] = 0
    return counts


FINDINGS = [
    (lambda: class_counts(COUNTS), "Samples per modality and class"),
    (lambda: class_counts(unseen(("adt", "B"))), "Never seen: B in adt"),
    (lambda: class_counts(COUNTS * 0), "Never seen: 4 of 4 pairs of class and modality"),
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
    (lambda: translation(ERRORS, LIMIT), "Largest error: adt to rna, 1.50 × its limit"),
    (lambda: translation(ERRORS), "Largest error: adt to rna, 1.50 × the lowest error of rna"),
    (lambda: translation(ERRORS.iloc[:1, :1]), "Reconstruction error"),
    (lambda: feature_importance(IMPORTANCE), "Strongest feature: MS4A1, lower in B"),
]


@pytest.mark.parametrize(("draw", "finding"), FINDINGS)
def test_title_says_the_finding(draw, finding, drawn):
    figure = drawn(draw())
    assert " ".join(figure.get_suptitle().split()) == finding


LONG = "a very long name of a class that nobody can read"
ZEROS = IMPORTANCE.assign(attribution=0.0, **{"class": [LONG, 2]})
LINE = anndata.AnnData(obs=EMBEDDING.obs, obsm={"X_modis": np.eye(2, 1)})
ODD = [
    lambda: class_counts(COUNTS[["unlabeled"]]),
    lambda: class_counts(COUNTS.iloc[:1, :1] * 0),
    lambda: class_counts(pd.DataFrame(np.arange(180).reshape(6, 30)).add_prefix("cell type ")),
    lambda: feature_importance(pd.concat([IMPORTANCE.assign(**{"class": k}) for k in range(11)])),
    lambda: feature_importance(pd.concat(6 * [ZEROS])),
    lambda: history({f"term_{k}_train": LOSS["loss_train"] for k in range(17)}),
    lambda: latent(EMBEDDING, color="label"),
    lambda: latent(EMBEDDING[:1], color="label"),
    lambda: latent(LINE, color="label"),
    lambda: translation(ERRORS * np.array([[0, 1], [1, np.nan]])),
    lambda: translation(ERRORS.assign(adt=np.nan)),
]


@pytest.mark.parametrize("draw", ODD)
def test_odd_data_are_drawn_in_full(draw, drawn):
    drawn(draw())


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


FLAT = anndata.AnnData(obs=EMBEDDING.obs, obsm={"X_flat": np.zeros((2, 1))})
REFUSED = [
    (lambda: class_counts(COUNTS * -1), ValueError, "non-empty table"),
    (lambda: class_counts(COUNTS / (COUNTS * 0)), ValueError, "non-empty table"),
    (lambda: class_counts(COUNTS.iloc[:0]), ValueError, "non-empty table"),
    (lambda: confusion(["a", "b"], ["a"]), ValueError, r"inconsistent numbers of samples: \[2, 1"),
    (lambda: confusion([None], ["a"]), ValueError, "No sample has a true class"),
    (lambda: confusion(["a"], [None]), ValueError, "1 samples .* no predicted value"),
    (lambda: confusion(["a"], ["a"], [None]), ValueError, "1 samples .* no modality value"),
    (lambda: confusion(["a"], ["a"], axes=[]), ValueError, "1 panels need 1 axes, but 0"),
    (
        lambda: feature_importance(IMPORTANCE.drop(columns="direction")),
        ValueError,
        r"lacks the column\(s\) \['direction'\]",
    ),
    (lambda: feature_importance(IMPORTANCE.iloc[:0]), ValueError, "no row"),
    (lambda: feature_importance(IMPORTANCE, 0), ValueError, "n_features=0 must be at least 1"),
    (lambda: history({}), ValueError, "was the model trained"),
    (lambda: history(LOSS, keys=["elbo"]), KeyError, r"No 'elbo' in history.*\['loss'\]"),
    (lambda: latent(EMBEDDING, color="sex"), KeyError, r"No column \['sex'\].*label"),
    (lambda: latent(EMBEDDING, color=[]), KeyError, "No column"),
    (lambda: latent(EMBEDDING, color="label", basis="X_tsne"), KeyError, "No 'X_tsne'.*X_modis"),
    (lambda: latent(FLAT, color="label"), KeyError, "No 'X_umap' in embedding.obsm.*X_flat"),
    (lambda: latent(FLAT, color="label", basis="X_flat"), ValueError, "two columns"),
    (lambda: latent(EMBEDDING[:0], color="label"), ValueError, "no rows"),
    (lambda: translation(ERRORS * np.nan), ValueError, "no value"),
    (lambda: translation(ERRORS, LIMIT[:1]), ValueError, r"above 0 for each of \['rna', 'adt'\]"),
    (lambda: translation(ERRORS, LIMIT * 0), ValueError, r"above 0 for each of .* found"),
]


@pytest.mark.parametrize(("draw", "error", "said"), REFUSED)
def test_refuses_and_leaves_no_figure(draw, error, said):
    with pytest.raises(error, match=said):
        draw()
    assert plt.get_fignums() == []
