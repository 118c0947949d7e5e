from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from ..datasets import unpair
from ..inputs import draw_test, without_pulling

if TYPE_CHECKING:
    from ._cohort import Cohort
    from ._design import Design

__all__ = ["LABEL", "Fold", "make_fold"]

#: Column of the class in data that are made for a method.
LABEL = "label"

_VALIDATION_SIZE = 0.3


@dataclass(frozen=True)
class Fold:
    """What one run trains on, and what it is judged by.

    Parameters
    ----------
    train
        By modality, the class of every training observation; `None` where the methods must not
        know it.
    test
        Names of the labelled test observations, by modality.
    """

    train: dict[str, pd.Series]
    test: dict[str, pd.Index]

    def labeled(self, modality: str) -> pd.Series:
        """Training observations of a modality with their class."""
        return self.train[modality].dropna()


def make_fold(cohort: Cohort, design: Design, seed: int, fold: int = 0) -> Fold:
    """Take the data apart for one run.

    Parameters
    ----------
    cohort
        The data.
    design
        How to take them apart.
    seed
        Seed of every draw.
    fold
        Number of the fold that is tested, with ``design.folds``.

    Raises
    ------
    ValueError
        If a part would be empty, or test observations have batches that training ones do not.
    """
    if design.transfer is not None:
        made = _transfer_fold(cohort, design, seed)
    else:
        test = _test_names(cohort, design, seed, fold)
        labels = _without(cohort.labels, test)
        if design.validation:
            test = draw_test(labels, _VALIDATION_SIZE, seed)
            labels = _without(labels, test)
        train = _unpaired(labels, list(labels), seed) if design.unpaired else labels
        made = Fold(train, _tested(cohort, test, list(train)))
    if design.labels_per_class is not None:
        shown = _few_labels(made.train, design.labels_per_class, seed)
        made = Fold(shown, made.test)
    _check(made)
    return made


def _test_names(cohort: Cohort, design: Design, seed: int, fold: int) -> pd.Index:
    if cohort.part is not None:
        return cohort.part.index[cohort.part == "test"]
    label, n_folds = cohort.label, design.folds or 1
    if label.value_counts().max() < n_folds or n_folds < 2:
        raise ValueError(
            f"{len(label)} labelled observations, {label.value_counts().max()} in the largest "
            f"class, cannot be cut into {n_folds} folds (--folds)."
        )
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # a class with fewer members than folds is missing in some of them
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        parts = list(splitter.split(np.zeros(len(label)), label))
    return label.index[parts[fold][1]]


def _transfer_fold(cohort: Cohort, design: Design, seed: int) -> Fold:
    """Half of the observations keep the source with its labels, half the target without any."""
    assert design.transfer is not None
    source, target = design.transfer
    for option, name in (("--transfer-from", source), ("--transfer-to", target)):
        if name not in cohort.labels:
            raise KeyError(
                f"There is no modality {name!r} ({option}); there are {', '.join(cohort.labels)}."
            )
    labels = {name: cohort.labels[name] for name in (source, target)}
    if design.validation and cohort.part is not None:
        labels = _without(labels, cohort.part.index[cohort.part == "test"])
    dealt = _unpaired(labels, [source, target], seed)
    hidden = pd.Series(None, index=dealt[target].index, dtype=object)
    test = dealt[target].dropna().index
    return Fold({source: dealt[source], target: hidden}, {target: test})


def _without(labels: dict[str, pd.Series], names: pd.Index) -> dict[str, pd.Series]:
    left = {name: column[~column.index.isin(names)] for name, column in labels.items()}
    return {name: column for name, column in left.items() if len(column)}


def _tested(cohort: Cohort, test: pd.Index, modalities: list[str]) -> dict[str, pd.Index]:
    found = {}
    for name in modalities:
        observed = cohort.modalities[name].obs_names
        found[name] = observed[observed.isin(test) & observed.isin(cohort.label.index)]
    return {name: names for name, names in found.items() if len(names)}


def _unpaired(
    labels: dict[str, pd.Series], modalities: list[str], seed: int
) -> dict[str, pd.Series]:
    """Deal every observation to one modality that it has."""
    skeletons = {
        name: ad.AnnData(obs=pd.DataFrame({LABEL: column.astype(object)}))
        for name, column in labels.items()
    }
    with without_pulling():
        skeleton = md.MuData(skeletons)
        kept = unpair(skeleton, labels_key=LABEL, modalities=modalities, seed=seed)
    return {
        name: column[column.index.isin(kept.mod[name].obs_names)]
        for name, column in labels.items()
        if name in kept.mod
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


def _check(fold: Fold) -> None:
    if not any(len(names) for names in fold.test.values()):
        raise ValueError("No labelled observation is left to test on.")
    if not any(len(fold.labeled(name)) for name in fold.train):
        raise ValueError("No labelled observation is left to train on.")
