from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scvi
from mudata import MuData

from ..datasets import unpair
from ..metrics import accuracy, mse, recall_per_class, within_class_variance
from ..model import MODIS

if TYPE_CHECKING:
    from ._settings import Method, Setting

__all__ = ["evaluate", "run", "split_paired", "summarize"]

Row = dict[str, Any]


def split_paired(
    paired: MuData,
    *,
    labels_key: str = "label",
    split_key: str = "split",
    observed_key: str | None = "observed_modality",
) -> tuple[MuData, MuData]:
    """Make unpaired training and test data from paired ones.

    Parameters
    ----------
    paired
        Every observation in every modality.
    labels_key, split_key, observed_key
        Columns of ``paired.obs`` with the class, the part (``"train"`` or ``"test"``) and the one
        modality that each observation keeps; `observed_key` may be `None` to deal them anew.

    Returns
    -------
    Training and test data; every observation is in one modality.
    """
    unpaired = unpair(paired, labels_key=labels_key, observed_key=observed_key)
    parts = []
    for part in ("train", "test"):
        parts.append(
            MuData(
                {
                    name: adata[(adata.obs[split_key] == part).to_numpy()].copy()
                    for name, adata in unpaired.mod.items()
                }
            )
        )
    return parts[0], parts[1]


def run(
    train: MuData,
    test: MuData,
    truth: MuData,
    *,
    setting: Setting,
    method: Method,
    seed: int,
    labels_key: str = "label",
    rare_class: str | None = None,
    **train_kwargs: Any,
) -> list[Row]:
    """Train one model in one setting and measure it on the test data.

    Parameters
    ----------
    train, test
        Unpaired data, as from :func:`split_paired`.
    truth
        Paired data that hold the test observations in every modality.
    setting, method
        What is taken from the training data, and how the model is trained.
    seed
        Seed of the setting's draw and of the model.
    labels_key
        Column with the classes.
    rare_class
        Class that the settings make rare; the last one by name by default.
    **train_kwargs
        Passed to :meth:`modis.MODIS.train` on top of the method's.

    Returns
    -------
    Tidy rows with ``metric``, ``value`` and where it was measured.
    """
    if rare_class is None:
        first = next(iter(train.mod.values()))
        rare_class = max(first.obs[labels_key].astype(str))
    train = setting.apply(train, labels_key, rare_class, seed)
    scvi.settings.seed = seed
    MODIS.setup_mudata(train, labels_key=labels_key)
    model = MODIS(train, **method.model)
    started = time.perf_counter()
    model.train(**(method.train | train_kwargs))
    rows = [{"metric": "train_seconds", "value": time.perf_counter() - started}]
    rows.append({"metric": "epochs", "value": len(model.history["loss_train"])})
    return rows + evaluate(model, test, truth, labels_key)


def evaluate(model: MODIS, test: MuData, truth: MuData, labels_key: str = "label") -> list[Row]:
    """Measure a trained model: accuracy, recall and the errors of all translations.

    Parameters
    ----------
    model
        The model.
    test
        Unpaired test data.
    truth
        Paired data that hold the test observations in every modality.
    labels_key
        Column with the classes.

    Returns
    -------
    Tidy rows: ``accuracy`` and ``recall`` by modality and class, ``mse`` and
    ``mse_over_limit`` by source and target. The limit is the within-class variance of the test
    samples: what the best prediction that knows the class, and only the class, leaves.
    """
    rows: list[Row] = []
    y_true, y_pred, modality = [], [], []
    for name, adata in test.mod.items():
        labels = adata.obs[labels_key].astype(str).to_numpy()
        predicted = model.predict(test, modality=name).astype(str).to_numpy()
        rows.append({"metric": "accuracy", "source": name, "value": accuracy(labels, predicted)})
        y_true.append(labels)
        y_pred.append(predicted)
        modality.append(np.repeat(name, len(labels)))
    recall = recall_per_class(*(np.concatenate(part) for part in (y_true, y_pred, modality)))
    recall = recall.rename_axis(index="class", columns="source").reset_index()
    for row in recall.melt("class", var_name="source").dropna().to_dict("records"):
        rows.append({"metric": "recall", **row})
    overall = accuracy(np.concatenate(y_true), np.concatenate(y_pred))
    rows.append({"metric": "accuracy", "source": "all", "value": overall})
    observed = np.concatenate([adata.obs_names.to_numpy() for adata in test.mod.values()])
    for target in test.mod:
        paired = truth.mod[target]
        known = truth.obs[labels_key].reindex(observed).astype(str).to_numpy()
        limit = within_class_variance(np.asarray(paired[observed].X), known)
        for source, adata in test.mod.items():
            translated = model.translate(source, target, test).X
            error = mse(np.asarray(paired[adata.obs_names].X), translated)
            where = {"source": source, "target": target}
            rows.append({"metric": "mse", **where, "value": error})
            rows.append({"metric": "mse_over_limit", **where, "value": error / limit})
    return rows


def summarize(results: pd.DataFrame) -> pd.DataFrame:
    """Mean and spread over seeds of the headline figures.

    Parameters
    ----------
    results
        Rows of :func:`run` with ``method``, ``setting`` and ``seed``.

    Returns
    -------
    DataFrame with one row per method and setting: accuracy, the lowest recall of any class in
    any modality, the highest translation error over its limit, and the seconds of training.
    """
    keys = ["method", "setting", "seed"]

    def per_seed(metric: str, how: str, **where: str) -> pd.Series:
        rows = results[results["metric"] == metric]
        for column, value in where.items():
            rows = rows[rows[column] == value]
        return rows.groupby(keys, sort=False)["value"].agg(how)

    figures = pd.DataFrame(
        {
            "accuracy": per_seed("accuracy", "mean", source="all"),
            "worst_recall": per_seed("recall", "min"),
            "worst_mse_over_limit": per_seed("mse_over_limit", "max"),
            "train_seconds": per_seed("train_seconds", "mean"),
        }
    )
    return figures.groupby(["method", "setting"], sort=False).agg(["mean", "std", "min", "max"])
