from __future__ import annotations

from typing import TYPE_CHECKING

from ._figures import MOST_POINTS

if TYPE_CHECKING:
    from ._fit import Results

__all__ = ["captions"]


def captions(results: Results) -> dict[str, dict[str, str]]:
    """Title, way to read and alternative text of the page's figures, in their order."""
    cohort, judged = results.cohort, results.translations
    n_rows = len(cohort.samples)
    shown = f"{results.embedding.n_obs:,} points"
    if n_rows > MOST_POINTS:
        shown = f"a random {results.embedding.n_obs:,} of {n_rows:,} points"
    drawn = "UMAP" if "X_umap" in results.embedding.obsm else "first two principal components"
    texts = {
        "latent_umap.png": {
            "title": "The shared latent space",
            "read": f"Every point is one sample seen through one omics ({shown}; {drawn} of the "
            "latent space, training and test samples). Good integration looks like this: every "
            "group holds samples of all omics (left) and of one class (right). Distances between "
            "far groups and the sizes of groups mean little in such a map.",
            "alt": "Scatter plots of the latent space, coloured by modality and by class.",
        },
        "confusion.png": {
            "title": "Which classes are taken for which",
            "read": "Test samples only. Rows are true classes, columns predicted ones, in percent "
            "of the row; a perfect model has 100 on the diagonal. n, to the right, is the number "
            "of test samples behind a row: do not read much into rows with few. The first panel "
            "pools the predictions made from each omics by itself.",
            "alt": "Confusion matrices over all test samples and by modality.",
        },
        "translation.png": {
            "title": "Predicting one omics from another",
            "read": "",
            "alt": "Heatmap of translation errors, source modality by target modality.",
        },
        "feature_importance.png": {
            "title": "What drives the predictions",
            "read": "For every omics and class, the features that contribute most to the class "
            "score, by integrated gradients: the class is compared with the average of the other "
            "classes, over its training samples. A bar to the right speaks for the class, one to "
            "the left against it; orange features are higher in the class, blue ones lower. Of "
            "features that tell the same the model may lean on some and pass over others, and "
            "nothing here says what causes a class.",
            "alt": "Bars of the most important features of every class, by modality.",
        },
        "history.png": {
            "title": "Training",
            "read": "Each panel is one quantity over the passes through the data (epochs). "
            "Solid: training samples. Dashed: a tenth of the training part that only watches, and "
            "chooses the epoch whose weights are kept. Curves that level off are good; a "
            "validation curve that climbs while the training one falls means overfitting. The "
            "score that chooses the epoch is called selection; lower is better.",
            "alt": "Curves of the loss terms over epochs, training and validation.",
        },
    }
    if judged is not None:
        kept = [name for name in judged.errors if not judged.errors[name].isna().all()]
        base = (
            "Mean squared error between predicted and measured profiles of test samples seen in "
            "both omics; rows are the omics given, columns the omics predicted, framed cells "
            "reconstructions of an omics from itself. "
        )
        if judged.simulated:
            base += (
                "In this simulation the omics are independent given the class, so no translation "
                "can be better than the spread within classes, the limit: 1.00 × is the best "
                "possible. A reconstruction may go below its limit."
            )
        else:
            base += (
                "Errors are in units of each feature's variance over the training samples: 0 is "
                "perfect, 1 no better than the average profile. The colours compare within a "
                "column. Below the figure: what the average profile of the sample's true class "
                "would reach."
            )
        if judged.counts:
            base += f" Counts ({', '.join(judged.counts)}) are compared as log(1 + count)."
        if len(kept) < len(judged.errors.columns):
            base += " Hatched: too few test samples have both omics."
        texts["translation.png"]["read"] = base
    return texts
