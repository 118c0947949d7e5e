import numpy as np
import pytest

from modis.linear import fit_alarm


def _cohort(rng, n, shift=0.0):
    """Three classes that differ along a few of forty correlated features."""
    codes = rng.integers(0, 3, n)
    centers = 4 * np.eye(3, 40)
    own = rng.normal(size=(n, 5)) @ np.random.default_rng(1).normal(size=(5, 40))
    return centers[codes] + own + rng.normal(size=(n, 40)) + shift, codes


@pytest.mark.parametrize("with_probability", [True, False])
def test_genuine_samples_are_flagged_as_often_as_promised(rng, with_probability):
    flagged = []
    for _ in range(4):
        x, codes = _cohort(rng, 200)
        new, _ = _cohort(rng, 500)
        said, then = (rng.beta(5, 1, len(each)) for each in (x, new))
        alarm, _ = fit_alarm(x, codes, said if with_probability else None)
        p_values = alarm(new, then if with_probability else None)
        assert 0 < p_values.min() <= p_values.max() <= 1
        flagged.append([(p_values <= level).mean() for level in (0.05, 0.2, 0.5)])
    low, middle, high = np.mean(flagged, axis=0)
    assert 0.03 < low < 0.07
    assert 0.15 < middle < 0.25
    assert 0.42 < high < 0.58


def test_components_that_fit_few_rows_closely_flag_little_more(rng):
    flagged = []
    for _ in range(8):
        x, new = np.split(rng.normal(1_000, 1, (260, 400)).astype(np.float32), [60])  # not scaled
        p_values = fit_alarm(x, rng.integers(0, 2, len(x)), None)[0](new, None)
        flagged.append((p_values <= 0.3).mean())
    # with five folds, 0.55
    assert 0.25 < np.mean(flagged) < 0.45


def test_strange_samples_are_found(rng):
    x, codes = _cohort(rng, 300)
    alarm, new = fit_alarm(x, codes, None)[0], _cohort(rng, 100)[0]
    strange = {
        "an unknown class": new + 12 * np.eye(5, 40)[4],
        "other units": 10 * new,
        "shuffled": rng.permuted(new, axis=1),
        "nothing": np.zeros_like(new) + new.mean(axis=0),
        "noise": rng.normal(size=new.shape, scale=new.std()),
    }
    for name, rows in strange.items():
        assert (alarm(rows, None) <= 0.05).mean() > 0.9, name


def test_rows_that_are_alike_and_rare_classes(rng):
    for x in (np.zeros((20, 4)), rng.normal(size=(12, 300))):
        alarm, _ = fit_alarm(x, np.arange(len(x)) % 7, None)
        assert np.isfinite(alarm(x + 1, None)).all()
