"""Training data and test data of a run of a benchmark."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from ..datasets import unpair
from ._cohort import Cohort, draw_test, label_table, profile_scale

CLASSES, FEW, TRANSFER, UNSEEN = "classes", "few", "transfer", "unseen"
TRANSLATION, MATCHING = "translation", "matching"

#: Tasks of the benchmark, with their names in reports.
TASKS = {
    CLASSES: "Classes",
    FEW: "Classes, few labels",
    TRANSFER: "Label transfer",
    UNSEEN: "Unseen class",
    TRANSLATION: "Translation",
    MATCHING: "Matching",
}

# fewer test samples of a class say nothing about its recall
_FEWEST_UNSEEN = 2


@dataclass(frozen=True)
class Design:
    """Options of :func:`benchmark`; ``modis benchmark --help`` says what they are."""

    methods: Sequence[str]
    tasks: Sequence[str] = tuple(TASKS)
    splits: int = 5
    test_size: float = 0.3
    split_key: str | None = None
    group_key: str | None = None
    validation: bool = False
    unpaired: bool = False
    labels_per_class: int = 5
    unseen_pairs: int = 1
    max_epochs: int | None = None
    model_kwargs: Mapping[str, Any] = field(default_factory=dict)
    train_kwargs: Mapping[str, Any] = field(default_factory=dict)

    def check(self, methods: Collection[str]) -> None:
        """Raise a ValueError with the option that cannot be used, whatever the data."""
        for option, known in (("methods", methods), ("tasks", TASKS)):
            chosen, there_are = getattr(self, option), f"there are {', '.join(known)}."
            if not chosen:
                raise ValueError(f"--{option} names none; {there_are}")
            for name in chosen:
                if name not in known:
                    raise ValueError(f"There is no {name!r} (--{option}); {there_are}")
            if len(set(chosen)) < len(chosen):
                raise ValueError(f"--{option} names one twice: {', '.join(chosen)}.")
        for name in ("splits", "labels_per_class", "unseen_pairs"):
            if (number := getattr(self, name)) < 1:
                option = "--" + name.replace("_", "-")
                raise ValueError(f"{option} must be at least 1, found {number}.")
        if not 0 < self.test_size < 1:
            raise ValueError(f"--test-size must lie between 0 and 1, found {self.test_size}.")
        if self.validation and self.split_key is None:
            raise ValueError(
                "--validation splits the training part of --split-key again; name that column."
            )


class Scenario(NamedTuple):
    """What a method trains on, by name and number, and the tasks that it is evaluated on."""

    name: str
    number: int
    tasks: tuple[str, ...]


def scenarios(cohort: Cohort, design: Design) -> list[Scenario]:
    """Scenarios that the tasks need and the data allow."""
    standard = tuple(t for t in (CLASSES, TRANSLATION, MATCHING) if t in design.tasks)
    found = [Scenario("standard", 0, standard)] if standard else []
    if FEW in design.tasks:
        found.append(Scenario(FEW, 0, (FEW,)))
    if TRANSFER in design.tasks and _directions(cohort):
        found.append(Scenario(TRANSFER, 0, (TRANSFER,)))
    if UNSEEN in design.tasks and len(cohort.modalities) > 1:
        found += [Scenario(UNSEEN, number, (UNSEEN,)) for number in range(design.unseen_pairs)]
    return found


def _directions(cohort: Cohort) -> list[tuple[str, str]]:
    """Pairs of modalities between which features are linked, each in both directions."""
    pairs = permutations(cohort.modalities, 2)
    return [pair for pair in pairs if len(linked_features(cohort, *pair))]


def linked_features(cohort: Cohort, first: str, second: str) -> pd.DataFrame:
    """Columns ``first``, ``second`` and ``sign`` of the links between two modalities."""
    if cohort.links is None:
        return pd.DataFrame(columns=["first", "second", "sign"])
    links = cohort.links.assign(sign=cohort.links.get("sign", 1.0))
    sides = ["source_modality", "source_feature", "target_modality", "target_feature"]
    turned = links.rename(columns=dict(zip(sides, sides[2:] + sides[:2], strict=True)))
    links = pd.concat([links, turned]).rename(
        columns={"source_feature": "first", "target_feature": "second"}
    )
    of_pair = (links["source_modality"] == first) & (links["target_modality"] == second)
    linked = links.loc[of_pair, ["first", "second", "sign"]].drop_duplicates()
    for column, name in (("first", first), ("second", second)):
        linked = linked[linked[column].isin(cohort.modalities[name].var_names)]
    return linked


@dataclass(frozen=True)
class Fold:
    """Everything that a method gets: the data, the training part and the test part."""

    cohort: Cohort
    design: Design
    scenario: Scenario
    seed: int
    #: By modality, the class of every training observation, `None` where it must not be known.
    train: dict[str, pd.Series]
    #: By modality, the names of the test observations, all of which have a class.
    test: dict[str, pd.Index]
    #: Class and modality of a pair that was taken away.
    unseen: tuple[str, str] | None = None
    _scales: dict[str, Pipeline] = field(default_factory=dict)

    def labeled(self, modality: str) -> pd.Series:
        """Training observations of a modality with their class."""
        return self.train[modality].dropna()

    def pairs(self, first: str, second: str, *, test: bool = False) -> pd.Index:
        """Training or test observations that were measured in both modalities."""
        if test:
            one, other = (self.test.get(name, pd.Index([])) for name in (first, second))
        else:
            one, other = self.train[first].index, self.train[second].index
        return one.intersection(other, sort=False)

    def values(self, modality: str, names: pd.Index) -> np.ndarray:
        """Values of observations, those that are missing filled with the training mean."""
        return self.cohort.filled(modality, names, self.train[modality].index)

    def features(self, modality: str, names: pd.Index) -> np.ndarray:
        """Values for methods that know nothing of counts: these as logarithms of equal sums."""
        values = self.values(modality, names)
        if not self.cohort.is_counts(modality):
            return values
        total = self.values(modality, self.train[modality].index).sum(axis=1)
        size = float(np.median(total[total > 0])) if (total > 0).any() else 1.0
        return np.log1p(values * (size / np.maximum(values.sum(axis=1, keepdims=True), 1.0)))

    def profiles(
        self, modality: str, names: pd.Index, values: np.ndarray | None = None
    ) -> np.ndarray:
        """Measured values (or these) in the units of :func:`profile_scale`."""
        if modality not in self._scales:
            train = self.values(modality, self.train[modality].index)
            self._scales[modality] = profile_scale(self.cohort, modality).fit(train)
        values = self.values(modality, names) if values is None else values
        return self._scales[modality].transform(values)


def make_fold(cohort: Cohort, design: Design, scenario: Scenario, seed: int) -> Fold:
    """Split the data for one run; `seed` determines every random choice."""
    chosen, train = _parts(cohort, design, seed)
    test = {
        name: column.index[column.index.isin(chosen)] for name, column in cohort.labels.items()
    }
    hidden, unseen = None, None
    if scenario.name == TRANSFER:
        # each direction in turn
        directions = _directions(cohort)
        source, hidden = directions[seed % len(directions)]
        train = {name: own for name, own in train.items() if name in (source, hidden)}
        test = {hidden: test[hidden]}
    if design.unpaired or hidden is not None:
        # every observation in one of its modalities, assigned at random within its class
        kept = unpair(label_table(train), labels_key="class", seed=seed).mod
        train = {name: train[name].loc[adata.obs_names] for name, adata in kept.items()}
    if hidden is not None:
        train[hidden] = pd.Series(None, index=train[hidden].index, dtype=object)
    if scenario.name == UNSEEN:
        unseen = _unseen_pair(cohort, train, test, seed * design.unseen_pairs + scenario.number)
        name, modality = unseen
        train[modality] = train[modality][train[modality] != name]
        test = {modality: test[modality]}
    if scenario.name == FEW:
        train = _few_labels(train, design.labels_per_class, seed)
    test = {name: names for name, names in test.items() if len(names) and name in train}
    if not test:
        raise ValueError("No labelled observation is left to test on.")
    if not any(column.notna().any() for column in train.values()):
        raise ValueError("No labelled observation is left to train on.")
    return Fold(cohort, design, scenario, seed, train, test, unseen)


def _parts(cohort: Cohort, design: Design, seed: int) -> tuple[pd.Index, dict[str, pd.Series]]:
    """Names of the labelled test observations, and labels of the training observations."""
    labels, groups = cohort.labels, cohort.groups
    if cohort.part is not None:
        tested = cohort.part.index[cohort.part == "test"]
        labels = _without(labels, tested)
        if not design.validation:
            return tested.intersection(cohort.label.index), labels
    chosen = draw_test(labels, design.test_size, seed, groups)
    # observations without a label must not bring a test patient into the training part
    gone = chosen if groups is None else groups.index[groups.isin(groups.reindex(chosen))]
    return chosen, _without(labels, gone)


def _without(labels: Mapping[str, pd.Series], names: pd.Index) -> dict[str, pd.Series]:
    left = {name: column[~column.index.isin(names)] for name, column in labels.items()}
    return {name: column for name, column in left.items() if len(column)}


def _unseen_pair(
    cohort: Cohort, train: Mapping[str, pd.Series], test: Mapping[str, pd.Index], number: int
) -> tuple[str, str]:
    """One of the pairs that can be evaluated; their random order is the same in every split."""
    possible = []
    for modality, names in test.items():
        for name, n_test in cohort.label.reindex(names).value_counts().items():
            elsewhere = [own for other, own in train.items() if other != modality]
            seen = any((own == name).any() for own in elsewhere)
            if n_test >= _FEWEST_UNSEEN and seen and (train.get(modality) == name).any():
                possible.append((str(name), modality))
    if not possible:
        raise ValueError("No class can be removed from a modality: too few test samples.")
    order = np.random.default_rng(0).permutation(len(possible))
    return sorted(possible)[order[number % len(possible)]]


def _few_labels(
    train: Mapping[str, pd.Series], n_per_class: int, seed: int
) -> dict[str, pd.Series]:
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
