"""A user's table of linked features as positions in the data."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ._errors import NotInDataError, name_some

_COLUMNS = ["source_modality", "source_feature", "target_modality", "target_feature"]
_MODALITIES = ["source_modality", "target_modality"]
_ENDS = ["first", "second"]


@dataclass(frozen=True)
class LinkPair:
    """Links between two modalities, each once, ordered by the first feature, then the second.

    ``first`` and ``second`` are positions of features, int64 of shape ``(n_links,)``; ``weight``
    is float32 of the same shape, negative where one feature falls as the other rises.
    """

    first: np.ndarray
    second: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class AlignedLinks:
    """Links that fit the data.

    ``pairs`` holds the pairs of modalities that have links, the earlier modality first.
    ``summary`` has a row per pair of modalities in the table: links ``given`` and ``used``,
    different features ``missing_first`` and ``missing_second`` that are not in the data, and
    features with links, ``linked_first`` and ``linked_second``. ``n_ignored`` counts links of
    modalities that are not used.
    """

    pairs: dict[tuple[str, str], LinkPair]
    summary: pd.DataFrame
    n_ignored: int


def align_links(
    feature_links: pd.DataFrame, var_names: Mapping[str, np.ndarray], ignored: Collection[str] = ()
) -> AlignedLinks:
    """Find the linked features, given by modality in their order, in the data.

    Either modality may be the source; of a duplicate link the first is taken. Links of `ignored`
    modalities, which the data have but the model does not use, are only counted.
    """
    table = _checked(feature_links, list(var_names), ignored)
    used = table[_MODALITIES].isin(list(var_names)).all(axis=1)
    table = _in_order(table[used], list(var_names))
    pairs: dict[tuple[str, str], LinkPair] = {}
    rows: dict[tuple[str, str], dict[str, int]] = {}
    for a, b in combinations(var_names, 2):
        links = table[(table["first_modality"] == a) & (table["second_modality"] == b)]
        if links.empty:
            continue
        first = pd.Index(var_names[a]).get_indexer(links["first_feature"])
        second = pd.Index(var_names[b]).get_indexer(links["second_feature"])
        pair = _unique(links.assign(first=first, second=second))
        if len(pair.first):
            pairs[a, b] = pair
        rows[a, b] = {
            "given": len(links),
            "used": len(pair.first),
            "missing_first": links["first_feature"][first < 0].nunique(),
            "missing_second": links["second_feature"][second < 0].nunique(),
            "linked_first": len(np.unique(pair.first)),
            "linked_second": len(np.unique(pair.second)),
        }
    n_ignored = int((~used).sum())
    if not pairs:
        raise ValueError(_nothing_fits(table, var_names, n_ignored))
    index = pd.MultiIndex.from_tuples(rows, names=["first", "second"])
    summary = pd.DataFrame(list(rows.values()), index=index)
    return AlignedLinks(pairs, summary, n_ignored)


def _checked(
    feature_links: Any, modalities: Collection[str], ignored: Collection[str]
) -> pd.DataFrame:
    """Return the table as text and numbers, with a signed weight, or say what is wrong with it."""
    if not isinstance(feature_links, pd.DataFrame):
        raise TypeError(
            f"feature_links must be a DataFrame with the columns {_COLUMNS}, found "
            f"{type(feature_links).__name__}. modis.links makes such tables."
        )
    absent = [name for name in _COLUMNS if name not in feature_links]
    if absent:
        raise NotInDataError(
            f"feature_links has no column {name_some(absent)}; it has "
            f"{list(feature_links.columns)}. Each link needs {_COLUMNS}."
        )
    if feature_links.empty:
        raise ValueError("feature_links is empty. Leave it out, or give a link per row.")
    given = feature_links.reset_index(drop=True)
    missing = given[_COLUMNS].isna().any(axis=1)
    if missing.any():
        raise ValueError(
            f"feature_links has {missing.sum()} rows without a modality or feature, the first is "
            f"row {missing.idxmax()}. Drop them: feature_links.dropna(subset=[...])."
        )
    table = given[_COLUMNS].astype(str).astype(object)
    known = [*modalities, *ignored]
    unknown = set(table[_MODALITIES].to_numpy().ravel()) - set(known)
    if unknown:
        raise NotInDataError(
            f"feature_links names modalities that the data do not have: "
            f"{name_some(sorted(unknown))}; they have {name_some(known)}."
        )
    same = table["source_modality"] == table["target_modality"]
    if same.any():
        link = table.loc[same.idxmax()]
        raise ValueError(
            f"feature_links has {same.sum()} links within a modality, the first in row "
            f"{same.idxmax()}: {link['source_modality']} '{link['source_feature']}' to "
            f"{link['target_modality']} '{link['target_feature']}'. Links go from one modality to "
            "another."
        )
    table["weight"] = 1.0
    for column, wanted in (("weight", "a finite number above 0"), ("sign", "1 or -1")):
        if column not in given:
            continue
        values = pd.to_numeric(given[column].astype(object), errors="coerce").astype(float)
        fine = values.isin([-1, 1]) if column == "sign" else np.isfinite(values) & (values > 0)
        if not fine.all():
            row = fine.idxmin()
            raise ValueError(
                f"Column '{column}' of feature_links must hold {wanted}, but {(~fine).sum()} rows "
                f"do not; the first is row {row}: {given[column].tolist()[row]!r}. A missing "
                "value comes from joining tables of which one lacks the column: fillna(1)."
            )
        table["weight"] *= values
    return table


def _in_order(table: pd.DataFrame, modalities: list[str]) -> pd.DataFrame:
    """Turn links around whose source is the later modality."""
    order = pd.Index(modalities)
    source, target = (order.get_indexer(table[column]) for column in _MODALITIES)
    turned = {"weight": table["weight"]}
    for what in ("modality", "feature"):
        ends = table[[f"source_{what}", f"target_{what}"]].to_numpy()
        ends[source > target] = ends[source > target, ::-1]
        turned[f"first_{what}"], turned[f"second_{what}"] = ends.T
    return pd.DataFrame(turned, index=table.index)


def _unique(links: pd.DataFrame) -> LinkPair:
    """Links of two modalities of which both features are there, each once."""
    links = links[(links["first"] >= 0) & (links["second"] >= 0)].sort_values(
        ["first", "second"], kind="stable"
    )
    is_positive = (links["weight"] > 0).groupby([links["first"], links["second"]])
    against = is_positive.transform("nunique") > 1
    if against.any():
        link = links.loc[against.idxmax()]
        raise ValueError(
            f"feature_links links {link['first_modality']} '{link['first_feature']}' and "
            f"{link['second_modality']} '{link['second_feature']}' with sign 1 and with sign -1. "
            "Keep one of them."
        )
    links = links.drop_duplicates(["first", "second"])
    first, second = (links[side].to_numpy(dtype=np.int64) for side in ("first", "second"))
    return LinkPair(first, second, links["weight"].to_numpy(dtype=np.float32))


def _nothing_fits(table: pd.DataFrame, var_names: Mapping[str, np.ndarray], n_ignored: int) -> str:
    """Names of both sides, so that different kinds, such as Ensembl ids, are seen at once."""
    if table.empty:
        return (
            f"All {n_ignored} links of feature_links belong to modalities that the model does not "
            f"use; it uses {name_some(var_names)}."
        )
    sides = []
    for name, features in var_names.items():
        ends = [table.loc[table[f"{e}_modality"] == name, f"{e}_feature"] for e in _ENDS]
        linked = pd.concat(ends).unique()
        if len(linked):
            data = [str(feature) for feature in features[:3]]
            sides.append(f"'{name}': linked are {list(linked[:3])}, the data have {data}")
    return (
        f"None of the {len(table)} links of feature_links joins two features of the data. "
        f"{'; '.join(sides)}. Features are matched by var_names."
    )
