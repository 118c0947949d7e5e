from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from ..model import MODIS

__all__ = ["N_FEATURES", "explain", "leading_features"]

#: Features named on the page by class and modality; the table in the folder has all.
N_FEATURES = 5
_ARROWS = {"up": "\N{UPWARDS ARROW}", "down": "\N{DOWNWARDS ARROW}"}


def explain(model: MODIS) -> pd.DataFrame | None:
    """Rank the features of every modality by their contribution to the predicted classes.

    Returns
    -------
    As from :meth:`modis.MODIS.feature_importance` on the training data, modality by modality;
    `None` without classes.
    """
    if not model.module.n_classes:
        return None
    tables = []
    for modality in model.get_var_names():
        try:
            tables.append(model.feature_importance(modality))
        except ValueError:
            # a modality with a single class distinguishes nothing
            continue
    return pd.concat(tables, ignore_index=True) if tables else None


def leading_features(importance: pd.DataFrame) -> pd.DataFrame:
    """Lists of the first features with their direction, classes in rows, modalities in columns."""
    first = importance[importance["rank"] <= N_FEATURES]
    marked = first["feature"] + "\N{NO-BREAK SPACE}" + first["direction"].map(_ARROWS)
    table = first.assign(marked=marked).pivot_table("marked", "class", "modality", aggfunc=list)
    # classes sorted, modalities in their order
    table = table[list(first["modality"].unique())]
    return table.where(table.notna(), None)
