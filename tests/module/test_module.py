"""The networks together: sizes, equations 1 and 2, scaling, one to many modalities."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scvi.module.base import LossOutput
from sklearn.metrics import log_loss

from modis._constants import LIKELIHOOD_DOMAINS
from modis.module import ADVERSARIAL, MODISModule, weighted_sum
from modis.module import _losses as losses

from ._make import N_CLASSES, SIZES, SMALL, N, all_labels, make, minibatch


def at_mean(encoded: dict) -> dict:
    """Draws put on the posterior means: both give the same game then."""
    return {name: item._replace(z=item.qz.mean) for name, item in encoded.items()}


def probabilities(logits: torch.Tensor) -> np.ndarray:
    return logits.detach().double().softmax(dim=1).numpy()


def count(*modules: torch.nn.Module) -> int:
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


# sizes


def test_parameters_of_the_paper():
    sizes = {"methylation": 367, "expression": 131, "protein": 160}
    module = MODISModule(sizes, 5, dict.fromkeys(sizes, "gaussian"), architecture="paper")
    autoencoders = {name: count(module.encoders[name], module.decoders[name]) for name in sizes}
    assert autoencoders == {"methylation": 1_531_375, "expression": 382_723, "protein": 397_600}
    assert count(module.discriminator) == 724_744
    assert count(module) == 3_036_442


@pytest.mark.parametrize("sizes", [{"only": 4}, SIZES, {f"omics {i}": i + 2 for i in range(6)}])
def test_any_number_of_modalities(sizes):
    module, batch = make(sizes), minibatch(sizes)
    inferred, generated, output = module(batch)

    assert module.modalities == list(sizes)
    assert module.discriminator.modality_head.out_features == len(sizes)
    for name, n_features in sizes.items():
        assert inferred[name].z.shape == (N, 3)
        assert generated[name].mean.shape == (N, n_features)
    assert isinstance(output, LossOutput)
    output.loss.backward()
    for name in sizes:
        assert module.encoders[name].mean.weight.grad.abs().sum() > 0
        assert module.decoders[name].mean.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("n_classes", [0, 1])
def test_fewer_than_two_classes_build_no_head(n_classes):
    module = make(n_classes=n_classes)
    assert module.n_classes == 0
    with pytest.raises(RuntimeError, match="no class head"):
        module.classify(torch.zeros(2, 3))


def test_unknown_adversarial():
    with pytest.raises(ValueError, match="adversarial='wasserstein' is not known"):
        make(adversarial="wasserstein")


# equation 2


def test_reconstruction_and_kl_are_summed_over_modalities():
    module, batch = make().eval(), minibatch()
    encoded = module.inference(batch)
    terms = module.reconstruction_terms(batch, encoded, module.generative(batch, encoded))

    reconstruction, kl = 0.0, 0.0
    for name, item in encoded.items():
        x_hat = module.decoders[name](item.z).mean
        reconstruction += np.mean((x_hat - item.x_scaled).detach().numpy() ** 2)
        mean, scale = item.qz.mean.detach().numpy(), item.qz.scale.detach().numpy()
        kl += np.mean(0.5 * (mean**2 + scale**2 - 1 - 2 * np.log(scale)).sum(axis=1))

    assert terms["reconstruction"].item() == pytest.approx(reconstruction, rel=1e-5)
    assert terms["kl"].item() == pytest.approx(kl, rel=1e-5)


@pytest.mark.parametrize(("likelihood", "domain"), LIKELIHOOD_DOMAINS.items())
def test_kl_of_counts_weighs_as_in_the_evidence_lower_bound(likelihood, domain):
    """At the paper's weight, 0.016, both terms of counts add up to the bound per feature."""
    sizes = {"rna": 7}
    module, batch = make(sizes, likelihood=likelihood).eval(), minibatch(sizes, domain=domain)
    encoded = module.inference(batch)
    px = module.generative(batch, encoded)
    terms = module.reconstruction_terms(batch, encoded, px)
    kl = losses.kl_to_standard_normal(encoded["rna"].qz).item()
    if domain != "counts":
        assert module.kl_scale("rna") == 1
        assert terms["kl"].item() == pytest.approx(kl, rel=1e-6)
        return
    item, x = encoded["rna"], batch["rna"]["X"]
    likelihoods = module.decoder("rna").log_prob(px["rna"], x, item.x_scaled).sum(dim=1)
    elbo = likelihoods.mean().item() - kl
    total = terms["reconstruction"].item() + 0.016 * terms["kl"].item()
    assert total == pytest.approx(-elbo / 7, rel=1e-5)


def test_kl_of_each_modality_has_its_own_scale():
    likelihood = {"rna": "nb", "protein": "poisson", "methylation": "gaussian"}
    module = MODISModule(SIZES, N_CLASSES, likelihood, **SMALL)
    scales = {name: module.kl_scale(name) for name in SIZES}
    assert scales["methylation"] == 1
    assert scales["rna"] / scales["protein"] == pytest.approx(4 / 7)
    batch = minibatch(domain="counts")
    encoded = module.eval().inference(batch)
    terms = module.reconstruction_terms(batch, encoded, module.generative(batch, encoded))
    expected = sum(
        scales[name] * losses.kl_to_standard_normal(item.qz).item()
        for name, item in encoded.items()
    )
    assert terms["kl"].item() == pytest.approx(expected, rel=1e-5)


# encoders without hidden layers, and on components


@pytest.mark.parametrize("n_layers", [0, 1, 2])
@pytest.mark.parametrize("n_components", [None, 5])
@pytest.mark.parametrize("linear_tail", [False, True])
def test_decoders_keep_a_hidden_block(n_layers, n_components, linear_tail):
    sizes = {"n_layers": n_layers, "n_components": n_components, "linear_tail": linear_tail}
    module = make(**sizes)
    for name, n_features in SIZES.items():
        blocks = [item for item in module.decoders[name].trunk if hasattr(item, "out_features")]
        assert len(blocks) == max(1, n_layers) + linear_tail
        encoder = module.encoders[name]
        linear = [item for item in encoder.trunk if hasattr(item, "out_features")]
        assert len(linear) == n_layers + linear_tail
        seen = 5 if n_components and n_features > 5 else n_features
        assert (linear or [encoder.mean])[0].in_features == seen
    module(minibatch())[2].loss.backward()


def test_components_have_a_dropout_of_their_own():
    module = make(n_components=5, input_dropout=0.1, component_dropout=0.4)
    rates = {name: encoder.input_dropout.p for name, encoder in module.encoders.items()}
    assert rates == {"rna": 0.4, "protein": 0.1, "methylation": 0.1}


def test_reconstruction_weighs_the_samples():
    """A modality whose minibatch has no weights weighs all of its samples alike."""
    module, batch = make().eval(), minibatch()
    weights = {"rna": np.linspace(0.1, 2, N), "protein": np.array([1.0] + [0.0] * (N - 1))}
    for name, values in weights.items():
        batch[name]["row_weights"] = torch.as_tensor(values, dtype=torch.float32)
    encoded = module.inference(batch)
    terms = module.reconstruction_terms(batch, encoded, module.generative(batch, encoded))
    expected = 0.0
    for name, item in encoded.items():
        error = (module.decoders[name](item.z).mean - item.x_scaled).detach().numpy() ** 2
        expected += np.average(error.mean(axis=1), weights=weights.get(name))
    assert terms["reconstruction"].item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("adversarial", ADVERSARIAL)
def test_loss_is_the_weighted_sum_of_its_terms(adversarial):
    module, batch = make(adversarial=adversarial).eval(), minibatch()
    encoded = at_mean(module.inference(batch))
    weights = {"reconstruction": 2.0, "kl": 0.016, "adversarial": 0.5, "clustering": 0.3}
    output = module.loss(batch, encoded, module.generative(batch, encoded), weights)

    z = torch.cat([item.z for item in encoded.values()])
    judged, labels = module.discriminator(z), all_labels(batch)
    modality = torch.arange(3).repeat_interleave(N)
    if adversarial == "relativistic":
        game = losses.relativistic(
            {code: judged.modality[modality == code] for code in range(3)}, generator=True
        )
    else:
        game = losses.adversarial_cross_entropy(judged.modality, modality)
    known = labels >= 0
    expected = {
        "adversarial": game.item(),
        "classification": log_loss(
            labels[known].numpy(), probabilities(judged.classes)[known], labels=range(N_CLASSES)
        ),
        "clustering": losses.clustering(judged.classes.softmax(dim=1), judged.hidden).item(),
    }

    metrics = {name: term.item() for name, term in output.extra_metrics.items()}
    assert set(metrics) == {"reconstruction", "kl", *expected}
    assert {name: metrics[name] for name in expected} == pytest.approx(expected, rel=1e-4)
    total = sum(weights.get(name, 1) * value for name, value in metrics.items())
    assert output.loss.item() == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize("adversarial", ADVERSARIAL)
def test_the_game_pushes_every_encoder(adversarial):
    module, batch = make(adversarial=adversarial), minibatch()
    terms = module.adversarial_terms(module.inference(batch), all_labels(batch), {})
    terms["adversarial"].backward()
    for name in SIZES:
        assert module.encoders[name].mean.weight.grad.abs().sum() > 1e-6


@pytest.mark.parametrize("adversarial", ADVERSARIAL)
def test_equal_weights_change_nothing(adversarial):
    module, batch = make(adversarial=adversarial).eval(), minibatch()
    plain = at_mean(module.inference(batch))
    for tensors in batch.values():
        tensors["row_weights"] = torch.full((N,), 0.3)
    weighted = at_mean(module.inference(batch))
    for terms in (module.discriminator_terms, module.adversarial_terms):
        expected = terms(plain, all_labels(batch), {"gradient_penalty": 1.0})
        found = terms(weighted, all_labels(batch), {"gradient_penalty": 1.0})
        assert found.keys() == expected.keys()
        for name in found:
            torch.testing.assert_close(found[name], expected[name])


def test_rows_of_weight_zero_do_not_play():
    module, batch = make().eval(), minibatch()
    kept = {name: {k: v[:4] for k, v in tensors.items()} for name, tensors in batch.items()}
    for tensors in batch.values():
        tensors["row_weights"] = (torch.arange(N) < 4).float()
    for side, game in (("discriminator_terms", "modality"), ("adversarial_terms", "adversarial")):
        expected, found = (
            getattr(module, side)(at_mean(module.inference(data)), all_labels(data), {})[game]
            for data in (kept, batch)
        )
        torch.testing.assert_close(found, expected)


def test_unlabelled_samples_do_not_classify():
    module, batch = make(), minibatch(labels=-1)
    encoded = module.inference(batch)
    terms = module.adversarial_terms(encoded, all_labels(batch), {})
    assert terms["classification"].item() == 0
    assert module.discriminator_terms(encoded, all_labels(batch), {})["classification"].item() == 0


def test_labels_follow_the_order_of_the_minibatch():
    """Each modality's samples meet their own labels, whatever the order of the modalities."""
    module, batch = make().eval(), minibatch()
    turned = dict(reversed(batch.items()))
    values = []
    for tensors in (batch, turned):
        encoded = at_mean(module.inference(tensors))
        terms = module.adversarial_terms(encoded, all_labels(tensors), {})
        values.append({name: term.item() for name, term in terms.items()})
    assert values[0] == pytest.approx(values[1], rel=1e-5)


def test_a_minibatch_may_lack_a_modality():
    module, batch = make().eval(), minibatch()
    del batch["protein"]
    encoded = at_mean(module.inference(batch))
    terms = module.discriminator_terms(encoded, all_labels(batch), {})
    logits = module.discriminator(torch.cat([item.z for item in encoded.values()])).modality
    expected = log_loss([0] * N + [2] * N, probabilities(logits), labels=range(3))
    assert terms["modality"].item() == pytest.approx(expected, rel=1e-5)


# equation 1


def test_discriminator_terms():
    module, batch = make(), minibatch()
    encoded = at_mean(module.inference(batch))
    labels = all_labels(batch)
    terms = module.discriminator_terms(
        encoded, labels, {"clustering": 1.0, "gradient_penalty": 1.0}
    )

    z = torch.cat([item.z for item in encoded.values()]).detach()
    judged, known = module.discriminator(z), (labels >= 0).numpy()
    modality = np.repeat(range(3), N)
    expected = {
        "modality": log_loss(modality, probabilities(judged.modality)),
        "classification": log_loss(labels[known], probabilities(judged.classes)[known]),
        "clustering": losses.clustering(judged.classes.softmax(dim=1), judged.hidden).item(),
        "gradient_penalty": losses.gradient_penalty(
            lambda points: module.discriminator(points).modality, z
        ).item(),
    }
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected, rel=1e-4)


def test_discriminator_terms_leave_the_encoders_alone():
    module, batch = make(), minibatch()
    weights = {"clustering": 1.0, "gradient_penalty": 1.0}
    terms = module.discriminator_terms(module.inference(batch), all_labels(batch), weights)
    weighted_sum(terms, {}).backward()
    assert all(parameter.grad is None for parameter in module.encoders.parameters())
    for name, parameter in module.discriminator.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(
    ("weights", "names"),
    [
        ({"clustering": 0.0, "gradient_penalty": 0.0}, set()),
        ({"clustering": 0.1, "gradient_penalty": 0.0}, {"clustering"}),
        ({"clustering": 0.0, "gradient_penalty": 0.1}, {"gradient_penalty"}),
    ],
)
def test_costly_terms_are_computed_only_with_a_weight(weights, names):
    module, batch = make(), minibatch()
    terms = module.discriminator_terms(module.inference(batch), all_labels(batch), weights)
    assert set(terms) == {"modality", "classification"} | names


@pytest.mark.parametrize(
    ("sizes", "n_classes", "first", "second"),
    [
        ({"rna": 7}, 3, {"classification"}, {"classification"}),
        ({"rna": 7}, 0, set(), set()),
        (SIZES, 0, {"modality"}, {"adversarial"}),
    ],
)
def test_terms_that_have_nothing_to_say_are_left_out(sizes, n_classes, first, second):
    module, batch = make(sizes, n_classes), minibatch(sizes)
    encoded, labels = module.inference(batch), all_labels(batch)
    weights = {"clustering": 0.0, "gradient_penalty": 1.0}
    game = set() if len(sizes) == 1 else {"gradient_penalty"}
    assert set(module.discriminator_terms(encoded, labels, weights)) == first | game
    assert set(module.adversarial_terms(encoded, labels, weights)) == second


@pytest.mark.parametrize(("given", "follows_draws"), [("mean", False), ("draw", True)])
def test_what_the_discriminator_is_given(given, follows_draws):
    module, batch = make(discriminator_input=given).eval(), minibatch()
    encoded, labels = module.inference(batch), all_labels(batch)
    moved = {name: item._replace(z=item.z + 1) for name, item in encoded.items()}
    for terms in (module.discriminator_terms, module.adversarial_terms):
        for name, term in terms(encoded, labels, {}).items():
            same = torch.equal(term, terms(moved, labels, {})[name])
            assert same is not follows_draws


# units


def test_counts_are_explained_at_the_depth_of_their_own_sample():
    module, batch = make(likelihood="poisson"), minibatch(domain="counts")
    for name, px in module.generative(batch, module.inference(batch)).items():
        torch.testing.assert_close(px.rate.sum(dim=1), batch[name]["X"].sum(dim=1))


@pytest.mark.parametrize(("likelihood", "domain"), LIKELIHOOD_DOMAINS.items())
def test_every_likelihood_trains_and_stays_in_its_domain(likelihood, domain):
    module, batch = make(likelihood=likelihood), minibatch(domain=domain)
    for name, tensors in batch.items():
        module.fit_scaler(name, [tensors["X"].numpy()])
    inferred, _, output = module(batch)
    output.loss.backward()
    assert torch.isfinite(output.loss)
    assert all(torch.isfinite(p.grad).all() for p in module.parameters() if p.grad is not None)

    translated = module.decode("protein", inferred["rna"].z)
    assert translated.shape == (N, SIZES["protein"])
    if domain != "real":
        assert (translated >= 0).all()
    if domain in {"unit", "binary"}:
        assert (translated <= 1).all()


def test_decoders_see_the_batch():
    module = make(n_batch=2)
    z = torch.randn(N, 3)
    module.eval()
    codes = [torch.full((N,), code) for code in (0, 1)]
    first, second = (module.decode("rna", z, batch) for batch in codes)
    assert not torch.allclose(first, second)


# classes


def test_classify_gives_probabilities():
    module, z = make(), torch.randn(N, 3)
    probability = module.classify(z)
    assert probability.shape == (N, N_CLASSES)
    torch.testing.assert_close(probability.sum(dim=1), torch.ones(N))
    logits = module.discriminator(z).classes
    np.testing.assert_allclose(probability.detach(), probabilities(logits), rtol=1e-5)
