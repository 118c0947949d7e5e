from pathlib import Path

import numpy as np
import pytest

from modis.report import Screen
from modis.report._results import Results
from modis.report._translations import judge_translations


def test_errors_against_plain_numpy(results: tuple[Results, Path]) -> None:
    found = results[0]
    cohort, judged = found.cohort, found.translations
    assert judged is not None
    assert judged.across
    source, target = found.mdata.mod["expression"], found.mdata.mod["protein"]
    part = cohort.part
    shared = [
        name for name in source.obs_names if name in set(target.obs_names) and part[name] == "test"
    ]
    train = target[(part[target.obs_names] == "train").to_numpy()].X.astype(float)
    truth = target[shared].X.astype(float)
    with Screen().quiet():
        predicted = found.model.translate("expression", "protein", found.mdata)[shared].X
    expected = np.mean(((truth - predicted) / train.std(axis=0)) ** 2)
    assert judged.n_samples.loc["expression", "protein"] == len(shared) == 30
    assert judged.errors.loc["expression", "protein"] == pytest.approx(expected, rel=1e-5)
    z = (truth - train.mean(axis=0)) / train.std(axis=0)
    assert judged.average["protein"] == pytest.approx(np.mean(z**2), rel=1e-5)


def test_limit_of_simulated_data(results: tuple[Results, Path]) -> None:
    mdata, cohort = results[0].mdata, results[0].cohort
    with Screen().quiet():
        judged = judge_translations(results[0].model, mdata, cohort, simulated=True)
    assert judged is not None
    assert judged.class_average is not None
    adata = mdata.mod["expression"]
    test = adata[(cohort.part[adata.obs_names] == "test").to_numpy()]
    label = cohort.label[test.obs_names].to_numpy()
    squares = [
        ((test.X[label == name] - test.X[label == name].mean(axis=0)) ** 2).sum()
        for name in set(label)
    ]
    assert judged.class_average["expression"] == pytest.approx(
        sum(squares) / test.X.size, rel=1e-4
    )
