"""The rule that sizes the default encoders, case by case."""

from __future__ import annotations

import itertools

import pytest

from modis.module import build_architecture, sizes_for

HIDDEN = {"n_layers": 1, "n_components": None}
LINEAR = {"n_layers": 0, "n_components": 50}


@pytest.mark.parametrize(
    ("n_obs", "n_labeled", "n_classes", "expected"),
    [
        # nobody labelled, or nothing to tell apart
        ([200, 300], [0, 0], 0, HIDDEN),
        ([200, 300], [0, 0], 4, HIDDEN),
        ([200, 300], [200, 300], 0, HIDDEN),
        ([200, 300], [200, 300], 1, HIDDEN),
        # the largest modality tells how large the cohort is
        ([2_500], [100], 5, LINEAR),
        ([2_501], [100], 5, HIDDEN),
        ([40, 2_500], [40, 40], 5, LINEAR),
        ([40, 2_501, 60], [40, 40, 40], 5, HIDDEN),
        # whatever the number of labels and classes
        ([300], [300], 2, LINEAR),
        ([300], [300], 40, LINEAR),
        ([2_500], [2_500], 2, LINEAR),
        ([20], [20], 5, LINEAR),
        # every modality must have some
        ([800] * 3, [1, 1, 1], 5, LINEAR),
        ([800] * 3, [800, 0, 800], 5, HIDDEN),
        ([800] * 3, [0, 0, 1], 5, HIDDEN),
    ],
)
def test_the_rule(n_obs, n_labeled, n_classes, expected):
    assert sizes_for(n_obs, n_labeled, n_classes) == expected


def test_every_answer_is_an_architecture():
    sizes = (1, 2, 499, 500, 2_500, 2_501, 100_000)
    for n, labeled, n_classes in itertools.product(sizes, (0, *sizes), (0, 1, 2, 9, 300)):
        chosen = sizes_for([n, 1], [min(n, labeled), 0], n_classes)
        built = build_architecture("default", **chosen)
        assert built.n_layers == chosen["n_layers"]
        assert built.n_components == chosen["n_components"]


@pytest.mark.parametrize(("n_labeled", "expected"), [(5, LINEAR), (0, HIDDEN)])
def test_the_order_of_the_modalities_does_not_matter(n_labeled, expected):
    modalities = [(40, n_labeled), (900, 800), (700, 300), (2_000, 100)]
    for turned in itertools.permutations(modalities):
        n_obs, labeled = zip(*turned, strict=True)
        assert sizes_for(n_obs, labeled, 7) == expected
