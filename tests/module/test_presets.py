from dataclasses import asdict, replace

import pytest

from modis.module import LOSS_WEIGHTS, PRESETS, TERMS, Architecture, Preset


@pytest.mark.parametrize("weights", [LOSS_WEIGHTS, *(p.loss_weights for p in PRESETS.values())])
def test_every_term_has_a_weight_and_every_weight_a_term(weights):
    assert weights.keys() == TERMS.keys()


def test_batch_sizes_and_epochs():
    usual, paper = PRESETS["default"], PRESETS["paper"]
    sizes = {n: usual.batch_size(n) for n in (1, 2_000, 2_001, 20_000, 20_001, 10**6)}
    assert list(sizes.values()) == [64, 64, 128, 128, 256, 256]
    epochs = {steps: usual.n_epochs(steps) for steps in (1, 2, 7, 60, 61, 10**5)}
    assert epochs == {1: 400, 2: 300, 7: 86, 60: 10, 61: 10, 10**5: 10}
    # eight times 500 observations take four times as many steps
    by_size = {n: usual.n_epochs(60, n) for n in (1, 500, 4_000)}
    assert by_size == {1: 10, 500: 10, 4_000: 40}
    assert {paper.batch_size(n) for n in (1, 10**6)} == {32}
    assert {paper.n_epochs(steps) for steps in (1, 10**5)} == {20}


def test_the_paper_trains_as_it_says():
    paper = PRESETS["paper"]
    terms = ["reconstruction", "adversarial", "modality", "classification", "clustering"]
    weights = {name: weight for name, weight in paper.loss_weights.items() if weight}
    assert weights == dict.fromkeys(terms, 1.0) | {"kl": 0.016}
    assert (paper.lr, paper.lr_discriminator, paper.train_size) == (1e-4, 1e-4, 1.0)
    assert not paper.decay_lr
    assert not paper.balance_classes
    assert not paper.architecture.linear_models


def test_terms_without_a_weight_are_off_and_unknown_ones_refused():
    own = Preset("mine", loss_weights={"kl": 0.1})
    assert own.loss_weights == dict.fromkeys(TERMS, 0.0) | {"kl": 0.1}
    with pytest.raises(ValueError, match=r"names \['adversary'\]; the terms are \['adversarial'"):
        replace(own, loss_weights={"adversary": 1.0})


def test_a_preset_is_found_by_name_and_unknown_names_list_the_known_ones():
    assert Preset.find("paper") is Preset.find(PRESETS["paper"]) is PRESETS["paper"]
    with pytest.raises(
        ValueError, match=r"'deep' is not known; choose one of \['default', 'paper'\]"
    ):
        Preset.find("deep")


@pytest.mark.parametrize("name", PRESETS)
def test_sizes_change_only_what_they_name(name):
    preset = PRESETS[name]
    changed = preset.with_sizes(n_latent=7, dropout=0.4, scaling=None)
    sizes = asdict(preset.architecture) | {"n_latent": 7, "dropout": 0.4}
    assert asdict(changed) == asdict(preset) | {"architecture": sizes}
    assert str(changed) == f"'{name}' with n_latent=7, dropout=0.4"
    assert str(preset) == f"'{name}'"


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
