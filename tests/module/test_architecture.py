"""Sizes of the networks: what follows from them, and which are impossible."""

import pytest

from modis.module import Architecture


@pytest.mark.parametrize("n_features", [1, 2, 3, 64, 65, 512, 513, 1024, 1025, 30_000])
def test_hidden_units_follow_the_features(n_features):
    powers = [2**k for k in range(11)]
    expected = next((power for power in powers if power >= n_features), 1024)
    assert Architecture(n_hidden=None).hidden_units(n_features) == expected
    assert Architecture(n_hidden=17).hidden_units(n_features) == 17


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"scaling": "robust"}, "scaling='robust' is not known"),
        ({"norm": "group"}, "norm='group' is not known"),
        (
            {"discriminator_input": "sample"},
            r"'sample' is not known; choose one of \('mean', 'draw'\)",
        ),
        ({"discriminator_hidden": ()}, r"discriminator_hidden=\(\) must name sizes"),
        ({"discriminator_hidden": (8, 0)}, r"discriminator_hidden=\(8, 0\) must name sizes"),
        ({"n_latent": 0}, "n_latent=0 must be at least 1"),
        ({"n_layers": -1}, "n_layers=-1 must be at least 0"),
        ({"n_hidden": 0}, "n_hidden=0 must be at least 1"),
        ({"n_components": 0}, "n_components=0 must be at least 1"),
        ({"component_dropout": 1.0}, "component_dropout=1.0 must be at least 0 and less than 1"),
        ({"dropout": 1.0}, "dropout=1.0 must be at least 0 and less than 1"),
        ({"input_dropout": -0.1}, "input_dropout=-0.1 must be at least 0 and less than 1"),
    ],
)
def test_impossible_sizes(sizes, message):
    with pytest.raises(ValueError, match=message):
        Architecture(**sizes)


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        ({"n_layers": 0, "n_components": 20}, "linear encoder on 20 principal components"),
        ({"n_layers": 0, "n_components": 366}, "linear encoder on 366 principal components"),
        ({"n_layers": 0, "n_components": 367}, "linear encoder"),
        ({"n_layers": 0, "n_components": 400}, "linear encoder"),
        ({"n_layers": 2, "n_hidden": None}, "512 hidden units"),
        ({"n_hidden": 8, "n_components": 3}, "8 hidden units on 3 principal components"),
    ],
)
def test_an_encoder_in_words(sizes, text):
    assert Architecture(**sizes).describe_encoder(367) == text
