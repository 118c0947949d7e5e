"""A user's table of linked features as positions in the data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ._errors import NotInDataError
from ._text import name_some

__all__ = ["AlignedLinks", "LinkPair", "align_links"]

COLUMNS = ["source_modality", "source_feature", "target_modality", "target_feature"]
SUMMARY_COLUMNS = ["given", "used"]
SUMMARY_COLUMNS += ["missing_first", "missing_second", "linked_first", "linked_second"]


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
    feature_links: pd.DataFrame,
    var_names: Mapping[str, np.ndarray],
    ignored: Collection[str] = (),
) -> AlignedLinks:
    """Find the linked features in the data.

    Parameters
    ----------
    feature_links
        A link per row: ``source_modality``, ``source_feature``, ``target_modality``,
        ``target_feature``, and optionally ``weight`` (above 0, default 1) and ``sign`` (1 or -1,
        default 1). Either modality may be the source. Of a link that stands there twice, the
        first is taken.
    var_names
        Features by modality, in the order of the modalities.
    ignored
        Modalities of the data that are not used; their links are counted and left out.

    Raises
    ------
    TypeError
        If the links are no DataFrame.
    KeyError
        If a column is missing, or a modality unknown.
    ValueError
        If a value cannot be used, a link stands there with both signs, or no link fits the data.
    """
    table = _checked(feature_links, list(var_names), ignored)
    used = table["source_modality"].isin(var_names) & table["target_modality"].isin(var_names)
    n_ignored = int((~used).sum())
    table = _in_order(table[used], list(var_names))

    pairs: dict[tuple[str, str], LinkPair] = {}
    rows: dict[tuple[str, str], list[int]] = {}
    order = {name: position for position, name in enumerate(var_names)}
    groups = table.groupby(["first_modality", "second_modality"], sort=False)
    for a, b in sorted(groups.groups, key=lambda pair: (order[pair[0]], order[pair[1]])):
        links = groups.get_group((a, b))
        first = pd.Index(var_names[a]).get_indexer(links["first_feature"])
        second = pd.Index(var_names[b]).get_indexer(links["second_feature"])
        pair = _unique((a, b), links, first, second, len(var_names[b]))
        if len(pair.first):
            pairs[a, b] = pair
        rows[a, b] = [
            len(links),
            len(pair.first),
            links["first_feature"][first < 0].nunique(),
            links["second_feature"][second < 0].nunique(),
            len(np.unique(pair.first)),
            len(np.unique(pair.second)),
        ]
    if not pairs:
        raise ValueError(_nothing_fits(table, var_names, n_ignored))
    index = pd.MultiIndex.from_tuples(rows, names=["first", "second"])
    summary = pd.DataFrame(list(rows.values()), index=index, columns=SUMMARY_COLUMNS)
    return AlignedLinks(pairs, summary, n_ignored)


def _checked(
    feature_links: Any, modalities: Collection[str], ignored: Collection[str]
) -> pd.DataFrame:
    """Return the table as text and numbers, with a signed weight, or say what is wrong with it."""
    if not isinstance(feature_links, pd.DataFrame):
        raise TypeError(
            f"feature_links must be a DataFrame with the columns {COLUMNS}, found "
            f"{type(feature_links).__name__}. modis.links makes such tables."
        )
    absent = [name for name in COLUMNS if name not in feature_links]
    if absent:
        raise NotInDataError(
            f"feature_links has no column {name_some(absent)}; it has "
            f"{list(feature_links.columns)}. Each link needs {COLUMNS}."
        )
    if feature_links.empty:
        raise ValueError("feature_links is empty. Leave it out, or give a link per row.")
    given = feature_links[COLUMNS].reset_index(drop=True)
    missing = given.isna().any(axis=1)
    if missing.any():
        raise ValueError(
            f"feature_links has {missing.sum()} rows without a modality or feature, the first is "
            f"row {missing.idxmax()}. Drop them: feature_links.dropna(subset=[...])."
        )
    table = given.astype(str).astype(object)

    known = {*modalities, *ignored}
    found = [*table["source_modality"].unique(), *table["target_modality"].unique()]
    unknown = [name for name in dict.fromkeys(found) if name not in known]
    if unknown:
        raise NotInDataError(
            f"feature_links names modalities that the data do not have: {name_some(unknown)}; "
            f"they have {name_some([*modalities, *ignored])}."
        )
    same = table["source_modality"] == table["target_modality"]
    if same.any():
        row = same.idxmax()
        raise ValueError(
            f"feature_links has {same.sum()} links within a modality, the first in row {row}: "
            f"{_describe(table.loc[row])}. Links go from one modality to another."
        )
    weight = _numbers(feature_links, "weight")
    sign = _numbers(feature_links, "sign")
    for name, bad, wanted in (
        ("weight", ~(np.isfinite(weight) & (weight > 0)), "a finite number above 0"),
        ("sign", ~np.isin(sign, [-1, 1]), "1 or -1"),
    ):
        if bad.any():
            row = int(bad.argmax())
            found = feature_links[name].tolist()[row]
            raise ValueError(
                f"Column '{name}' of feature_links must hold {wanted}, but {bad.sum()} rows do "
                f"not; the first is row {row}: {found!r}. A missing value comes from joining "
                "tables of which one lacks the column: fillna(1)."
            )
    return table.assign(weight=weight * sign)


def _numbers(feature_links: pd.DataFrame, column: str) -> np.ndarray:
    """Values of an optional column, 1 where it is absent; NaN where it holds no number."""
    if column not in feature_links:
        return np.ones(len(feature_links))
    values = pd.to_numeric(feature_links[column].astype(object), errors="coerce")
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _in_order(table: pd.DataFrame, modalities: list[str]) -> pd.DataFrame:
    """Turn links around whose source is the later modality."""
    order = pd.Index(modalities)
    backwards = order.get_indexer(table["source_modality"]) > order.get_indexer(
        table["target_modality"]
    )
    turned = {"weight": table["weight"]}
    for what in ("modality", "feature"):
        source, target = table[f"source_{what}"], table[f"target_{what}"]
        turned[f"first_{what}"] = source.where(~backwards, target)
        turned[f"second_{what}"] = target.where(~backwards, source)
    return pd.DataFrame(turned)


def _unique(
    modalities: tuple[str, str],
    links: pd.DataFrame,
    first: np.ndarray,
    second: np.ndarray,
    n_second: int,
) -> LinkPair:
    """Links of which both features are there, each once."""
    there = (first >= 0) & (second >= 0)
    first, second = first[there].astype(np.int64), second[there].astype(np.int64)
    weight = links["weight"].to_numpy()[there]
    _, kept, link = np.unique(first * n_second + second, return_index=True, return_inverse=True)
    against = np.sign(weight) != np.sign(weight[kept][link])
    if against.any():
        names = links[there].iloc[int(against.argmax())]
        raise ValueError(
            f"feature_links links {modalities[0]} '{names['first_feature']}' and {modalities[1]} "
            f"'{names['second_feature']}' with sign 1 and with sign -1. Keep one of them."
        )
    return LinkPair(first[kept], second[kept], weight[kept].astype(np.float32))


def _nothing_fits(table: pd.DataFrame, var_names: Mapping[str, np.ndarray], n_ignored: int) -> str:
    """Names of both sides, so that Ensembl ids beside gene symbols are seen at once."""
    if table.empty:
        return (
            f"All {n_ignored} links of feature_links belong to modalities that the model does not "
            f"use; it uses {name_some(var_names)}."
        )
    sides = []
    for name in var_names:
        linked = [
            table[f"{side}_feature"][table[f"{side}_modality"] == name]
            for side in ("first", "second")
        ]
        names = pd.concat(linked).unique()
        if len(names):
            data = [str(feature) for feature in var_names[name][:3]]
            sides.append(f"'{name}': linked are {list(names[:3])}, the data have {data}")
    return (
        f"None of the {len(table)} links of feature_links joins two features of the data. "
        f"{'; '.join(sides)}. Features are matched by var_names."
    )


def _describe(link: pd.Series) -> str:
    return (
        f"{link['source_modality']} '{link['source_feature']}' to {link['target_modality']} "
        f"'{link['target_feature']}'"
    )
