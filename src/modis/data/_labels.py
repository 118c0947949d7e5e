"""Columns of classes, batches and covariates, wherever they stand, and their codes."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from mudata import MuData

from .._constants import UNLABELED_CODE
from ._errors import NotInDataError, name_some
from ._spec import DataSpec


def collect_labels(
    mdata: MuData,
    modalities: Sequence[str],
    labels_key: str | Mapping[str, str],
    unlabeled_category: str,
    *,
    warn: bool = True,
) -> dict[str, pd.Series]:
    """Class names (strings) of all observations by modality, `None` where not labelled.

    A modality's own column and the MuData's column complete each other. Where one of them says
    `unlabeled_category` the observation is not labelled, whatever the other says, so that a
    label that was hidden in one place never leaks in from the other. A modality without either
    column takes the labels that its observations have in the other modalities.

    Parameters
    ----------
    mdata, modalities
        The data, read only, and the modalities to label.
    labels_key
        Column of ``mdata.obs`` or of every modality's ``obs``, or a column by modality;
        modalities that such a dict leaves out are not labelled.
    unlabeled_category
        Name that stands for "not labelled", like a missing value does.
    warn
        Whether to warn of observations that are labelled in one place and hidden in the other.

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
    known = pd.concat([column.dropna() for column in labels.values()])
    known = known[~known.index.duplicated()]
    _check_agreement(labels, known)
    for modality in modalities:
        if modality not in labels:
            use = known if isinstance(labels_key, str) else known.iloc[:0]
            labels[modality] = _with_none(use.reindex(mdata.mod[modality].obs_names))
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
    rows: Mapping[str, np.ndarray] | None = None,
    argument: str = "batch_key",
    what: str = "batch",
) -> dict[str, pd.Series]:
    """Batch, or category of a covariate, of every observation, by modality.

    Parameters
    ----------
    mdata, modalities
        The data, read only, and the modalities to read.
    batch_key
        Column of every modality's ``obs`` or of ``mdata.obs``, or a column by modality.
    rows
        Positions of the observations to read, by modality; all by default.
    argument, what
        Argument that named the column, and what the names are called, in errors.

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
        if key is None:
            raise NotInDataError(
                f"{argument} names no column for mdata.mod['{modality}']: give every modality "
                "its column, or one column for all."
            )
        own, shared = _columns(mdata, modality, key)
        column = shared if own is None else own
        if column is None:
            raise NotInDataError(_missing_message(mdata, [modality], key, argument))
        names = _clean(column if rows is None else column.iloc[rows[modality]])
        missing = names.index[names.isna()]
        if len(missing):
            raise ValueError(
                f"Modality '{modality}' has {len(missing)} observation(s) without a {what} in "
                f"column '{key}': {name_some(missing)}. Give every observation a {what}."
            )
        batches[modality] = names
    return batches


def collect_conditions(
    mdata: MuData,
    modalities: Sequence[str],
    spec: DataSpec,
    rows: Mapping[str, np.ndarray] | None = None,
) -> list[dict[str, pd.Series]]:
    """Names of the batch (none without ``batch_key``) and of each covariate, by modality."""
    how = {"argument": "categorical_covariate_keys", "what": "category"}
    batches = {}
    if spec.batch_key is not None:
        batches = collect_batches(mdata, modalities, spec.batch_key, rows=rows)
    return [
        batches,
        *(collect_batches(mdata, modalities, key, rows=rows, **how) for key in spec.covariates),
    ]


def class_names(columns: Mapping[str, pd.Series]) -> list[str]:
    """One sorted vocabulary of the names in all modalities."""
    return sorted(set().union(*(set(column.dropna()) for column in columns.values())))


def encode(
    columns: Mapping[str, pd.Series], names: Sequence[str], what: str = "class"
) -> dict[str, np.ndarray]:
    """Codes of names in one shared vocabulary, int64 ``(n_obs,)`` by modality, -1 where missing.

    A name that is not in the vocabulary is a ValueError; `what` says what the names are.
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


def encode_conditions(
    conditions: Sequence[Mapping[str, pd.Series]],
    spec: DataSpec,
    n_obs: Mapping[str, int],
    rows: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Codes of what :func:`collect_conditions` found, ``(n_obs, 1 + n_covariates)`` by modality.

    They are int64, and 0 without batches and outside of `rows`.
    """
    codes = {name: np.zeros((n, len(conditions)), dtype=np.int64) for name, n in n_obs.items()}
    whats = ["batch", *(f"covariate '{key}'" for key in spec.covariates)]
    vocabularies = [spec.batches, *spec.covariates.values()]
    for k, (columns, names, what) in enumerate(zip(conditions, vocabularies, whats, strict=True)):
        for modality, encoded in encode(columns, names, what).items():
            codes[modality][slice(None) if rows is None else rows[modality], k] = encoded
    return codes


def count_classes(
    mdata: MuData,
    modalities: Sequence[str],
    labels: Mapping[str, pd.Series],
    classes: Sequence[str],
) -> pd.DataFrame:
    """Count observations by modality and class.

    The table has shape ``(n_modalities, n_classes + 3)``: a column per class, ``"unlabeled"``,
    ``"total"`` and ``"features"``.
    """
    rows = {}
    for name in modalities:
        adata = mdata.mod[name]
        counts = labels[name].value_counts().reindex(classes, fill_value=0).to_list()
        rows[name] = [*counts, adata.n_obs - sum(counts), adata.n_obs, adata.n_vars]
    columns = pd.Index([*classes, "unlabeled", "total", "features"], name="class")
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.rename_axis(index="modality")


def _columns(
    mdata: MuData, modality: str, key: str | None
) -> tuple[pd.Series | None, pd.Series | None]:
    """The modality's own column and the MuData's, for the observations of the modality."""
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
