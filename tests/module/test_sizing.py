"""The rule that sizes the default encoders, case by case."""

from __future__ import annotations

import itertools

import pytest

from modis.module import build_architecture, sizes_for

HIDDEN = {"n_layers": 1, "n_components": None}
LINEAR = {"n_layers": 0, "n_components": 50}


@pytest.mark.parametrize(
    ("n_obs", "n_labeled", "expected"),
    [
        # nobody labelled, or nothing to tell apart
        ([200, 300], [[], []], HIDDEN),
        ([200, 300], [[0, 0], [0, 0]], HIDDEN),
        ([200, 300], [[200], [300]], HIDDEN),
        # the largest modality tells how large the cohort is
        ([2_500], [[50, 50]], LINEAR),
        ([2_501], [[50, 50]], HIDDEN),
        ([40, 2_500], [[20, 20], [20, 20]], LINEAR),
        ([40, 2_501, 60], [[20, 20]] * 3, HIDDEN),
        # whatever the number of labels and classes
        ([2_500], [[1_250, 1_250]], LINEAR),
        ([300], [[7] * 40], LINEAR),
        ([20], [[1, 1, 1]], LINEAR),
        # every modality must have some of every class
        ([800] * 3, [[1, 1], [400, 1], [1, 400]], LINEAR),
        ([800] * 3, [[400, 400], [0, 0], [400, 400]], HIDDEN),
        ([800] * 3, [[400, 400], [400, 0], [400, 400]], HIDDEN),
        # but a handful of samples of a class do not decide over a cohort
        ([800] * 3, [[400, 4], [400, 0], [400, 0]], LINEAR),
        ([800] * 3, [[400, 5], [400, 0], [400, 0]], HIDDEN),
    ],
)
def test_the_rule(n_obs, n_labeled, expected):
    assert sizes_for(n_obs, n_labeled) == expected


def test_every_answer_is_an_architecture():
    sizes = (1, 2, 499, 500, 2_500, 2_501, 100_000)
    for n, labeled, n_classes in itertools.product(sizes, (0, 1, 400), (0, 1, 2, 9, 300)):
        chosen = sizes_for([n, 1], [[labeled] * n_classes, [1] * n_classes])
        built = build_architecture("default", **chosen)
        assert built.n_layers == chosen["n_layers"]
        assert built.n_components == chosen["n_components"]


@pytest.mark.parametrize(("n_labeled", "expected"), [(5, LINEAR), (0, HIDDEN)])
def test_the_order_of_modalities_and_classes_does_not_matter(n_labeled, expected):
    modalities = [(40, (n_labeled, 9)), (900, (700, 90)), (700, (9, 99)), (2_000, (8, 8))]
    for turned in itertools.permutations(modalities):
        n_obs, labeled = zip(*turned, strict=True)
        assert sizes_for(n_obs, labeled) == expected
        assert sizes_for(n_obs, [counts[::-1] for counts in labeled]) == expected
