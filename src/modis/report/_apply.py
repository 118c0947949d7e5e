from pathlib import Path
from typing import Any

import pandas as pd
from anndata import AnnData
from mudata import MuData

from ..data import draft_of
from ..model import MODIS
from ..studies import read_mudata, write_csv
from ._console import Screen
from ._predictions import predict_table


def predict_file(
    model_dir: Path,
    path: Path,
    out: Path,
    screen: Screen,
    *,
    modality: str | None = None,
    soft: bool = False,
    **tables: Any,
) -> pd.DataFrame:
    """Write :func:`predict_table` of every observation as a ``.csv``."""
    model, mdata = _read(model_dir, path, screen, tables)
    table = predict_table(model, mdata, modality, soft=soft)
    unseen = table["probability"].isna()
    if unseen.any():
        screen.note(
            f"{int(unseen.sum()):,} observations have none of the model's modalities and get no "
            "prediction."
        )
    write_csv(table, out)
    screen.stage(f"{len(table):,} observations in {out}")
    return table


def translate_file(
    model_dir: Path, path: Path, source: str, target: str, out: Path, screen: Screen, **tables: Any
) -> AnnData:
    """Predict the `target` modality of a file from its `source`, as an ``.h5ad`` or ``.csv``."""
    model, mdata = _read(model_dir, path, screen, tables)
    translated = model.translate(source, target, mdata=mdata)
    if out.suffix == ".csv":
        write_csv(translated.to_df().rename_axis("observation"), out)
    else:
        with draft_of(out) as draft:
            translated.write_h5ad(draft)
    screen.stage(f"{translated.n_obs:,} observations × {translated.n_vars:,} features in {out}")
    return translated


def _read(
    model_dir: Path, path: Path, screen: Screen, tables: dict[str, Any]
) -> tuple[MODIS, MuData]:
    screen.stage(f"Reading {path} and the model in {model_dir}")
    model = MODIS.load(model_dir, mdata=False)
    return model, read_mudata(path, features=model.get_var_names(), **tables)
