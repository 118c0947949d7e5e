from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import mudata as md
import pandas as pd

from ..datasets import split
from ._files import without_pulling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["check_column", "draw_test", "stated_part", "used_modalities"]

_CLASS = "class"


def used_modalities(mdata: md.MuData, wanted: Sequence[str] | None) -> list[str]:
    """Modalities to use, in the order of the file; all by default.

    Raises
    ------
    KeyError
        If one is not in the file.
    """
    if wanted is None:
        return list(mdata.mod)
    unknown = [name for name in wanted if name not in mdata.mod]
    if unknown:
        raise KeyError(
            f"There is no modality {unknown[0]!r} (--modalities); the file has "
            f"{', '.join(mdata.mod)}."
        )
    return [name for name in mdata.mod if name in wanted]


def check_column(mdata: md.MuData, modalities: list[str], key: str | None, option: str) -> None:
    """Refuse a column that stands neither in the MuData's obs nor in a modality's.

    Raises
    ------
    KeyError
        With the columns that there are.
    """
    tables = [mdata.obs, *(mdata.mod[name].obs for name in modalities)]
    if key is None or any(key in table for table in tables):
        return
    found = dict.fromkeys(column for table in tables for column in table.columns)
    raise KeyError(
        f"There is no column {key!r} ({option}) in the file, neither for all observations nor in "
        f"a modality. Columns at hand: {', '.join(map(str, found)) or 'none'}."
    )


def stated_part(mdata: md.MuData, modalities: list[str], key: str) -> pd.Series:
    """``"train"`` or ``"test"`` by observation of the modalities, as a column says.

    Raises
    ------
    ValueError
        If the column says something else, nothing, or both of an observation.
    """
    tables = [mdata.obs, *(mdata.mod[name].obs for name in modalities)]
    stated = pd.concat([table[key].astype(object).dropna() for table in tables if key in table])
    stated = stated.map(lambda value: str(value).strip().lower())
    other = sorted(set(stated) - {"train", "test"})
    if other:
        raise ValueError(
            f"Column {key!r} (--split-key) must say 'train' or 'test'; it also has "
            f"{', '.join(map(repr, other[:5]))}."
        )
    both = stated.groupby(stated.index).nunique()
    both = both.index[both > 1]
    if len(both):
        raise ValueError(
            f"Column {key!r} (--split-key) puts {len(both)} observations into both parts, such "
            f"as {both[0]!r}."
        )
    part = stated[~stated.index.duplicated()]
    names = pd.Index(dict.fromkeys(n for m in modalities for n in mdata.mod[m].obs_names))
    absent = names.difference(part.index, sort=False)
    if len(absent):
        raise ValueError(
            f"{len(absent)} observations have no value in column {key!r} (--split-key), such as "
            f"{absent[0]!r}. Say 'train' or 'test' for every observation."
        )
    return part.reindex(names)


def draw_test(labels: Mapping[str, pd.Series], test_size: float, seed: int) -> pd.Index:
    """Draw test observations, equally from every class and set of modalities.

    Parameters
    ----------
    labels
        Class names by modality, missing where not known. Only observations with a class are
        drawn, as others test nothing.
    test_size
        Share of the labelled observations to draw.
    seed
        Seed of the draw.

    Returns
    -------
    Names of the test observations; none if nothing is labelled.
    """
    skeletons = {}
    for name, column in labels.items():
        known = column.dropna()
        if len(known):
            skeletons[name] = ad.AnnData(obs=pd.DataFrame({_CLASS: known.astype(str)}))
    if not skeletons:
        return pd.Index([], dtype=object)
    with without_pulling():
        skeleton = md.MuData(skeletons)
    _, test = split(skeleton, test_size, labels_key=_CLASS, seed=seed)
    return test.obs_names
