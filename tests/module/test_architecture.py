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
        ({"discriminator_hidden": (8, 0)}, "discriminator_hidden=0 must be at least 1"),
        ({"discriminator_hidden": "88"}, "discriminator_hidden='88' must name sizes"),
        ({"linear_models": "no"}, r"linear_models='no' is not known; choose one of \(True, False"),
        ({"n_layers": 1.5}, "n_layers=1.5 must be at least 0, and whole"),
        ({"n_latent": 0}, "n_latent=0 must be at least 1"),
        ({"n_layers": -1}, "n_layers=-1 must be at least 0"),
        ({"n_hidden": 0}, "n_hidden=0 must be at least 1"),
        ({"dropout": 1.0}, "dropout=1.0 must be at least 0 and less than 1"),
        ({"input_dropout": -0.1}, "input_dropout=-0.1 must be at least 0 and less than 1"),
    ],
)
def test_impossible_sizes(sizes, message):
    with pytest.raises(ValueError, match=message):
        Architecture(**sizes)


def test_an_encoder_in_words():
    assert Architecture(n_layers=0).describe_encoder(367) == "linear encoder"
    assert Architecture(n_layers=2, n_hidden=None).describe_encoder(367) == "512 hidden units"
