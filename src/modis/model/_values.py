"""What training values looked like: how to fill those that new data lack, and what is unusual."""

import warnings
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import torch

from ..data import STATISTICS, Modality, Profile, fit_profile
from ..linear import Imputation, fit_imputation
from ..module import MODISModule

#: By name.
Data = Mapping[str, Modality]
#: Training values that are looked at, at most.
MOST_VALUES = 2**22
# rows of new data that are looked at, at most, and training rows that tell what is usual, at least
_MOST_ROWS = 200
_LEAST_ROWS = 10
# Share of the samples that must be unusual for a remark.
_MANY = 0.5


def scaled_rows(networks: MODISModule, item: Modality, rows: np.ndarray) -> torch.Tensor:
    """Scaled features of these rows at once, ``(n, n_features)``."""
    return networks.scale(item.name, torch.from_numpy(item.matrix.rows(rows)))


def scaled_pieces(
    networks: MODISModule, item: Modality, rows: np.ndarray | None = None
) -> Iterator[torch.Tensor]:
    """Scaled features of these rows, or of all, piece by piece."""
    return (networks.scale(item.name, torch.from_numpy(x)) for x in item.matrix.chunks(rows))


def learn_values(networks: MODISModule, item: Modality, rows: np.ndarray) -> None:
    """Learn from training rows to fill missing values, and what is usual."""
    item.matrix.fill = None
    n = max(2, MOST_VALUES // item.matrix.shape[1])
    chosen = np.sort(np.random.default_rng(0).permutation(rows)[:n])
    x = item.matrix.rows(chosen)
    imputation, code = fit_imputation(x), networks.modality_codes[item.name]
    networks.training_values.store(f"imputation_{code}", imputation)
    fill_missing(networks, {item.name: item})
    if len(chosen) >= _LEAST_ROWS:
        networks.training_values.store(f"profile_{code}", fit_profile(imputation(x)))


def fill_missing(networks: MODISModule, data: Data) -> None:
    """Let missing values be filled, once that was learnt."""
    for name, item in data.items():
        kept = f"imputation_{networks.modality_codes[name]}"
        item.matrix.fill = networks.training_values.named_tuple(Imputation, kept)


def warn_of_lost(modality: str, now: np.ndarray, then: np.ndarray) -> None:
    """Say how many values training rows lack now, ``(n_rows,)``, but did not lack before."""
    if n := np.maximum(now - then, 0).sum():
        warnings.warn(
            f"Modality '{modality}': {n} value(s) of the training data that were there before are "
            "missing (NaN) now. They are filled with what the other values predict.",
            stacklevel=5,
        )


def find_differences(networks: MODISModule, data: Data) -> pd.DataFrame:
    """What is unusual in most samples of a modality; columns as of ``check_query``."""
    found = []
    for name, item in data.items():
        kept = f"profile_{networks.modality_codes[name]}"
        profile = networks.training_values.named_tuple(Profile, kept)
        n = max(1, min(_MOST_ROWS, MOST_VALUES // item.matrix.shape[1]))
        rows = np.random.default_rng(0).permutation(item.n_obs)[:n]
        if profile is None or not len(rows):
            continue
        x = item.matrix.rows(np.sort(rows))
        outside, told = profile.outside(x)
        share = outside.mean(axis=0)
        advice = profile.advice(x) if (share >= _MANY).any() else None
        for k in np.flatnonzero(share >= _MANY):
            usual = (told[:, k].mean(), profile.lowest[k], profile.highest[k], share[k])
            found.append((name, STATISTICS[k], *usual, advice or ""))
    columns = ["modality", "statistic", "found", "lowest", "highest", "share", "advice"]
    return pd.DataFrame(found, columns=columns)


def warn_of_differences(networks: MODISModule, data: Data) -> None:
    """Say that new data do not look like the training data."""
    for name, own in find_differences(networks, data).groupby("modality", sort=False):
        told = "; ".join(
            f"{row.statistic} {row.found:.3g} (usual: {row.lowest:.3g} to {row.highest:.3g})"
            for row in own.itertuples()
        )
        advice = own["advice"].iloc[0]
        then = f"It would be alike after: {advice}." if advice else "Check units and names."
        warnings.warn(
            f"Modality '{name}' does not look like the training samples: {told}. {then} See "
            "model.check_query(mdata).",
            stacklevel=5,
        )
