"""Columns of classes, batches and covariates, wherever they are, and their codes."""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from mudata import MuData

from .._constants import MISSING_WORDS, UNLABELED_CODE
from ._errors import NotInDataError, can_be_shown, name_some, shortened
from ._spec import DataSpec

#: Column of the MuData's or every modality's ``obs``, or a column by modality.
Key = str | Mapping[str, str]

#: Columns of counts in addition to the classes.
COUNTED = ("unlabeled", "total", "features")
_CATEGORIES, _NUMBERS = "categorical_covariate_keys", "continuous_covariate_keys"
# so many classes, most of them smaller than this, are hardly classes
_MANY, _FEW = 10, 3


def collect_labels(
    mdata: MuData,
    modalities: Sequence[str],
    labels_key: Key | None,
    unlabeled_category: str,
    *,
    warn: bool = True,
) -> dict[str, pd.Series]:
    """Class names of all observations by modality, `None` where not labelled.

    A modality's own column and the MuData's complete each other; a label that is hidden in one
    place never leaks in from the other. A modality without either takes the labels that its
    observations have in others. Words that mean "not known" are missing values, with a warning.
    """
    if labels_key is None:
        return {
            name: pd.Series(None, index=mdata.mod[name].obs_names, dtype=object)
            for name in modalities
        }
    labels: dict[str, pd.Series] = {}
    places: list[tuple[str, pd.Series]] = []
    words: dict[str, str] = {}
    for modality in modalities:
        key = _key(labels_key, modality)
        columns = {
            place: _known(_clean(column), unlabeled_category, words)
            for place, column in _columns(mdata, modality, key).items()
        }
        if not columns:
            if key is not None and not isinstance(labels_key, str):
                raise NotInDataError(_missing_message(mdata, [modality], key, "labels_key"))
            continue
        hidden = np.logical_or.reduce([c == unlabeled_category for c in columns.values()])
        columns = {p: c.where(c != unlabeled_category, None) for p, c in columns.items()}
        own, *shared = columns.values()
        found = own.where(own.notna(), shared[0]) if shared else own
        labels[modality] = found.where(~hidden, None)
        places += [(place, column.where(~hidden, None)) for place, column in columns.items()]
        n_hidden = int((hidden & found.notna()).sum())
        if n_hidden and warn:
            warnings.warn(
                f"{n_hidden} observation(s) of modality '{modality}' are '{unlabeled_category}' "
                f"in one of {' and '.join(columns)} and labelled in the other. They are taken as "
                "unlabelled.",
                stacklevel=4,
            )
    if not labels:
        raise NotInDataError(_missing_message(mdata, modalities, labels_key, "labels_key"))
    known = _agreed(places)
    if words and warn:
        often = ", ".join(f"'{word}' ({n})" for word, n in Counter(words.values()).most_common())
        warnings.warn(
            f"Observations whose class is one of these words are taken as unlabelled: {often}. If "
            "it is a class, give it another name.",
            stacklevel=4,
        )
    others = known if isinstance(labels_key, str) else known.iloc[:0]
    for modality in modalities:
        if modality not in labels:
            found = others.reindex(mdata.mod[modality].obs_names).astype(object)
            labels[modality] = found.where(found.notna(), None)
    return {modality: labels[modality] for modality in modalities}


def find_labels(
    mdata: MuData,
    modalities: Sequence[str],
    labels_key: Key | None,
    unlabeled_category: str,
    *,
    warn: bool = False,
) -> dict[str, pd.Series]:
    """Labels as from :func:`collect_labels`, all `None` where the data have no such column."""
    try:
        return collect_labels(mdata, modalities, labels_key, unlabeled_category, warn=warn)
    except NotInDataError:
        return collect_labels(mdata, modalities, None, unlabeled_category)


def collect_batches(
    mdata: MuData,
    modalities: Sequence[str],
    batch_key: Key,
    rows: Mapping[str, np.ndarray] | None = None,
    argument: str = "batch_key",
) -> dict[str, pd.Series]:
    """Batch, category or number (as `argument` says) of observations at `rows`, by modality."""
    what = {"batch_key": "batch", _NUMBERS: "number"}.get(argument, "category")
    batches = {}
    for modality in modalities:
        key = _key(batch_key, modality)
        if key is None:
            raise NotInDataError(
                f"{argument} names no column for mdata.mod['{modality}']: give every modality "
                "its column, or one column for all."
            )
        columns = _columns(mdata, modality, key)
        if not columns:
            raise NotInDataError(_missing_message(mdata, [modality], key, argument))
        found = next(iter(columns.values()))
        found = found if rows is None else found.iloc[rows[modality]]
        if argument == _NUMBERS:
            names = pd.to_numeric(found.astype(object), errors="coerce").astype(float)
            names = names.where(np.isfinite(names))
        else:
            names = _clean(found)
        missing = names.index[names.isna()]
        if len(missing):
            raise ValueError(
                f"Modality '{modality}' has {len(missing)} observation(s) without a {what} in "
                f"column '{key}': {name_some(missing)}. Give every observation a {what}."
            )
        batches[modality] = names
    return batches


def encode_conditions(
    mdata: MuData,
    modalities: Sequence[str],
    spec: DataSpec,
    rows: Mapping[str, np.ndarray] | None = None,
    *,
    is_new: bool = False,
) -> tuple[dict[str, np.ndarray], DataSpec]:
    """Codes of the batch and of each category, then standardised numbers, by modality.

    The shape is ``(n_obs, n_conditions)``, with 0 outside of `rows`. Also `spec`, of new data with
    the vocabularies and scales found.
    """
    conditions: list[tuple[str, Key | None, str]] = [("batch_key", spec.batch_key, "batch")]
    conditions += [(_CATEGORIES, key, f"covariate '{key}'") for key in spec.covariates]
    conditions += [(_NUMBERS, key, "") for key in spec.numbers]
    # names of categories, or mean and deviation of numbers
    known: list[Any] = [spec.batches, *spec.covariates.values(), *spec.numbers.values()]
    dtype = np.float32 if spec.numbers else np.int32
    codes = {m: np.zeros((mdata.mod[m].n_obs, len(known)), dtype) for m in modalities}
    for k, (argument, key, what) in enumerate(conditions):
        columns = collect_batches(mdata, modalities, key, rows, argument) if key else {}
        if argument == _NUMBERS:
            every = np.concatenate(list(columns.values()))
            known[k] = [every.mean(), every.std() or 1.0] if is_new else known[k]
            values = {m: (own - known[k][0]) / known[k][1] for m, own in columns.items()}
        else:
            known[k] = class_names(columns) if is_new else known[k]
            values = encode(columns, known[k], what)
        for modality, own in values.items():
            codes[modality][slice(None) if rows is None else rows[modality], k] = own
    batches, *others = known
    covariates = dict(zip(spec.covariates, others, strict=False))
    numbers = dict(zip(spec.numbers, others[len(covariates) :], strict=True))
    return codes, replace(spec, batches=batches, covariates=covariates, numbers=numbers)


def class_names(columns: Mapping[str, pd.Series]) -> list[str]:
    """One sorted vocabulary of the names in all modalities."""
    return sorted(set().union(*(set(column.dropna()) for column in columns.values())))


def check_vocabulary(names: Sequence[str], taken: Sequence[str] = ()) -> None:
    """Refuse names that no table and no figure can show, and those that are `taken`."""
    for name in names:
        if not can_be_shown(name) or name in taken:
            raise ValueError(
                f"The name {shortened(name)!r} of a class, batch or category cannot be used: it "
                "has more than 100 characters, cannot be printed, or is a column of the table of "
                f"classes {COUNTED}. Rename it."
            )


def warn_of_odd_classes(labels: Mapping[str, pd.Series], classes: Sequence[str]) -> None:
    """Warn of classes that differ in case or spaces only, and of labels that look like names."""
    alike = pd.Series(classes, dtype=object).groupby(["".join(x.lower().split()) for x in classes])
    for _, names in alike:
        if len(names) > 1:
            warnings.warn(
                f"Classes {name_some(names)} differ in case or spaces only, and are taken as "
                "different classes. Is one of them misspelt?",
                stacklevel=4,
            )
    sizes = pd.concat(labels.values()).groupby(level=0).first().value_counts()
    if len(sizes) > _MANY and (sizes < _FEW).mean() > 0.5:
        warnings.warn(
            f"Most of the {len(sizes)} classes have fewer than {_FEW} observations "
            f"({name_some(sizes.index[::-1])}). They may be names or numbers instead of classes.",
            stacklevel=4,
        )


def encode(
    columns: Mapping[str, pd.Series], names: Sequence[str], what: str = "class"
) -> dict[str, np.ndarray]:
    """Codes of names in one vocabulary, int64 ``(n_obs,)`` by modality, -1 where missing."""
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


def count_classes(
    mdata: MuData,
    modalities: Sequence[str],
    labels: Mapping[str, pd.Series],
    classes: Sequence[str],
) -> pd.DataFrame:
    """Count observations: a row per modality, the columns classes, unlabeled, total, features."""
    rows = {}
    for name in modalities:
        adata = mdata.mod[name]
        counts = labels[name].value_counts().reindex(classes, fill_value=0).to_list()
        rows[name] = [*counts, adata.n_obs - sum(counts), adata.n_obs, adata.n_vars]
    columns = pd.Index([*classes, *COUNTED], name="class")
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.rename_axis(index="modality")


def _key(key: Key, modality: str) -> str | None:
    return key if isinstance(key, str) else key.get(modality)


def _columns(mdata: MuData, modality: str, key: str | None) -> dict[str, pd.Series]:
    """The modality's own column, then the MuData's of its observations, by their places."""
    obs, columns = mdata.mod[modality].obs, {}
    for holder, frame in ((f"mdata.mod['{modality}']", obs), ("mdata", mdata.obs)):
        if key not in frame:
            continue
        if isinstance(frame[key], pd.DataFrame):
            raise ValueError(
                f"Column '{key}' occurs {frame[key].shape[1]} times in {holder}.obs. Keep one of "
                f"them: {holder}.obs = {holder}.obs.loc[:, ~{holder}.obs.columns.duplicated()]."
            )
        columns[f"{holder}.obs['{key}']"] = frame[key].reindex(obs.index)
    return columns


def _clean(column: pd.Series) -> pd.Series:
    """Names as strings, `None` where missing or empty."""
    names = [None if pd.isna(value) else as_name(value) for value in column.astype(object)]
    return pd.Series([name or None for name in names], index=column.index, dtype=object)


def _known(column: pd.Series, unlabeled_category: str, words: dict[str, str]) -> pd.Series:
    """The column without words that mean "not known", which `words` gets by observation."""
    is_word = column.map(str.casefold, na_action="ignore").isin(MISSING_WORDS)
    is_word &= column != unlabeled_category
    words.update(column[is_word])
    return column.mask(is_word, None)


def as_name(value: Any) -> str:
    """A label as text, of which the same text in another column is the same class."""
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    # a column of integers with gaps is read as floats: class 1.0 is class 1
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if is_whole else value).strip()


def _agreed(places: Sequence[tuple[str, pd.Series]]) -> pd.Series:
    """Label of every observation that has one in any place; two labels are a ValueError."""
    known = pd.concat([column.dropna() for _, column in places])
    known = known[~known.index.duplicated()]
    for place, column in places:
        own = column.dropna()
        differs = own[own != known.reindex(own.index)]
        if len(differs):
            name = differs.index[0]
            other = next(p for p, c in places if c.get(name) == known[name])
            raise ValueError(
                f"Labels disagree for {len(differs)} observation(s): {name_some(differs.index)}. "
                f"For example '{name}' is '{known[name]}' in {other} and '{differs.iloc[0]}' in "
                f"{place}. Observations of the same name are the same: correct the labels or the "
                "names."
            )
    return known


def _missing_message(mdata: MuData, modalities: Sequence[str], key: object, argument: str) -> str:
    columns = {"mdata.obs": list(mdata.obs.columns)}
    columns |= {f"mdata.mod['{m}'].obs": list(mdata.mod[m].obs.columns) for m in modalities}
    return (
        f"No column {key!r} ({argument}) in the data. Columns found: {columns}. Name one of "
        f"them, or leave {argument}=None."
    )
