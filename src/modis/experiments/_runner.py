from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pandas as pd
import scvi

from ..data import DataSpec, read_registered
from ..dataloaders import ModalitySplitter
from ..model import MODIS
from ..train import batch_size_for, epochs_for, train_size_for
from ._evaluation import evaluate

if TYPE_CHECKING:
    from mudata import MuData

    from ._evaluation import Row
    from ._settings import Method, Setting

__all__ = ["fit", "run", "summarize"]

_UNLABELED = "unknown"


def run(train: MuData, test: MuData, truth: MuData, **how: Any) -> list[Row]:
    """Train one model in one setting and measure it on the test data.

    Parameters
    ----------
    train, test
        Unpaired data, as from :func:`split_paired`.
    truth
        Paired data that hold the test observations in every modality.
    **how
        As in :func:`fit`.

    Returns
    -------
    Tidy rows with ``metric``, ``value`` and where it was measured.

    Examples
    --------
    >>> from modis.datasets import intersim
    >>> from modis.experiments import METHODS, SETTINGS, run, split_paired
    >>> truth = intersim(60)
    >>> train, test = split_paired(truth, split_key=None, observed_key=None)
    >>> how = {"setting": SETTINGS["labels-100"], "method": METHODS["default"], "seed": 0}
    >>> rows = run(train, test, truth, **how, max_epochs=1)
    >>> sorted({row["metric"] for row in rows})[:3]
    ['accuracy', 'balanced_accuracy', 'epochs']
    """
    model, rows = fit(train, **how)
    return rows + evaluate(model, test, truth, how.get("labels_key", "label"))


def fit(
    train: MuData,
    *,
    setting: Setting,
    method: Method,
    seed: int,
    labels_key: str = "label",
    feature_links: pd.DataFrame | None = None,
    epochs_factor: int = 1,
    **train_kwargs: Any,
) -> tuple[MODIS, list[Row]]:
    """Train one model in one setting.

    Parameters
    ----------
    train
        Unpaired training data with all labels.
    setting, method
        What is taken from the training data, and how the model is trained.
    seed
        Seed of the setting's draw and of the model.
    labels_key
        Column with the classes.
    feature_links
        Linked features, for methods that use them.
    epochs_factor
        How many times longer to train than the method would.
    **train_kwargs
        Passed to :meth:`modis.MODIS.train` on top of the method's.

    Returns
    -------
    The model, and tidy rows of how long it was trained.

    Raises
    ------
    ValueError
        If the method needs links and there are none.

    Examples
    --------
    >>> from modis.datasets import intersim
    >>> from modis.experiments import METHODS, SETTINGS, fit, split_paired
    >>> truth = intersim(60)
    >>> train, test = split_paired(truth, split_key=None, observed_key=None)
    >>> how = {"setting": SETTINGS["labels-100"], "method": METHODS["default"], "seed": 0}
    >>> model, rows = fit(train, **how, max_epochs=1)
    >>> [row["metric"] for row in rows]
    ['train_seconds', 'epochs']
    """
    if method.links and feature_links is None:
        raise ValueError("This method needs feature_links, and there are none.")
    made = setting.apply(train, labels_key, seed)
    scvi.settings.seed = seed
    MODIS.setup_mudata(
        made,
        labels_key=labels_key if setting.labeled_fraction else None,
        unlabeled_category=_UNLABELED,
    )
    links = {"feature_links": feature_links} if method.links else {}
    model = MODIS(made, **(method.model | links))
    how = method.train | train_kwargs
    if epochs_factor != 1:
        how["max_epochs"] = epochs_factor * _epochs(model, made, how)
    started = time.perf_counter()
    model.train(**how)
    rows: list[Row] = [{"metric": "train_seconds", "value": time.perf_counter() - started}]
    rows.append({"metric": "epochs", "value": len(model.history["loss_train"])})
    return model, rows


def _epochs(model: MODIS, train: MuData, how: dict[str, Any]) -> int:
    """Epochs that training with these arguments would take at most."""
    if how.get("max_epochs") is not None:
        return int(how["max_epochs"])
    data = read_registered(train, DataSpec.from_registry(model.registry_))
    n_obs = max(item.n_obs for item in data.values())
    sizes = model.module.architecture
    size = batch_size_for(n_obs, how.get("batch_size"), sizes.norm)
    train_size = train_size_for(sizes.n_layers, how.get("train_size"))
    splitter = ModalitySplitter(data, train_size=train_size, batch_size=size)
    return epochs_for(splitter.steps_per_epoch, None)


def summarize(results: pd.DataFrame) -> pd.DataFrame:
    """Mean and spread over seeds of the headline figures.

    Parameters
    ----------
    results
        Rows of :func:`run` with ``method``, ``setting`` and ``seed``.

    Returns
    -------
    DataFrame with one row per method and setting: accuracy, the lowest recall of any class in
    any modality, the lowest label transfer of any direction, the highest translation error over
    its limit, and the seconds of training. Missing where nothing was measured.

    Examples
    --------
    >>> import pandas as pd
    >>> from modis.experiments import summarize
    >>> run = {"method": "default", "setting": "labels-100", "source": "all", "metric": "accuracy"}
    >>> results = pd.DataFrame([run | {"seed": 0, "value": 0.8}, run | {"seed": 1, "value": 1.0}])
    >>> summarize(results)["accuracy"][["mean", "min"]].to_numpy().tolist()
    [[0.9, 0.8]]
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
            "worst_label_transfer": per_seed("label_transfer", "min"),
            "worst_mse_over_limit": per_seed("mse_over_limit", "max"),
            "train_seconds": per_seed("train_seconds", "mean"),
        }
    )
    return figures.groupby(["method", "setting"], sort=False).agg(["mean", "std", "min", "max"])
