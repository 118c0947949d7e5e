from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import mudata as md
import pandas as pd

from ..datasets import intersim, split, unpair
from ._reading import read_links, read_mudata

LABELS_KEY = "label"


def split_paired(
    paired: md.MuData,
    *,
    labels_key: str = "label",
    split_key: str | None = "split",
    observed_key: str | None = "observed_modality",
) -> tuple[md.MuData, md.MuData]:
    """Make unpaired training and test data from paired ones.

    Parameters
    ----------
    paired
        Every observation in every modality.
    labels_key, split_key, observed_key
        Columns of ``paired.obs`` with the class, the part (``"train"`` or ``"test"``) and the one
        modality that each observation keeps. `split_key` may be `None` to draw a fifth of the
        observations as test part, `observed_key` to assign them to modalities at random.

    Returns
    -------
    Training and test data; every observation is in one modality.

    Examples
    --------
    >>> from modis.datasets import intersim
    >>> from modis.studies import split_paired
    >>> train, test = split_paired(intersim(60), split_key=None, observed_key=None)
    >>> train.n_obs, test.n_obs
    (48, 12)
    """
    unpaired = unpair(paired, labels_key=labels_key, observed_key=observed_key)
    if split_key is None:
        return split(unpaired, labels_key=labels_key)

    def part(name: str) -> md.MuData:
        rows = {m: (a.obs[split_key] == name).to_numpy() for m, a in unpaired.mod.items()}
        return md.MuData({m: a[rows[m]].copy() for m, a in unpaired.mod.items()})

    return part("train"), part("test")


class Parts(NamedTuple):
    """Data of an experiment: unpaired parts, their paired truth, and linked features."""

    train: md.MuData
    test: md.MuData
    truth: md.MuData
    links: pd.DataFrame | None


@dataclass(frozen=True)
class Source:
    """Where the data of an experiment come from; small enough to be sent to other processes.

    Parameters
    ----------
    data
        ``"synthetic"`` (simulated from the made-up reference), ``"intersim-r"`` (simulated from
        the R package's reference) or a ``.h5mu`` file of paired modalities with ``obs["label"]``.
        Its columns ``split`` and ``observed_modality`` are used if they are there, as in
        :func:`split_paired`.
    links_file
        Table of linked features for `data`; by default those in ``uns["feature_links"]``.
    reference_path
        Folder with the R package's reference, downloaded by default.
    n_samples
        Samples to simulate; the paper's number by default.

    Examples
    --------
    >>> from modis.studies import Source
    >>> parts = Source("synthetic", n_samples=60).load()
    >>> parts.train.n_obs, parts.test.n_obs
    (48, 12)
    """

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
            if path is not None and not path.is_file():
                hint = "" if path == self.links_file else ", nor are there data of this name"
                raise FileNotFoundError(f"There is no file '{path}'{hint}.")

    def describe(self, delta: float | None, *, links: bool) -> dict[str, Any]:
        """What decides the data, and the links if they count."""
        found: dict[str, Any] = {"n_samples": self.n_samples, **self.simulation(delta)}
        if delta is None and not self.is_simulated:
            found = {"data": _digest(Path(self.data))}
        if links and self.links_file is not None and delta is None:
            found["links"] = _digest(self.links_file)
        # wherever it lies, it is the same
        return found | {"reference_path": None}

    def simulation(self, delta: float | None) -> dict[str, Any]:
        """Arguments of the simulation."""
        names = ("methylation", "expression", "protein")
        arguments: dict[str, Any] = {f"delta_{name}": delta or 2.0 for name in names}
        # beside a file of one's own, the R package's reference only if one names its place
        given = self.reference_path is not None and not self.is_simulated
        if self.data == "intersim-r" or given:
            return arguments | {"reference": "tcga-ov", "reference_path": self.reference_path}
        return arguments | {"reference": "synthetic"}

    def load(self, delta: float | None = None) -> Parts:
        """Read or simulate the data; the same object when called again.

        With `delta` they are simulated afresh, with this shift of differential features.
        """
        return _load(self, delta)


@lru_cache(maxsize=8)
def _load(source: Source, delta: float | None) -> Parts:
    from_file = delta is None and not source.is_simulated
    with warnings.catch_warnings():
        # mudata 0.3 announces its next default whenever a MuData is made
        warnings.simplefilter("ignore")
        if from_file:
            truth = _read(Path(source.data))
        else:
            truth = intersim(source.n_samples, **source.simulation(delta))
        split_key, observed_key = (
            key if key in truth.obs else None for key in ("split", "observed_modality")
        )
        train, test = split_paired(truth, split_key=split_key, observed_key=observed_key)
    links = truth.uns.get("feature_links")
    if source.links_file is not None and delta is None:
        links = read_links(source.links_file)
    return Parts(train, test, truth, links)


def _read(path: Path) -> md.MuData:
    mdata = read_mudata(path)
    if LABELS_KEY not in mdata.obs or mdata.obs[LABELS_KEY].isna().any():
        raise ValueError(
            f"'{path}' needs a class for every observation in obs[{LABELS_KEY!r}]; the settings "
            "decide which of them a model sees."
        )
    if len(mdata.mod) < 2 or mdata.obs[LABELS_KEY].nunique() < 2:
        raise ValueError(f"'{path}' needs two modalities and two classes at least.")
    for name, adata in mdata.mod.items():
        if set(adata.obs_names) != set(mdata.obs_names):
            raise ValueError(
                f"In '{path}', modality {name!r} lacks {mdata.n_obs - adata.n_obs} of the "
                f"{mdata.n_obs} observations. Errors of translations can be measured only where "
                "every observation is in every modality; the settings take them apart."
            )
    return mdata


@lru_cache(maxsize=8)
def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
