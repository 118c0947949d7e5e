"""Which class is found, and from which modality."""

from __future__ import annotations

import pandas as pd
from numpy.typing import ArrayLike

from ._checks import as_labels, require_same_length, true_and_predicted


def recall_per_class(y_true: ArrayLike, y_pred: ArrayLike, modality: ArrayLike) -> pd.DataFrame:
    """Fraction of each class's samples that is found, by modality and over all of them.

    Overall accuracy hides a rare class that is never found and a class that one modality never
    saw; this table shows both.

    Parameters
    ----------
    y_true
        True classes, of shape `(n_samples,)`, without missing values.
    y_pred
        Predicted classes, of shape `(n_samples,)`, in the same order.
    modality
        The modality that each prediction was made from, of shape `(n_samples,)`.

    Returns
    -------
    Recall, of shape `(n_classes, n_modalities + 1)`: a row for every class of `y_true`, sorted;
    a column for every modality in order of appearance, then `"all"`. NaN where a modality has no
    sample of a class.

    Raises
    ------
    ValueError
        If the arrays are empty, differ in length or have missing values, or if a modality is
        called `"all"`.

    Examples
    --------
    >>> import modis
    >>> modis.metrics.recall_per_class(
    ...     y_true=["LumA", "LumA", "Her2", "LumA"],
    ...     y_pred=["LumA", "Her2", "Her2", "LumA"],
    ...     modality=["rna", "rna", "rna", "protein"],
    ... )
    modality  rna  protein  all
    class
    Her2      1.0      NaN  1.000000
    LumA      0.5      1.0  0.666667
    """
    true, predicted, classes = true_and_predicted(y_true, y_pred)
    modalities = as_labels(modality, "modality")
    require_same_length(y_true=true, modality=modalities)
    if "all" in modalities:
        raise ValueError(
            'A modality is called "all", the name of the column over all of them. Rename it.'
        )

    found = pd.Series(true == predicted, dtype=float)
    true_class = pd.Series(classes[true], name="class")
    columns = {
        name: found[modalities == name].groupby(true_class).mean()
        for name in pd.unique(modalities)
    }
    columns["all"] = found.groupby(true_class).mean()
    return pd.DataFrame(columns, index=columns["all"].index).rename_axis(columns="modality")
