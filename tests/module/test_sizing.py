"""The rule that sizes the default encoders, case by case."""

from __future__ import annotations

import itertools

import pytest

from modis.module import build_architecture, sizes_for

HIDDEN = {"n_layers": 1, "n_components": None}


def linear(n_components: int) -> dict[str, int]:
    return {"n_layers": 0, "n_components": n_components}


@pytest.mark.parametrize(
    ("n_obs", "n_labeled", "n_classes", "expected"),
    [
        # nobody labelled, or nothing to tell apart
        ([200, 300], [0, 0], 0, HIDDEN),
        ([200, 300], [0, 0], 4, HIDDEN),
        ([200, 300], [200, 300], 0, HIDDEN),
        ([200, 300], [200, 300], 1, HIDDEN),
        # the largest modality tells how large the cohort is
        ([2_500], [100], 5, linear(20)),
        ([2_501], [100], 5, HIDDEN),
        ([40, 2_500], [40, 40], 5, linear(20)),
        ([40, 2_501, 60], [40, 40, 40], 5, HIDDEN),
        # few labels: four components per class, within bounds
        ([300], [300], 2, linear(20)),
        ([300], [300], 5, linear(20)),
        ([300], [300], 6, linear(24)),
        ([300], [300], 12, linear(48)),
        ([300], [300], 13, linear(50)),
        ([300], [300], 40, linear(50)),
        # enough labels: all 50
        ([499], [499], 5, linear(20)),
        ([500], [500], 5, linear(50)),
        ([2_500], [2_500], 2, linear(50)),
        # the median of the modalities that have any label
        ([800] * 3, [10, 600, 700], 5, linear(50)),
        ([800] * 3, [10, 20, 700], 5, linear(20)),
        ([800] * 3, [0, 0, 700], 5, linear(50)),
        ([800] * 3, [0, 400, 598], 5, linear(20)),
        ([800] * 3, [0, 400, 600], 5, linear(50)),
        ([800] * 3, [0, 0, 1], 5, linear(20)),
    ],
)
def test_the_rule(n_obs, n_labeled, n_classes, expected):
    assert sizes_for(n_obs, n_labeled, n_classes) == expected


def test_every_answer_is_an_architecture_and_within_bounds():
    sizes = (1, 2, 499, 500, 2_500, 2_501, 100_000)
    for n, labeled, n_classes in itertools.product(sizes, (0, *sizes), (0, 1, 2, 9, 300)):
        chosen = sizes_for([n, 1], [min(n, labeled), 0], n_classes)
        built = build_architecture("default", **chosen)
        assert built.n_layers == chosen["n_layers"]
        assert built.n_components == chosen["n_components"]
        if not chosen["n_layers"]:
            assert 20 <= chosen["n_components"] <= 50
            assert type(chosen["n_components"]) is int


def test_the_order_of_the_modalities_does_not_matter():
    for turned in itertools.permutations([(40, 0), (900, 800), (700, 300), (2_000, 100)]):
        n_obs, n_labeled = zip(*turned, strict=True)
        assert sizes_for(n_obs, n_labeled, 7) == linear(28)
