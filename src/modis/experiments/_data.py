from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mudata as md
import pandas as pd

from ..datasets import bayes_probabilities, intersim, split, unpair
from ._evaluation import rate_predictions

if TYPE_CHECKING:
    from ._evaluation import Row

__all__ = ["LABELS_KEY", "Cohort", "Source", "split_paired"]

LABELS_KEY = "label"
_SPLIT_KEY, _OBSERVED_KEY = "split", "observed_modality"


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
        observations as test part, `observed_key` to deal them anew.

    Returns
    -------
    Training and test data; every observation is in one modality.

    Examples
    --------
    >>> from modis.datasets import intersim
    >>> from modis.experiments import split_paired
    >>> train, test = split_paired(intersim(60), split_key=None, observed_key=None)
    >>> train.n_obs, test.n_obs
    (48, 12)
    """
    unpaired = unpair(paired, labels_key=labels_key, observed_key=observed_key)
    if split_key is None:
        return split(unpaired, labels_key=labels_key)
    parts = []
    for part in ("train", "test"):
        parts.append(
            md.MuData(
                {
                    name: adata[(adata.obs[split_key] == part).to_numpy()].copy()
                    for name, adata in unpaired.mod.items()
                }
            )
        )
    return parts[0], parts[1]


@dataclass(frozen=True)
class Cohort:
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
    >>> from modis.experiments import Source
    >>> cohort = Source("synthetic", n_samples=60).load()
    >>> cohort.train.n_obs, cohort.test.n_obs
    (48, 12)
    """

    data: str = "synthetic"
    links_file: Path | None = None
    reference_path: Path | None = None
    n_samples: int = 11_500

    def check(self) -> None:
        """Raise if a file does not exist, before anything costs time."""
        for path in (self.links_file, None if self._is_simulated else Path(self.data)):
            if path is not None and not path.is_file():
                hint = "" if path == self.links_file else ", nor are there data of this name"
                raise FileNotFoundError(f"There is no file '{path}'{hint}.")

    def describe(self, delta: float | None = None) -> dict[str, Any]:
        """What decides the data: two descriptions are equal if and only if the data are."""
        if delta is None and not self._is_simulated:
            return {"sha256": _digest(Path(self.data))}
        return {
            "reference": self._reference(delta),
            "n_samples": self.n_samples,
            "delta": delta if delta is not None else 2.0,
        }

    def describe_links(self, delta: float | None = None) -> str | None:
        """What decides the links, beyond the data."""
        if self.links_file is None or delta is not None:
            return None
        return _digest(self.links_file)

    def load(self, delta: float | None = None) -> Cohort:
        """Read or simulate the data; the same object when called again.

        Parameters
        ----------
        delta
            Simulate afresh with this shift of differential features; `None` for the data at
            hand.

        Raises
        ------
        ValueError
            If a file cannot be read, or its data do not fit the experiments.
        """
        return _load(self, delta)

    def rate_bayes(self, delta: float) -> list[Row]:
        """Rows of the best possible classifier on the test part of data simulated with `delta`."""
        test = self.load(delta).test
        probabilities = bayes_probabilities(test, **self._simulation(delta))
        labels = {name: a.obs[LABELS_KEY].astype(str).to_numpy() for name, a in test.mod.items()}
        best = {name: probabilities[name].idxmax(axis=1).to_numpy() for name in labels}
        return rate_predictions(labels, best, confusion=False)

    @property
    def _is_simulated(self) -> bool:
        return self.data in ("synthetic", "intersim-r")

    def _reference(self, delta: float | None) -> str:
        # beside a file of one's own, the R package's reference only if one names its place
        given = self.reference_path is not None and not self._is_simulated
        return "tcga-ov" if self.data == "intersim-r" or given else "synthetic"

    def _simulation(self, delta: float | None) -> dict[str, Any]:
        value = 2.0 if delta is None else delta
        names = ("methylation", "expression", "protein")
        arguments: dict[str, Any] = {f"delta_{name}": value for name in names}
        arguments["reference"] = self._reference(delta)
        if arguments["reference"] == "tcga-ov":
            arguments["reference_path"] = self.reference_path
        return arguments


@lru_cache(maxsize=8)
def _load(source: Source, delta: float | None) -> Cohort:
    if delta is not None or source._is_simulated:
        truth = intersim(source.n_samples, **source._simulation(delta))
    else:
        truth = _read(Path(source.data))
    keys = {
        "split_key": _SPLIT_KEY if _SPLIT_KEY in truth.obs else None,
        "observed_key": _OBSERVED_KEY if _OBSERVED_KEY in truth.obs else None,
    }
    with warnings.catch_warnings():
        # mudata 0.3 announces its next default whenever a MuData is made
        warnings.simplefilter("ignore", FutureWarning)
        train, test = split_paired(truth, labels_key=LABELS_KEY, **keys)
    links = truth.uns.get("feature_links")
    if source.links_file is not None and delta is None:
        links = pd.read_csv(source.links_file)
    return Cohort(train, test, truth, links)


def _read(path: Path) -> md.MuData:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mdata = md.read_h5mu(path)
    # a damaged file fails in any layer of the reader
    except Exception as error:
        raise ValueError(
            f"'{path}' cannot be read as a .h5mu file ({type(error).__name__}: {error})."
        ) from error
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
