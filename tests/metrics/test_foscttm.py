import anndata
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from modis.metrics import _foscttm as module
from modis.metrics import foscttm


def brute_force(z_a, z_b):
    distance, n = cdist(z_a, z_b), len(z_a)
    total = 0.0
    for matrix in (distance, distance.T):
        for i in range(n):
            others = np.delete(matrix[i], i)
            total += (others < matrix[i, i]).mean() + 0.5 * (others == matrix[i, i]).mean()
    return total / (2 * n)


@given(
    seed=st.integers(0, 1000), n=st.integers(2, 25), chunk=st.integers(1, 30), tied=st.booleans()
)
def test_agrees_with_brute_force_whatever_the_chunks(seed, n, chunk, tied):
    rng = np.random.default_rng(seed)
    draw = (lambda: rng.integers(3, size=(n, 2))) if tied else (lambda: rng.normal(size=(n, 3)))
    z_a, z_b = draw(), draw()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK_ROWS", chunk)
        value = foscttm(z_a, z_b)
    assert value == pytest.approx(brute_force(z_a, z_b))
    assert value == pytest.approx(foscttm(z_b, z_a))


def test_refuses():
    with pytest.raises(ValueError, match=r"same shape, found \(3, 2\) and \(3, 1\)"):
        foscttm(np.zeros((3, 2)), np.zeros((3, 1)))
    with pytest.raises(ValueError, match="two samples"):
        foscttm([[0.0]], [[0.0]])
    with pytest.raises(ValueError, match="z_b contains NaN"):
        foscttm([[0.0], [1.0]], [[0.0], [np.nan]])
    with pytest.raises(TypeError, match=r"z_a is of type AnnData; give an array, such as its \.X"):
        foscttm(anndata.AnnData(np.zeros((3, 2), dtype="float32")), np.zeros((3, 2)))
