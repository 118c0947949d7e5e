"""Nearest-neighbour label transfer, against scikit-learn's classifier."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from modis.metrics import label_transfer, transfer_labels


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("n_neighbors", [1, 2, 15])
def test_agrees_with_sklearn(rng, n_neighbors):
    z_source, z_target = rng.normal(size=(80, 4)), rng.normal(size=(50, 4))
    y_source, y_target = rng.choice(["a", "b", "c"], 80), rng.choice(["a", "b", "c"], 50)
    classifier = KNeighborsClassifier(n_neighbors).fit(z_source, y_source)
    labels = transfer_labels(z_source, y_source, z_target, n_neighbors)
    assert labels.tolist() == classifier.predict(z_target).tolist()
    assert label_transfer(z_source, y_source, z_target, y_target, n_neighbors) == pytest.approx(
        classifier.score(z_target, y_target)
    )


def test_default_is_fifteen_voters(rng):
    z_source, y_source = rng.normal(size=(60, 2)), rng.choice(["a", "b"], 60)
    z_target = rng.normal(size=(200, 2))
    classifier = KNeighborsClassifier(15).fit(z_source, y_source)
    default = transfer_labels(z_source, y_source, z_target)
    assert default.tolist() == classifier.predict(z_target).tolist()
    assert default.tolist() != transfer_labels(z_source, y_source, z_target, 5).tolist()


def test_all_vote_where_sources_are_few():
    assert transfer_labels([[0.0], [1.0], [9.0]], [7, 7, 8], [[9.0]]).tolist() == [7]


def test_many_small_classes_do_not_warn():
    z = np.arange(30.0)[:, None]
    assert label_transfer(z, np.arange(30), z, np.arange(30), n_neighbors=1) == 1.0


def test_refuses():
    z = np.zeros((3, 2))
    with pytest.raises(ValueError, match="z_source has 3, y_source has 2"):
        transfer_labels(z, ["a", "b"], z)
    with pytest.raises(ValueError, match="z_source has 2, z_target has 1"):
        transfer_labels(z, ["a", "b", "a"], z[:, :1])
    with pytest.raises(ValueError, match="z_target has 3, y_target has 2"):
        label_transfer(z, ["a", "b", "a"], z, ["a", "b"])
    with pytest.raises(ValueError, match="at least 1, found 0"):
        transfer_labels(z, ["a", "b", "a"], z, n_neighbors=0)
    with pytest.raises(TypeError, match="whole number, found 2.5"):
        transfer_labels(z, ["a", "b", "a"], z, n_neighbors=2.5)
