from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from mudata import MuData

from ..datasets import hide_labels, shrink_class
from ..datasets._selection import membership, observation_values, rebuild

#: Column of the classes in all data of the paper's experiments.
LABELS_KEY = "label"


@dataclass(frozen=True)
class Setting:
    """What is removed from the training data; the seed decides from which classes."""

    #: A panel of the paper, or the name of an experiment beyond it.
    figure: str
    #: Share of the training samples of each modality that keep their label; with 0 no classes.
    labeled_fraction: float = 1.0
    #: Samples per modality that the rare class keeps; `None` for all.
    rare_samples: int | None = None
    #: Share of the labels of all other classes that is kept; the rare class keeps its own.
    reference_fraction: float = 1.0
    #: Pairs of class and modality that are taken away, and the samples that each of them keeps.
    missing_pairs: int = 0
    put_back: int = 0
    #: Share of the training labels that are wrong.
    corrupted_fraction: float = 0.0
    #: Shift of differential features in data simulated for this setting; `None`: data at hand.
    delta: float | None = None

    def rare_class(self, classes: Sequence[str], seed: int) -> str | None:
        """Class that is rare with this seed, if any."""
        return None if self.rare_samples is None else classes[seed % len(classes)]

    def missing(
        self, classes: Sequence[str], modalities: Sequence[str], seed: int
    ) -> list[tuple[str, str]]:
        """Pairs of class and modality that are missing with this seed."""
        numbers = range(seed, seed + self.missing_pairs)
        return [(classes[n % len(classes)], modalities[n % len(modalities)]) for n in numbers]

    def apply(self, train: MuData, seed: int) -> MuData:
        """Make the setting from training data with all labels; `seed` decides every draw."""
        how: dict[str, Any] = {"labels_key": LABELS_KEY, "seed": seed}
        classes = class_names(train)
        rare = self.rare_class(classes, seed)
        if rare is not None and self.rare_samples is not None:
            train = shrink_class(train, rare, self.rare_samples, **how)
        for name, modality in self.missing(classes, list(train.mod), seed):
            train = shrink_class(train, name, {modality: self.put_back}, **how)
        if self.corrupted_fraction:
            train = corrupted(train, self.corrupted_fraction, seed)
        if self.labeled_fraction < 1:
            train = hide_labels(train, self.labeled_fraction, **how)
        if self.reference_fraction < 1:
            others = [name for name in classes if name != rare]
            train = hide_labels(train, self.reference_fraction, classes=others, **how)
        return train


def class_names(mdata: MuData) -> list[str]:
    """Classes of data with all labels, by name."""
    columns = [adata.obs[LABELS_KEY].astype(str) for adata in mdata.mod.values()]
    return sorted(set().union(*columns))


def corrupted(mdata: MuData, fraction: float, seed: int) -> MuData:
    """Copy with a share of the labels replaced by one of the other classes at random."""
    labels = observation_values(mdata, LABELS_KEY)
    classes = pd.Index(pd.unique(labels.astype(object)))
    rng = np.random.default_rng(seed)
    n_wrong = round(fraction * len(labels))
    chosen = rng.permutation(len(labels))[:n_wrong]
    # one to K - 1 classes further on: never the class itself, all others equally often
    shifts = rng.integers(1, len(classes), size=n_wrong)
    codes = (classes.get_indexer(labels.iloc[chosen]) + shifts) % len(classes)
    labels.iloc[chosen] = classes.to_numpy()[codes]
    return rebuild(mdata, membership(mdata), {LABELS_KEY: labels})


#: Every setting by name. Shares are in percent, samples per modality.
SETTINGS: dict[str, Setting] = {
    **{f"labels-{k:g}": Setting("fig2", labeled_fraction=k / 100) for k in (100, 5, 0.5, 0.2, 0)},
    **{f"rare-{n}": Setting("fig3a", rare_samples=n) for n in (100, 50, 20, 10, 5, 1)},
    **{
        f"reference-{k:g}": Setting("fig3c", rare_samples=20, reference_fraction=k / 100)
        for k in (100, 50, 20, 10, 5, 2, 1, 0.5)
    },
    "missing-1": Setting("fig4a", missing_pairs=1),
    **{f"missing-1-back-{n}": Setting("fig4b", missing_pairs=1, put_back=n) for n in (1, 2, 5)},
    "missing-2": Setting("fig4c", missing_pairs=2),
    **{f"missing-2-back-{n}": Setting("fig4d", missing_pairs=2, put_back=n) for n in (1, 2, 5)},
    **{f"delta-{d:g}": Setting("difficulty", delta=d) for d in (0.25, 0.5, 1)},
    **{f"corrupted-{k}": Setting("corrupted", corrupted_fraction=k / 100) for k in (5, 10, 20)},
}

#: The paper's figures and two additional experiments, all of which can be reproduced.
FIGURES = ("fig2", "fig3", "fig4", "difficulty", "corrupted")


def settings_of(figure: str, only: Sequence[str] | None = None) -> list[str]:
    """Names of a figure's settings, or of those of them that are wanted."""
    if figure not in (*FIGURES, "all"):
        raise ValueError(f"There is no figure {figure!r}; there are {[*FIGURES, 'all']}.")
    prefix = "" if figure == "all" else figure
    names = [name for name, own in SETTINGS.items() if own.figure.startswith(prefix)]
    strange = [name for name in only or () if name not in names]
    if strange:
        raise ValueError(f"{figure!r} has no setting {strange[0]!r}; it has {names}.")
    return [name for name in names if only is None or name in only]
