from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ..model import MODIS
from ..studies import read_mudata

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData
    from mudata import MuData

    from ._console import Screen

__all__ = ["predict_file", "translate_file"]


def predict_file(
    model_dir: Path,
    path: Path,
    out: Path,
    screen: Screen,
    *,
    modality: str | None = None,
    soft: bool = False,
) -> pd.DataFrame:
    """Predict the classes of a file's observations and write them as a table.

    Parameters
    ----------
    model_dir
        Folder of a saved model.
    path
        The ``.h5mu`` file; it is only read.
    out
        The ``.csv`` file to write.
    screen
        What the user sees.
    modality
        Predict from this modality only.
    soft
        Also write the probability of every class.

    Returns
    -------
    The table: ``predicted`` and ``probability`` by observation, and a column per class if
    `soft`.
    """
    model, mdata = _read(model_dir, path, screen)
    probability = model.predict(mdata, modality=modality, soft=True)
    unseen = probability.isna().all(axis=1)
    if unseen.any():
        screen.note(
            f"{int(unseen.sum()):,} observations have none of the model's modalities and get no "
            "prediction."
        )
    table = pd.DataFrame(index=probability.index.rename("observation"))
    table["predicted"] = probability[~unseen].idxmax(axis=1)
    table["probability"] = probability.max(axis=1)
    if soft:
        columns = {name: f"probability_{name}" for name in probability}
        table = table.join(probability.rename(columns=columns))
    table.to_csv(out)
    screen.stage(f"{len(table):,} observations in {out}")
    return table


def translate_file(
    model_dir: Path, path: Path, source: str, target: str, out: Path, screen: Screen
) -> AnnData:
    """Predict one modality of a file from another and write it.

    Parameters
    ----------
    model_dir, path, screen
        As in :func:`predict_file`.
    source, target
        Modality to translate from and into.
    out
        The ``.h5ad`` file to write.

    Returns
    -------
    What was written, observations of the source by features of the target.
    """
    model, mdata = _read(model_dir, path, screen)
    translated = model.translate(source, target, mdata=mdata)
    translated.write_h5ad(out)
    screen.stage(f"{translated.n_obs:,} observations × {translated.n_vars:,} features in {out}")
    return translated


def _read(model_dir: Path, path: Path, screen: Screen) -> tuple[MODIS, MuData]:
    screen.stage(f"Reading {path} and the model in {model_dir}")
    mdata = read_mudata(path)
    return MODIS.load(model_dir, mdata=False), mdata
