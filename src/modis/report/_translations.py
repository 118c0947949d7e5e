from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from mudata import MuData
from numpy.typing import NDArray
from sklearn.feature_selection import VarianceThreshold
from sklearn.metrics import mean_squared_error
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ..metrics import within_class_variance
from ..model import MODIS
from ..studies import Cohort

#: Fewer observations measured in both modalities say nothing.
_FEWEST = 5
#: More than this many only cost time.
_MOST = 2000


@dataclass
class Translations:
    """How well each modality is predicted from each other one, on test observations.

    Parameters
    ----------
    errors, n_samples
        Mean squared errors and the number of test observations behind them, sources in rows,
        targets in columns; NaN where too few have both.
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
    def limit(self) -> pd.Series | None:
        """The best possible error by target, known of simulated data only."""
        return self.class_average if self.simulated else None

    @property
    def across(self) -> bool:
        """Whether a translation, and not only reconstructions, could be judged."""
        errors = self.errors.to_numpy()
        return bool(np.isfinite(errors[~np.eye(len(errors), dtype=bool)]).any())

    def metrics(self) -> pd.DataFrame:
        """The errors as rows of the table of metrics."""
        unit = "mse" if self.simulated else "mse_per_variance"
        rows = [
            (f"{source} -> {target}", unit, self.errors.loc[source, target])
            for source in self.errors.index
            for target in self.errors.columns
        ]
        references = {"average": self.average}
        if self.class_average is not None:
            references["limit" if self.simulated else "class_average"] = self.class_average
        for name, reference in references.items():
            rows += [(target, f"{unit}_{name}", error) for target, error in reference.items()]
        table = pd.DataFrame(rows, columns=["modality", "metric", "value"]).dropna()
        return table.assign(split="test", **{"class": ""})


def judge_translations(
    model: MODIS, mdata: MuData, cohort: Cohort, *, simulated: bool = False
) -> Translations | None:
    """Compare translations of test observations with the measured profiles.

    `None` without test observations.
    """
    names = list(cohort.modalities)
    train, test = cohort.names("train"), cohort.names("test")
    if all(len(rows) < _FEWEST for rows in test.values()):
        return None
    errors = pd.DataFrame(np.nan, index=names, columns=names)
    n_samples = pd.DataFrame(0, index=names, columns=names)
    class_average, average = (pd.Series(np.nan, index=names) for _ in range(2))
    for target, adata in cohort.modalities.items():
        scale = _scale(raw=simulated, log=cohort.is_counts(target))
        try:
            reference = scale.fit_transform(adata[train[target]].X)
        except ValueError:
            # no feature varies
            continue
        rows = test[target][:_MOST]
        if len(rows) >= _FEWEST:
            truth = scale.transform(adata[rows].X)
            expected = np.broadcast_to(reference.mean(axis=0), truth.shape)
            average[target] = mean_squared_error(truth, expected)
            own = cohort.label.reindex(rows)
            # what is simulated has a limit: the spread of the test samples themselves
            others = own if simulated else cohort.label.reindex(train[target])
            class_average[target] = _error_of_class_average(
                truth, own, truth if simulated else reference, others
            )
        for source in names:
            rows = test[source].intersection(test[target], sort=False)[:_MOST]
            n_samples.loc[source, target] = len(rows)
            if len(rows) >= _FEWEST:
                indices = mdata.mod[source].obs_names.get_indexer(rows)
                predicted = model.translate(source, target, mdata=mdata, indices=indices)
                truth = scale.transform(adata[rows].X)
                errors.loc[source, target] = mean_squared_error(
                    truth, scale.transform(predicted.X)
                )
    return Translations(
        errors,
        n_samples,
        class_average if class_average.notna().any() else None,
        average,
        simulated,
        [name for name in names if cohort.is_counts(name)],
    )


def _scale(*, raw: bool, log: bool) -> Pipeline:
    """Bring values to units of the training samples' standard deviation, unless `raw`."""
    steps: list[Any] = [FunctionTransformer(_dense)]
    if log:
        steps.append(FunctionTransformer(np.log1p))
    if not raw:
        steps += [VarianceThreshold(), StandardScaler()]
    return make_pipeline(*steps)


def _dense(values: Any) -> NDArray[np.floating]:
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=float)


def _error_of_class_average(
    truth: NDArray[np.floating],
    label: pd.Series,
    reference: NDArray[np.floating],
    reference_label: pd.Series,
) -> float:
    is_known = label.isin(set(reference_label.dropna())).to_numpy()
    if is_known.sum() < _FEWEST:
        return float("nan")
    labelled = reference_label.notna().to_numpy()
    return within_class_variance(
        truth[is_known], label[is_known], reference[labelled], reference_label[labelled]
    )
