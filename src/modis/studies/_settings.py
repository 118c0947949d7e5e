"""Settings of the paper's experiments, and the data that they are made from."""

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from mudata import MuData

from ..datasets import hide_labels, intersim, shrink_class, split, unpair
from ..datasets._selection import membership, observation_values, rebuild
from ._reading import read_links, read_mudata

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


def split_paired(paired: MuData) -> tuple[MuData, MuData]:
    """Unpaired training and test data; the columns ``split`` and ``observed_modality`` decide."""
    unpaired = unpair(paired, labels_key=LABELS_KEY)
    if "observed_modality" in paired.obs:
        observed = paired.obs["observed_modality"]
        if unknown := set(observed.dropna()) - set(paired.mod):
            raise ValueError(
                f"Column 'observed_modality' names {sorted(map(str, unknown))}; the modalities "
                f"are {list(paired.mod)}."
            )
        unpaired = rebuild(paired, pd.DataFrame({m: observed == m for m in paired.mod}), {})
    if "split" not in paired.obs:
        return split(unpaired, labels_key=LABELS_KEY)

    def part(name: str) -> MuData:
        rows = {m: (a.obs["split"] == name).to_numpy() for m, a in unpaired.mod.items()}
        return MuData({m: a[rows[m]].copy() for m, a in unpaired.mod.items()})

    return part("train"), part("test")


class Parts(NamedTuple):
    """Data of an experiment: unpaired parts, their paired truth, and linked features."""

    train: MuData
    test: MuData
    truth: MuData
    links: pd.DataFrame | None


@dataclass(frozen=True)
class Source:
    """Where data come from, see ``modis reproduce``; small enough to be sent to processes."""

    data: str = "synthetic"
    links_file: Path | None = None
    reference_path: Path | None = None
    n_samples: int = 11_500

    @property
    def is_simulated(self) -> bool:
        """Whether the data are no file of the user's."""
        return self.data in ("synthetic", "intersim-r")

    def check(self) -> None:
        """Raise if a file does not exist, before anything costs time."""
        for path in (self.links_file, None if self.is_simulated else Path(self.data)):
            if path is not None and not path.exists():
                hint = "" if path == self.links_file else ", nor are there data of this name"
                raise FileNotFoundError(f"There is no file '{path}'{hint}.")

    def describe(self, delta: float | None, *, links: bool) -> dict[str, Any]:
        """What decides the data, and the links if they count."""
        own = self.links_file if links and delta is None else None
        found: dict[str, Any] = {"links": None if own is None else _digest(own)}
        if delta is not None or self.is_simulated:
            found |= {"n_samples": self.n_samples, **self.simulation(delta)}
            return found | {"reference_path": None}
        return found | {"data": _digest(Path(self.data))}

    def simulation(self, delta: float | None) -> dict[str, Any]:
        """Arguments of the simulation."""
        names = ("methylation", "expression", "protein")
        arguments: dict[str, Any] = {f"delta_{name}": delta or 2.0 for name in names}
        # with a file of one's own, the R package's reference only if one names its place
        given = self.reference_path is not None and not self.is_simulated
        if self.data == "intersim-r" or given:
            return arguments | {"reference": "tcga-ov", "reference_path": self.reference_path}
        return arguments | {"reference": "synthetic"}

    def load(self, delta: float | None = None) -> Parts:
        """Read or simulate the data, with a shift `delta`; the same object when called again."""
        return _load(self, delta)


@lru_cache(maxsize=8)
def _load(source: Source, delta: float | None) -> Parts:
    from_file = delta is None and not source.is_simulated
    how = {} if from_file else source.simulation(delta)
    truth = _read(Path(source.data)) if from_file else intersim(source.n_samples, **how)
    with warnings.catch_warnings():
        # mudata 0.3 announces its next default whenever a MuData is made
        warnings.simplefilter("ignore")
        train, test = split_paired(truth)
    links = truth.uns.get("feature_links")
    if source.links_file is not None and delta is None:
        links = read_links(source.links_file)
    return Parts(train, test, truth, links)


def _read(path: Path) -> MuData:
    mdata = read_mudata(path)
    if LABELS_KEY not in mdata.obs or mdata.obs[LABELS_KEY].isna().any():
        raise ValueError(
            f"'{path}' needs a class for every observation in obs[{LABELS_KEY!r}]; the settings "
            "decide which of them a model sees."
        )
    if len(mdata.mod) < 2 or mdata.obs[LABELS_KEY].nunique() < 2:
        raise ValueError(f"'{path}' needs at least two modalities and two classes.")
    for name, adata in mdata.mod.items():
        if set(adata.obs_names) != set(mdata.obs_names):
            raise ValueError(
                f"In '{path}', modality {name!r} lacks {mdata.n_obs - adata.n_obs} of the "
                f"{mdata.n_obs} observations. Errors of translations can be measured only where "
                "every observation is in every modality; the settings take them apart."
            )
    return mdata


@lru_cache(maxsize=8)
def _digest(path: Path) -> Any:
    """Of a file, or of each file in a folder."""
    if path.is_dir():
        return {own.name: _digest(own) for own in path.iterdir() if own.is_file()}
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
