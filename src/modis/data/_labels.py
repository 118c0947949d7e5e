from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._constants import UNLABELED_CODE
from ._errors import NotInDataError
from ._text import name_some

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mudata import MuData

__all__ = [
    "class_names",
    "collect_batches",
    "collect_covariate",
    "collect_labels",
    "encode",
    "find_labels",
]


def collect_labels(
    mdata: MuData,
    modalities: Sequence[str],
    labels_key: str | Mapping[str, str],
    unlabeled_category: str,
    *,
    warn: bool = True,
) -> dict[str, pd.Series]:
    """Bring the labels together, wherever they stand.

    A modality's own column and the MuData's column complete each other. Where one of them says
    `unlabeled_category` the observation is not labelled, whatever the other says, so that a
    label that was hidden in one place never leaks in from the other. A modality without either
    column takes the labels that its observations have in the other modalities.

    Parameters
    ----------
    mdata
        The user's data; read only.
    modalities
        Modalities to label.
    labels_key
        Column of ``mdata.obs`` or of every modality's ``obs``, or a column by modality;
        modalities that such a dict leaves out are not labelled.
    unlabeled_category
        Name that stands for "not labelled", like a missing value does.
    warn
        Whether to warn of observations that are labelled in one place and hidden in the other.

    Returns
    -------
    By modality, the class names (strings) of its observations; `None` where not labelled.

    Raises
    ------
    KeyError
        If no modality has the column, or a modality lacks the one that a dict names.
    ValueError
        If the same observation has two labels.
    """
    labels: dict[str, pd.Series] = {}
    for modality in modalities:
        key = labels_key if isinstance(labels_key, str) else labels_key.get(modality)
        own, shared = _columns(mdata, modality, key)
        if own is None and shared is None:
            if key is not None and not isinstance(labels_key, str):
                raise NotInDataError(_missing_message(mdata, [modality], key, "labels_key"))
            continue
        labels[modality], n_hidden = _combine(own, shared, modality, str(key), unlabeled_category)
        if n_hidden and warn:
            warnings.warn(
                f"{n_hidden} observation(s) of modality '{modality}' are '{unlabeled_category}' "
                f"in one of mdata.obs['{key}'] and mdata.mod['{modality}'].obs['{key}'] and "
                "labelled in the other. They are taken as unlabelled.",
                UserWarning,
                stacklevel=4,
            )
    if not labels:
        raise NotInDataError(_missing_message(mdata, modalities, labels_key, "labels_key"))
    known = _known_labels(labels)
    _check_agreement(labels, known)
    for modality in modalities:
        if modality not in labels:
            obs_names = mdata.mod[modality].obs_names
            use = known if isinstance(labels_key, str) else known.iloc[:0]
            labels[modality] = _with_none(use.reindex(obs_names))
    return {modality: labels[modality] for modality in modalities}


def find_labels(
    mdata: MuData,
    modalities: Sequence[str],
    labels_key: str | Mapping[str, str] | None,
    unlabeled_category: str,
    *,
    warn: bool = False,
) -> dict[str, pd.Series]:
    """Labels as from :func:`collect_labels`, all `None` where the data have no such column."""
    if labels_key is not None:
        try:
            return collect_labels(mdata, modalities, labels_key, unlabeled_category, warn=warn)
        except NotInDataError:
            pass
    return {
        name: pd.Series(None, index=mdata.mod[name].obs_names, dtype=object) for name in modalities
    }


def collect_batches(
    mdata: MuData,
    modalities: Sequence[str],
    batch_key: str | Mapping[str, str],
    *,
    argument: str = "batch_key",
    what: str = "batch",
) -> dict[str, pd.Series]:
    """Batch, or category of a covariate, of every observation, by modality.

    Parameters
    ----------
    mdata
        The user's data; read only.
    modalities
        Modalities to read.
    batch_key
        Column of every modality's ``obs`` or of ``mdata.obs``, or a column by modality.
    argument
        Argument that named the column, for the error.
    what
        What the names are called in an error.

    Raises
    ------
    KeyError
        If a modality has no such column.
    ValueError
        If an observation has no batch.
    """
    batches = {}
    for modality in modalities:
        key = batch_key if isinstance(batch_key, str) else batch_key.get(modality)
        own, shared = _columns(mdata, modality, key)
        column = shared if own is None else own
        if column is None:
            if key is None:
                raise NotInDataError(
                    f"{argument} names no column for mdata.mod['{modality}']: give every modality "
                    "its column, or one column for all."
                )
            raise NotInDataError(_missing_message(mdata, [modality], key, argument))
        cleaned = _clean(column)
        missing = cleaned.index[cleaned.isna()]
        if len(missing):
            raise ValueError(
                f"Modality '{modality}' has {len(missing)} observation(s) without a {what} in "
                f"column '{key}': {name_some(missing)}. Give every observation a {what}."
            )
        batches[modality] = cleaned
    return batches


def collect_covariate(mdata: MuData, modalities: Sequence[str], key: str) -> dict[str, pd.Series]:
    """Category of a covariate of every observation, by modality, as :func:`collect_batches`."""
    argument = "categorical_covariate_keys"
    return collect_batches(mdata, modalities, key, argument=argument, what="category")


def class_names(columns: Mapping[str, pd.Series]) -> list[str]:
    """One sorted vocabulary of the names in all modalities."""
    return sorted(set().union(*(set(column.dropna()) for column in columns.values())))


def encode(
    columns: Mapping[str, pd.Series], names: Sequence[str], what: str = "class"
) -> dict[str, np.ndarray]:
    """Turn names into codes of one shared vocabulary.

    Parameters
    ----------
    columns
        Names (strings) by modality, missing where not known.
    names
        The vocabulary, in the order of its codes.
    what
        What the names are called in an error.

    Returns
    -------
    int64 codes of shape ``(n_obs,)`` by modality, -1 where not known.

    Raises
    ------
    ValueError
        If a name is not in the vocabulary.
    """
    codes = {}
    for modality, column in columns.items():
        encoded = pd.Index(names, dtype=object).get_indexer(column.to_numpy(dtype=object))
        unknown = sorted(set(column[(encoded < 0) & column.notna().to_numpy()]))
        if unknown:
            raise ValueError(
                f"Modality '{modality}' has {what} {name_some(unknown)}, which the model was not "
                f"trained on; it knows {list(names)}."
            )
        codes[modality] = np.where(encoded < 0, UNLABELED_CODE, encoded).astype(np.int64)
    return codes


def _columns(
    mdata: MuData, modality: str, key: str | None
) -> tuple[pd.Series | None, pd.Series | None]:
    """The modality's own column and the MuData's, restricted to the modality."""
    obs = mdata.mod[modality].obs
    own = obs[key] if key in obs else None
    shared = mdata.obs[key].reindex(obs.index) if key in mdata.obs else None
    return own, shared


def _combine(
    own: pd.Series | None,
    shared: pd.Series | None,
    modality: str,
    key: str,
    unlabeled_category: str,
) -> tuple[pd.Series, int]:
    """Labels of one modality, and how many of them one of the two columns hides."""
    columns = [_clean(column) for column in (own, shared) if column is not None]
    hidden = np.logical_or.reduce([column == unlabeled_category for column in columns])
    labels = [column.where(column != unlabeled_category, None) for column in columns]
    if len(labels) == 1:
        return labels[0], 0
    first, second = labels
    differs = first.notna() & second.notna() & (first != second)
    if differs.any():
        raise ValueError(
            f"Labels in column '{key}' disagree between mdata.obs and modality '{modality}' for "
            f"{int(differs.sum())} observation(s): {name_some(first.index[differs])}. "
            "Correct one of them."
        )
    combined = first.where(first.notna(), second)
    n_hidden = int((hidden & combined.notna()).sum())
    return _with_none(combined.mask(hidden, None)), n_hidden


def _clean(column: pd.Series) -> pd.Series:
    """Names as strings, `None` where missing or empty."""
    names = [None if pd.isna(value) else _as_name(value) for value in column.astype(object)]
    return pd.Series([name or None for name in names], index=column.index, dtype=object)


def _as_name(value: Any) -> str:
    # a column of integers with gaps is read as floats: class 1.0 is class 1
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if is_whole else value).strip()


def _with_none(column: pd.Series) -> pd.Series:
    column = column.astype(object)
    return column.where(column.notna(), None)


def _known_labels(labels: Mapping[str, pd.Series]) -> pd.Series:
    """Label of every observation that has one in some modality."""
    known = pd.concat([column.dropna() for column in labels.values()])
    return known[~known.index.duplicated()]


def _check_agreement(labels: Mapping[str, pd.Series], known: pd.Series) -> None:
    for modality, column in labels.items():
        own = column.dropna()
        differs = own[own != known.reindex(own.index)]
        if len(differs):
            name = differs.index[0]
            other = next(m for m, c in labels.items() if c.get(name) == known[name])
            raise ValueError(
                f"Modalities disagree on the label of {len(differs)} observation(s): "
                f"{name_some(differs.index)}. For example '{name}' is '{differs.iloc[0]}' in "
                f"'{modality}' and '{known[name]}' in '{other}'. Observations are the same when "
                "their names are: correct the labels or the names."
            )


def _missing_message(mdata: MuData, modalities: Sequence[str], key: object, argument: str) -> str:
    columns = {"mdata.obs": list(mdata.obs.columns)}
    columns |= {f"mdata.mod['{m}'].obs": list(mdata.mod[m].obs.columns) for m in modalities}
    return (
        f"No column {key!r} ({argument}) in the data. Columns at hand: {columns}. Name one of "
        f"them, or leave {argument}=None."
    )
