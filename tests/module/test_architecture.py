"""Named architectures and what may be changed about them."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, asdict

import pytest

from modis.module import ARCHITECTURES, Architecture, build_architecture
from modis.nn import BlockStyle


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_named_architecture_as_it_stands(name):
    assert build_architecture(name) == ARCHITECTURES[name]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_overrides_change_only_what_they_name(name):
    built = build_architecture(name, n_latent=7, dropout=0.4, scaling=None)
    assert asdict(built) == asdict(ARCHITECTURES[name]) | {"n_latent": 7, "dropout": 0.4}


def test_the_papers():
    paper = build_architecture("paper")
    assert [paper.hidden_units(n) for n in (367, 131, 160)] == [512, 256, 256]
    assert (paper.n_latent, paper.discriminator_hidden) == (64, (1024, 512, 256))
    assert paper.style == BlockStyle(norm="batch", dropout=0.0, negative_slope=0.2)
    assert (paper.scaling, paper.input_dropout) == ("minmax", 0.0)


@pytest.mark.parametrize("n_features", [1, 2, 3, 4, 5, 64, 65, 511, 512, 513, 1024, 1025, 30_000])
def test_hidden_units_follow_the_features(n_features):
    powers = [2**k for k in range(11)]
    expected = next((power for power in powers if power >= n_features), 1024)
    assert Architecture(n_hidden=None).hidden_units(n_features) == expected
    assert Architecture(n_hidden=17).hidden_units(n_features) == 17


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"scaling": "robust"}, "scaling='robust' is not known"),
        ({"discriminator_input": "sample"}, "'sample' must be 'mean' or 'draw'"),
        ({"n_latent": 0}, "n_latent=0 must be at least 1"),
        ({"n_layers": -1}, "n_layers=-1 must be at least 0"),
        ({"n_hidden": 0}, "n_hidden=0 must be at least 1"),
        ({"n_components": 0}, "n_components=0 must be at least 1"),
        ({"component_dropout": 1.0}, r"component_dropout=1.0 must be at least 0 and less than 1"),
        ({"dropout": 1.0}, r"dropout=1.0 must be at least 0 and less than 1"),
        ({"input_dropout": -0.1}, r"input_dropout=-0.1 must be at least 0 and less than 1"),
    ],
)
def test_impossible_sizes(override, message):
    with pytest.raises(ValueError, match=message):
        build_architecture("default", **override)


@pytest.mark.parametrize(
    ("n_components", "n_features", "expected"),
    [(None, 30, None), (20, 30, 20), (29, 30, 29), (30, 30, None), (50, 30, None), (1, 1, None)],
)
def test_components_only_where_there_are_more_features(n_components, n_features, expected):
    assert Architecture(n_components=n_components).components(n_features) == expected


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        ({"n_layers": 0, "n_components": 20}, "linear encoder on 20 principal components"),
        ({"n_layers": 0, "n_components": 400}, "linear encoder"),
        ({"n_layers": 0}, "linear encoder"),
        ({"n_layers": 1, "n_hidden": 8}, "8 hidden units"),
        ({"n_layers": 2, "n_hidden": None}, "512 hidden units"),
        (
            {"n_layers": 1, "n_hidden": 8, "n_components": 3},
            "8 hidden units on 3 principal components",
        ),
    ],
)
def test_an_encoder_in_words(sizes, text):
    assert Architecture(**sizes).describe_encoder(367) == text


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(
        ValueError, match=r"'deep' is not known; choose one of \['default', 'paper'\]"
    ):
        build_architecture("deep")


def test_unknown_argument_is_named():
    with pytest.raises(TypeError, match=r"'n_hiden'.*n_hidden"):
        build_architecture("default", n_hiden=3)


def test_shared_architectures_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        ARCHITECTURES["default"].n_latent = 3
