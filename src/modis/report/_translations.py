from dataclasses import dataclass

import numpy as np
import pandas as pd
from mudata import MuData

from ..metrics import within_class_variance
from ..model import MODIS
from ..studies import Cohort, profile_scale

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
        Mean squared errors, in units of each feature's variance in the training samples, and the
        number of test observations behind them, sources in rows, targets in columns; NaN where
        too few have both.
    class_average
        By target, the error of predicting the average profile of the true class; `None` without
        labels.
    average
        By target, the error of predicting the average profile of the training samples.
    """

    errors: pd.DataFrame
    n_samples: pd.DataFrame
    class_average: pd.Series | None
    average: pd.Series

    @property
    def across(self) -> bool:
        """Whether a translation, and not only reconstructions, could be judged."""
        errors = self.errors.to_numpy()
        return bool(np.isfinite(errors[~np.eye(len(errors), dtype=bool)]).any())

    def metrics(self) -> pd.DataFrame:
        """The errors as rows of the table of metrics."""
        rows = [
            (f"{source} -> {target}", "mse_per_variance", error)
            for source, errors in self.errors.iterrows()
            for target, error in errors.items()
        ]
        for name in ("average", "class_average"):
            if (reference := getattr(self, name)) is not None:
                rows += [(own, f"mse_per_variance_{name}", e) for own, e in reference.items()]
        table = pd.DataFrame(rows, columns=["modality", "metric", "value"]).dropna()
        return table.assign(split="test", **{"class": ""})


def judge_translations(model: MODIS, mdata: MuData, cohort: Cohort) -> Translations | None:
    """Compare translations of test observations with the measured profiles; `None` without any."""
    names = list(cohort.modalities)
    train, test = cohort.names("train"), cohort.names("test")
    if all(len(rows) < _FEWEST for rows in test.values()):
        return None
    errors = pd.DataFrame(np.nan, index=names, columns=names)
    n_samples = pd.DataFrame(0, index=names, columns=names)
    class_average, average = (pd.Series(np.nan, index=names) for _ in range(2))
    for target in names:
        scale = profile_scale(cohort, target)
        try:
            reference = scale.fit_transform(cohort.filled(target, train[target], train[target]))
        except ValueError:
            # no feature varies
            continue
        rows = test[target][:_MOST]
        if len(rows) >= _FEWEST:
            truth = scale.transform(cohort.filled(target, rows, train[target]))
            average[target] = np.square(truth - reference.mean(axis=0)).mean()
            known, own = (cohort.label.reindex(n).dropna() for n in (train[target], rows))
            own = own[own.isin(set(known))]
            if len(own) >= _FEWEST:
                class_average[target] = within_class_variance(
                    truth[rows.isin(own.index)],
                    own,
                    reference[train[target].isin(known.index)],
                    known,
                )
        for source in names:
            rows = test[source].intersection(test[target], sort=False)[:_MOST]
            n_samples.loc[source, target] = len(rows)
            if len(rows) >= _FEWEST:
                indices = mdata.mod[source].obs_names.get_indexer(rows)
                predicted = model.translate(source, target, mdata=mdata, indices=indices).X
                # with NaN where a value is missing, which then does not count
                truth = scale.transform(cohort.values(target, rows))
                errors.loc[source, target] = np.nanmean((scale.transform(predicted) - truth) ** 2)
    return Translations(
        errors, n_samples, class_average if class_average.notna().any() else None, average
    )
