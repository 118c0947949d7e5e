from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.metrics import mean_squared_error

from ..metrics import within_class_variance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..model import MODIS
    from ._cohort import Cohort

__all__ = ["Translations", "judge_translations"]

#: Fewer observations seen in both modalities say nothing.
_FEWEST = 5
#: More than this many only cost time.
_MOST = 2000


@dataclass
class Translations:
    """How well each modality is predicted from each other one, on test observations.

    Parameters
    ----------
    errors
        Mean squared errors, ``(n_modalities, n_modalities)``, sources in rows, NaN where too few
        test observations have both.
    n_samples
        Test observations behind each error.
    class_average
        By target, the error of predicting the average profile of the true class; `None` without
        labels. In simulated data no translation can be better than it.
    average
        By target, the error of predicting the average profile of the training samples.
    simulated
        Whether `errors` are in the units of simulated data, else in units of each feature's
        variance in the training samples.
    counts
        Modalities whose counts were compared as ``log(1 + count)``.
    """

    errors: pd.DataFrame
    n_samples: pd.DataFrame
    class_average: pd.Series | None
    average: pd.Series
    simulated: bool
    counts: list[str]

    @property
    def across(self) -> bool:
        """Whether a translation, and not only reconstructions, could be judged."""
        errors = self.errors.to_numpy()
        return bool(np.isfinite(errors[~np.eye(len(errors), dtype=bool)]).any())

    def metrics(self) -> pd.DataFrame:
        """The errors as rows of the table of metrics."""
        unit = "mse" if self.simulated else "mse_per_variance"
        rows: list[tuple[str, str, str, str, float]] = []
        for source in self.errors.index:
            for target in self.errors.columns:
                value = float(self.errors.loc[source, target])
                if np.isfinite(value):
                    rows.append(("test", f"{source} -> {target}", unit, "", value))
        references = {"average": self.average}
        if self.class_average is not None:
            references["limit" if self.simulated else "class_average"] = self.class_average
        for name, reference in references.items():
            for target, value in reference.dropna().items():
                rows.append(("test", str(target), f"{unit}_{name}", "", float(value)))
        return pd.DataFrame(rows, columns=["split", "modality", "metric", "class", "value"])


def judge_translations(
    model: MODIS, cohort: Cohort, *, simulated: bool = False
) -> Translations | None:
    """Compare translations of test observations with what was measured.

    Returns
    -------
    The errors, or `None` without test observations.
    """
    names = cohort.modalities
    errors = pd.DataFrame(np.nan, index=names, columns=names)
    n_samples = pd.DataFrame(0, index=names, columns=names)
    class_average = pd.Series(np.nan, index=names)
    average = pd.Series(np.nan, index=names)
    test = {
        name: pd.Index(own.loc[own["part"] == "test", "observation"])
        for name, own in cohort.samples.groupby("modality")
    }
    if not any(len(rows) >= _FEWEST for rows in test.values()):
        return None
    counts = [name for name in names if cohort.likelihood[name] in ("nb", "zinb", "poisson")]
    for target in names:
        scale = _Scale(cohort, target, raw=simulated, log=target in counts)
        if scale.n_features == 0:
            continue
        rows = test[target][:_MOST]
        if len(rows) >= _FEWEST:
            truth = scale.measured(rows)
            average[target] = mean_squared_error(
                truth, np.broadcast_to(scale.average, truth.shape)
            )
            class_average[target] = _class_average(cohort, target, scale, rows, simulated)
        for source in names:
            rows = test[source].intersection(test[target], sort=False)[:_MOST]
            n_samples.loc[source, target] = len(rows)
            if len(rows) < _FEWEST:
                continue
            indices = cohort.mdata.mod[source].obs_names.get_indexer(rows)
            predicted = model.translate(source, target, mdata=cohort.mdata, indices=indices)
            errors.loc[source, target] = mean_squared_error(
                scale.measured(rows), scale.apply(predicted.X)
            )
    return Translations(
        errors,
        n_samples,
        class_average if class_average.notna().any() else None,
        average,
        simulated,
        counts,
    )


class _Scale:
    """Values of one modality in units of the training samples' standard deviation."""

    def __init__(self, cohort: Cohort, modality: str, *, raw: bool, log: bool) -> None:
        self._data = cohort.values(modality)
        self._log = log
        self._mean, self._deviation = 0.0, 1.0
        self._kept: Any = slice(None)
        part = cohort.part.reindex(self._data.obs_names)
        self.train = self._data.obs_names[(part == "train").to_numpy()]
        train = self.measured(self.train)
        if not raw:
            deviation = train.std(axis=0)
            self._kept = deviation > 0
            self._mean = train.mean(axis=0)[self._kept]
            self._deviation = deviation[self._kept]
        self.average = self.measured(self.train).mean(axis=0)
        self.n_features = len(self.average)

    def measured(self, names: pd.Index) -> NDArray[np.floating]:
        return self.apply(self._data[names].X)

    def apply(self, values: Any) -> NDArray[np.floating]:
        dense = np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=float)
        if self._log:
            dense = np.log1p(dense)
        return (dense[:, self._kept] - self._mean) / self._deviation


def _class_average(
    cohort: Cohort, modality: str, scale: _Scale, rows: pd.Index, simulated: bool
) -> float:
    """Error of predicting a sample's class average."""
    label = cohort.label
    known = rows[label.reindex(rows).notna()]
    if simulated:
        return within_class_variance(scale.measured(known), label[known].to_numpy())
    train = scale.train[label.reindex(scale.train).notna()]
    known = known[label[known].isin(set(label[train]))]
    if len(known) < _FEWEST:
        return float("nan")
    return within_class_variance(
        scale.measured(known),
        label[known].to_numpy(),
        scale.measured(train),
        label[train].to_numpy(),
    )
