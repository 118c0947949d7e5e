import numpy as np
import pytest
from scipy.spatial.distance import cdist

from modis.metrics import modality_mixing


def brute_force(z, modality, k):
    scores = []
    for name in np.unique(modality):
        size = np.sum(modality == name)
        shares = []
        for i in np.flatnonzero(modality == name):
            distance = cdist(z[[i]], z)[0]
            distance[i] = np.inf
            nearest = np.argsort(distance)[: min(k, size - 1)]
            shares.append(np.mean(modality[nearest] != name))
        expected = np.mean(np.delete(modality, i) != name)
        scores.append(min(1.0, np.mean(shares) / expected))
    return np.mean(scores)


def test_agrees_with_brute_force(rng):
    modality = rng.choice(["rna", "adt", "atac"], 120, p=[0.6, 0.35, 0.05])
    z = rng.normal(size=(120, 3)) + (modality == "rna")[:, None]
    for k in (1, 5, 15):
        expected = pytest.approx(brute_force(z, modality, k))
        assert modality_mixing(z, modality, n_neighbors=k) == expected
    assert 0.1 < modality_mixing(z, modality) < 0.9
    assert modality_mixing(z + 100.0 * (modality == "rna")[:, None], modality != "rna") == 0.0
    # at most 1, also where neighbours are always of the other modality
    assert modality_mixing([[0], [0.1], [9], [9.1]], ["rna", "adt"] * 2) == 1.0


def test_classes_average_and_those_of_one_modality_are_left_out(rng):
    z = rng.normal(size=(300, 3))
    labels = np.repeat(["mixed", "apart", "rna only"], 100)
    modality = np.tile(["rna", "adt"], 150)
    modality[200:] = "rna"
    z[100:200] += 100.0 * (modality[100:200] == "rna")[:, None]
    mixed = modality_mixing(z[:100], modality[:100])
    assert modality_mixing(z, modality, labels) == pytest.approx(mixed / 2)


def test_refuses():
    z = np.zeros((4, 2))
    with pytest.raises(ValueError, match="two modalities, found only 'rna'"):
        modality_mixing(z, ["rna"] * 4)
    with pytest.raises(ValueError, match="not found in any class"):
        modality_mixing(z, ["rna", "rna", "adt", "adt"], ["a", "a", "b", "b"])
    with pytest.raises(ValueError, match="not found overall"):
        modality_mixing(z[:2], ["rna", "adt"])
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[4, 2, 4\]"):
        modality_mixing(z, ["rna", "adt"])
    with pytest.raises(ValueError, match=r"labels has 1 missing values of 4 .*position 2"):
        modality_mixing(z, ["rna", "rna", "adt", "adt"], ["a", "a", None, "a"])
    with pytest.raises(ValueError, match="n_neighbors"):
        modality_mixing(z, ["rna", "rna", "adt", "adt"], n_neighbors=0)
