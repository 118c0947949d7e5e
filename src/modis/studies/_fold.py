"""What a run of a benchmark trains on, and what it is judged by."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from ..data import FeatureMatrix
from ..datasets import unpair
from ._cohort import Cohort, draw_test, label_table

_FOLDS = 5
_VALIDATION_SIZE = 0.3


@dataclass(frozen=True)
class Design:
    """Options of :func:`benchmark`: names, defaults and checks."""

    #: Names out of the table of rivals.
    methods: Sequence[str]
    #: Number of seeds: of folds, draws of modalities and labels, initialisations.
    seeds: int = 5
    #: Column that says ``"train"`` or ``"test"``; without it there are folds of the labelled
    #: observations, stratified by class and drawn anew with every seed, 5 by default.
    split_key: str | None = None
    folds: int | None = None
    #: Randomly assign every training observation to one of its modalities, balanced by class.
    unpaired: bool = False
    #: Labelled training samples per class and modality; the others train without their label.
    labels_per_class: int | None = None
    #: Judge 30 % of the training part, drawn by class, in place of the test part.
    validation: bool = False
    #: Modality with labels and modality whose labels are to be predicted. Observations that have
    #: both are randomly assigned to one of them, balanced by class; all of them are used.
    transfer: tuple[str, str] | None = None
    max_epochs: int | None = None
    model_kwargs: Mapping[str, Any] = field(default_factory=dict)
    train_kwargs: Mapping[str, Any] = field(default_factory=dict)

    def check(self, known: Collection[str]) -> None:
        """Raise a ValueError with the option that cannot be used, whatever the data."""
        there_are = f"there are {', '.join(known)}."
        if not self.methods:
            raise ValueError(f"--methods names no method; {there_are}")
        for name in self.methods:
            if name not in known:
                raise ValueError(f"There is no method {name!r} (--methods); {there_are}")
        if len(set(self.methods)) < len(self.methods):
            raise ValueError(f"--methods names one twice: {', '.join(self.methods)}.")
        for name, least in {"seeds": 1, "folds": 2, "labels_per_class": 1}.items():
            number, option = getattr(self, name), "--" + name.replace("_", "-")
            if number is not None and number < least:
                raise ValueError(f"{option} must be at least {least}, found {number}.")
        if self.folds is not None and self.split_key is not None:
            raise ValueError("Give either --split-key or --folds: both say what is tested.")
        if self.transfer is not None and (self.folds is not None or self.unpaired):
            raise ValueError(
                "--transfer-from assigns the observations to the two modalities itself; leave "
                "--folds and --unpaired out."
            )
        if self.transfer is not None and self.transfer[0] == self.transfer[1]:
            raise ValueError(
                f"--transfer-from and --transfer-to are both {self.transfer[0]!r}; name two."
            )

    @property
    def n_folds(self) -> int:
        """Folds of the labelled observations: 5 by default, 1 where something else says."""
        if self.split_key is not None or self.transfer is not None:
            return 1
        return _FOLDS if self.folds is None else self.folds


@dataclass(frozen=True)
class Fold:
    """All that a method gets: the data, what it trains on and what it is judged by."""

    cohort: Cohort
    design: Design
    seed: int
    #: By modality, the class of every training observation, `None` where it must not be known.
    train: dict[str, pd.Series]
    #: By modality, the names of the test observations, all of which have a class.
    test: dict[str, pd.Index]

    def labeled(self, modality: str) -> pd.Series:
        """Training observations of a modality with their class."""
        return self.train[modality].dropna()

    def features(self, modality: str, names: pd.Index) -> np.ndarray:
        """Values for methods that know nothing of counts, float32 ``(n_obs, n_features)``.

        Counts become logarithms of counts whose sum is that of a typical training observation;
        other values stay as they are.
        """
        values = self._values(modality, names)
        if not self.cohort.is_counts(modality):
            return values
        total = self._values(modality, self.train[modality].index).sum(axis=1)
        size = float(np.median(total[total > 0])) if (total > 0).any() else 1.0
        return np.log1p(values * (size / np.maximum(values.sum(axis=1, keepdims=True), 1.0)))

    def _values(self, modality: str, names: pd.Index) -> np.ndarray:
        adata = self.cohort.modalities[modality]
        return FeatureMatrix(adata).rows(adata.obs_names.get_indexer(names))


def make_fold(cohort: Cohort, design: Design, seed: int, fold: int = 0) -> Fold:
    """Take the data apart for one run, with `seed` for every draw.

    A KeyError if there is no modality to transfer from or to; a ValueError if there are too few
    observations for the folds, or a part would be empty. Test observations may be of batches that
    no training observation has: nothing is predicted from the batch.
    """
    if design.transfer is not None:
        train, test = _transferred(cohort, design, design.transfer, seed)
    else:
        chosen = _test_names(cohort, design, seed, fold)
        train = _without(cohort.labels, chosen)
        if design.validation:
            chosen = draw_test(train, _VALIDATION_SIZE, seed)
            train = _without(train, chosen)
        if design.unpaired:
            train = _unpaired(train, seed)
        chosen = chosen.intersection(cohort.label.index)
        test = {name: _among(cohort.modalities[name].obs_names, chosen) for name in train}
        test = {name: names for name, names in test.items() if len(names)}
    if design.labels_per_class is not None:
        train = _few_labels(train, design.labels_per_class, seed)
    if not any(map(len, test.values())):
        raise ValueError("No labelled observation is left to test on.")
    if not any(column.notna().any() for column in train.values()):
        raise ValueError("No labelled observation is left to train on.")
    return Fold(cohort, design, seed, train, test)


def _test_names(cohort: Cohort, design: Design, seed: int, fold: int) -> pd.Index:
    if cohort.part is not None:
        return cohort.part.index[cohort.part == "test"]
    label, largest = cohort.label, cohort.label.value_counts().max()
    if largest < design.n_folds:
        raise ValueError(
            f"{len(label)} labelled observations, {largest} in the largest class, cannot be cut "
            f"into {design.n_folds} folds (--folds)."
        )
    splitter = StratifiedKFold(design.n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # a class with fewer members than folds is missing in some of them
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        parts = list(splitter.split(np.zeros(len(label)), label))
    return label.index[parts[fold][1]]


def _transferred(
    cohort: Cohort, design: Design, transfer: tuple[str, str], seed: int
) -> tuple[dict[str, pd.Series], dict[str, pd.Index]]:
    """Half of the observations keep the source with its labels, half the target without any."""
    source, target = transfer
    for option, name in (("--transfer-from", source), ("--transfer-to", target)):
        if name not in cohort.labels:
            raise KeyError(
                f"There is no modality {name!r} ({option}); there are {', '.join(cohort.labels)}."
            )
    labels = {name: cohort.labels[name] for name in transfer}
    if design.validation and cohort.part is not None:
        labels = _without(labels, cohort.part.index[cohort.part == "test"])
    assigned = _unpaired(labels, seed)
    hidden = pd.Series(None, index=assigned[target].index, dtype=object)
    return {source: assigned[source], target: hidden}, {target: assigned[target].dropna().index}


def _among(names: pd.Index, chosen: pd.Index) -> pd.Index:
    return names[names.isin(chosen)]


def _without(labels: Mapping[str, pd.Series], names: pd.Index) -> dict[str, pd.Series]:
    left = {name: column[~column.index.isin(names)] for name, column in labels.items()}
    return {name: column for name, column in left.items() if len(column)}


def _unpaired(labels: Mapping[str, pd.Series], seed: int) -> dict[str, pd.Series]:
    """Every observation in one of its modalities, assigned at random within its class."""
    kept = unpair(label_table(labels), labels_key="class", seed=seed)
    return {
        name: labels[name].loc[_among(labels[name].index, adata.obs_names)]
        for name, adata in kept.mod.items()
    }


def _few_labels(train: dict[str, pd.Series], n_per_class: int, seed: int) -> dict[str, pd.Series]:
    """Hide labels, in each modality by itself: a label may be known in one and not in another."""
    rng = np.random.default_rng(seed)
    shown = {}
    for name, column in train.items():
        known = column.dropna()
        drawn: list[str] = []
        for _, members in sorted(known.groupby(known).groups.items()):
            drawn.extend(rng.permutation(np.asarray(members, dtype=object))[:n_per_class])
        shown[name] = column.where(column.index.isin(drawn), None).astype(object)
    return shown
