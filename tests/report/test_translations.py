import numpy as np
import pandas as pd
import pytest

from modis.report import Screen


def test_errors_against_plain_numpy(results):
    found = results[0]
    cohort, judged = found.cohort, found.translations
    assert judged is not None
    assert judged.across
    source, target = found.mdata.mod["expression"], found.mdata.mod["protein"]
    part = cohort.part
    shared = source.obs_names.intersection(target.obs_names, sort=False)
    shared = shared[(part[shared] == "test").to_numpy()]
    train = target[(part[target.obs_names] == "train").to_numpy()].X.astype(float)
    truth = target[shared].X.astype(float)
    with Screen().quiet():
        predicted = found.model.translate("expression", "protein", found.mdata)[shared].X
    expected = np.mean(((truth - predicted) / train.std(axis=0)) ** 2)
    assert judged.n_samples.loc["expression", "protein"] == len(shared) == 30
    assert judged.errors.loc["expression", "protein"] == pytest.approx(expected, rel=1e-5)
    z = (truth - train.mean(axis=0)) / train.std(axis=0)
    assert judged.average["protein"] == pytest.approx(np.mean(z**2), rel=1e-5)

    # and of the mean of each class in the training samples
    label = cohort.label.reindex(target.obs_names)
    means = pd.DataFrame((target.X - train.mean(axis=0)) / train.std(axis=0), index=label.index)
    own = target.obs_names[(part[target.obs_names] == "test").to_numpy()]
    train_names = target.obs_names.difference(own)
    known = means.loc[train_names].groupby(label[train_names]).mean()
    own = own[label[own].isin(known.index)]
    assert judged.class_average is not None
    assert judged.class_average["protein"] == pytest.approx(
        np.square(means.loc[own].to_numpy() - known.loc[label[own]].to_numpy()).mean(), rel=1e-5
    )
