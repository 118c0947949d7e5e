from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mudata import MuData

__all__ = ["count_classes"]


def count_classes(
    mdata: MuData,
    modalities: Sequence[str],
    labels: Mapping[str, pd.Series] | None,
    classes: Sequence[str],
) -> pd.DataFrame:
    """Count observations by modality and class.

    Parameters
    ----------
    mdata
        The data.
    modalities
        Modalities, the rows of the table.
    labels
        Class names by modality, `None` when there are no labels.
    classes
        Classes, columns of the table.

    Returns
    -------
    DataFrame of shape ``(n_modalities, n_classes + 3)``: a column per class, ``"unlabeled"``,
    ``"total"`` and ``"features"``.
    """
    rows = {}
    for name in modalities:
        adata = mdata.mod[name]
        column = pd.Series(dtype=object) if labels is None else labels[name]
        counts = column.value_counts().reindex(classes, fill_value=0).to_list()
        rows[name] = [*counts, adata.n_obs - sum(counts), adata.n_obs, adata.n_vars]
    columns = pd.Index([*classes, "unlabeled", "total", "features"], name="class")
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.rename_axis(index="modality")
