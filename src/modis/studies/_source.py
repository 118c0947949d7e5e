import hashlib
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import mudata as md
import pandas as pd

from ..datasets import intersim, split, unpair
from ..datasets._selection import rebuild
from ._reading import read_links, read_mudata
from ._settings import LABELS_KEY


def split_paired(paired: md.MuData) -> tuple[md.MuData, md.MuData]:
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

    def part(name: str) -> md.MuData:
        rows = {m: (a.obs["split"] == name).to_numpy() for m, a in unpaired.mod.items()}
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


def _read(path: Path) -> md.MuData:
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
