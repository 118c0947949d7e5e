"""Terms on translations, against loops over samples: translation, feature links, cycle."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cosine
from sklearn.metrics import log_loss

from modis._constants import LIKELIHOOD_DOMAINS
from modis.data import LinkPair
from modis.module import MODISModule
from modis.nn import SCALINGS

from ._make import N_CLASSES, SIZES, N, make, minibatch

TWO = {"rna": 7, "protein": 4}
#: Links of SIZES; methylation and protein have none between them.
LINKS = {
    ("rna", "protein"): LinkPair(
        np.array([0, 3, 3, 6]), np.array([2, 0, 2, 1]), np.float32([1, -2, 0.5, 1])
    ),
    ("rna", "methylation"): LinkPair(
        np.array([1, 2, 5, 5]), np.array([4, 1, 0, 3]), np.float32([-1, -1, 1, -3])
    ),
}
PAIR = {("rna", "protein"): LINKS["rna", "protein"]}


def fitted(batch, **kwargs) -> MODISModule:
    """Networks in use that know the scaling of the minibatch."""
    module = make({name: tensors["X"].shape[1] for name, tensors in batch.items()}, **kwargs)
    for name, tensors in batch.items():
        module.fit_scaler(name, [tensors["X"].numpy()])
    return module.eval()


def guided(module, batch, encoded=None, **weights) -> dict[str, torch.Tensor]:
    encoded = module.inference(batch) if encoded is None else encoded
    return module.guided_terms(batch, encoded, module.generative(batch, encoded), weights)


def learning(networks: torch.nn.ModuleDict) -> set[str]:
    """Modalities of which a weight has a gradient."""
    return {
        name
        for name, network in networks.items()
        if any(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
    }


# translation


def one_of_each_class(sizes, domain="real", seed=0) -> dict:
    """One sample of each class per modality, in another order: so every mate is certain."""
    batch, rng = minibatch(sizes, domain=domain), np.random.default_rng(seed)
    for tensors in batch.values():
        for key in tensors:
            tensors[key] = tensors[key][: N_CLASSES + 1]
        tensors["labels"] = torch.as_tensor(rng.permutation(range(-1, N_CLASSES)))
    return batch


def translation_by_hand(module, batch, encoded, source, target) -> float:
    decoder, per_sample, weights = module.decoders[target], [], []
    for row, code in enumerate(batch[source]["labels"].tolist()):
        if code < 0:
            continue
        mate = [batch[target]["labels"].tolist().index(code)]
        library = None if encoded[target].library is None else encoded[target].library[mate]
        px = decoder(encoded[source].z[[row]], library=library)
        x, x_scaled = batch[target]["X"][mate], encoded[target].x_scaled[mate]
        per_sample.append(decoder.loss(px, x, x_scaled).item())
        weights.append(
            batch[source]["row_weights"][row].item() if "row_weights" in batch[source] else 1
        )
    return np.average(per_sample, weights=weights)


@pytest.mark.parametrize(("likelihood", "domain"), LIKELIHOOD_DOMAINS.items())
def test_translation_is_held_against_a_sample_of_the_class(likelihood, domain):
    module, batch = make(TWO, likelihood=likelihood).eval(), one_of_each_class(TWO, domain)
    encoded = module.inference(batch)
    expected = sum(
        translation_by_hand(module, batch, encoded, source, target)
        for source, target in (("rna", "protein"), ("protein", "rna"))
    )
    assert module.translation_term(batch, encoded).item() == pytest.approx(expected, rel=1e-4)


def test_every_direction_is_drawn_in_turn():
    module, batch = make().eval(), one_of_each_class(SIZES)
    encoded, names = module.inference(batch), list(SIZES)
    by_shift = [
        sum(
            translation_by_hand(module, batch, encoded, source, names[(i + shift) % 3])
            for i, source in enumerate(names)
        )
        for shift in (1, 2)
    ]
    drawn = [module.translation_term(batch, encoded).item() for _ in range(20)]
    hits = [[value == pytest.approx(wanted, rel=1e-4) for wanted in by_shift] for value in drawn]
    assert all(sum(hit) == 1 for hit in hits)
    assert all(np.any(hits, axis=0))


def test_only_decoders_learn_from_translation():
    module, batch = make(), minibatch()
    module.translation_term(batch, module.inference(batch)).backward()
    assert all(parameter.grad is None for parameter in module.encoders.parameters())
    for name in SIZES:
        assert module.decoders[name].mean.weight.grad.abs().sum() > 0


def test_nothing_labelled_nothing_translated():
    module, batch = make(), minibatch(labels=-1)
    assert module.translation_term(batch, module.inference(batch)).item() == 0
    output = module.loss(*[batch, *module(batch)[:2]], {"translation": 1.0})
    assert output.extra_metrics["translation"].item() == 0
    output.loss.backward()


@pytest.mark.parametrize(
    ("sizes", "n_classes", "weight", "translated"),
    [
        (SIZES, N_CLASSES, 1.0, True),
        (SIZES, N_CLASSES, 0.0, False),
        (SIZES, 0, 1.0, False),
        ({"rna": 7}, N_CLASSES, 1.0, False),
    ],
)
def test_when_translation_is_a_term(sizes, n_classes, weight, translated):
    module, batch = make(sizes, n_classes), minibatch(sizes)
    inferred, generated = module(batch, compute_loss=False)
    output = module.loss(batch, inferred, generated, {"translation": weight})
    assert ("translation" in output.extra_metrics) is translated


def test_translation_weighs_the_samples_of_the_source():
    module, batch = make(TWO).eval(), one_of_each_class(TWO)
    for tensors in batch.values():
        tensors["row_weights"] = torch.tensor([0.2, 3.0, 1.0, 0.5])
    encoded = module.inference(batch)
    expected = sum(
        translation_by_hand(module, batch, encoded, source, target)
        for source, target in (("rna", "protein"), ("protein", "rna"))
    )
    assert module.translation_term(batch, encoded).item() == pytest.approx(expected, rel=1e-4)


def believes(logits: list[float], **kwargs) -> MODISModule:
    """Networks that give every sample the same class probabilities."""
    module = make(TWO, **kwargs).eval()
    head = module.discriminator.class_head
    with torch.no_grad():
        head.weight.zero_()
        head.bias.copy_(torch.tensor(logits))
    return module


@pytest.mark.parametrize(("probability", "translated"), [(0.97, True), (0.8, False)])
def test_unlabelled_samples_are_translated_once_their_class_is_sure(probability, translated):
    other = np.log((1 - probability) / 2)
    module = believes([other, np.log(probability), other])
    batch = minibatch(TWO, labels=-1)
    # a single sample of the class, so that the mate is certain; nothing of the class in return
    batch["protein"]["labels"] = torch.tensor([2, 0, 0, 0, 1, 2, 2, 0, 0])
    encoded = module.inference(batch)
    decoder = module.decoders["protein"]
    x, x_scaled = batch["protein"]["X"][[4]], encoded["protein"].x_scaled[[4]]
    expected = decoder.loss(decoder(encoded["rna"].z), x, x_scaled).mean().item()
    term = module.translation_term(batch, encoded).item()
    assert term == pytest.approx(expected if translated else 0, rel=1e-5)


def test_a_label_counts_more_than_what_the_model_believes():
    module, batch = believes([9.0, 0.0, 0.0]), minibatch(TWO)
    batch["rna"]["labels"] = torch.full((N,), 1)
    batch["protein"]["labels"] = torch.full((N,), 2)
    assert module.translation_term(batch, module.inference(batch)).item() == 0


def test_who_is_sure_is_no_matter_of_gradients():
    module, batch = believes([9.0, 0.0, 0.0]), minibatch(TWO, labels=-1)
    term = module.translation_term(batch, module.inference(batch))
    term.backward()
    assert term.item() > 0
    assert learning(module.decoders) == set(TWO)
    assert learning(module.encoders) == set()
    assert all(parameter.grad is None for parameter in module.discriminator.parameters())


def test_mates_are_drawn_as_often_as_their_weights_say():
    """Mates of weight almost 0 are almost never drawn."""
    module, batch = make(TWO).eval(), minibatch(TWO, labels=1)
    batch["protein"]["row_weights"] = torch.full((N,), 1e-9)
    batch["protein"]["row_weights"][3] = 1.0
    # nothing in the other direction
    module.decoders["rna"].loss = lambda px, x, x_scaled: torch.zeros(len(x))
    encoded, decoder = module.inference(batch), module.decoders["protein"]
    x, x_scaled = batch["protein"]["X"][[3]], encoded["protein"].x_scaled[[3]]
    expected = decoder.loss(decoder(encoded["rna"].z), x, x_scaled).mean().item()
    assert module.translation_term(batch, encoded).item() == pytest.approx(expected, rel=1e-5)


# scaled means


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize(("likelihood", "domain"), LIKELIHOOD_DOMAINS.items())
def test_a_translation_is_seen_as_data_with_its_values_would_be(likelihood, domain, scaling):
    batch = minibatch(domain=domain)
    module = fitted(batch, likelihood=likelihood, scaling=scaling)
    encoded = module.inference(batch)
    for name in SIZES:
        px = module.decoders[name](encoded["rna"].z)
        decoded = module.decode(name, encoded["rna"].z)
        seen = module.encode(name, decoded).x_scaled
        torch.testing.assert_close(module.scaled_mean(name, px), seen, rtol=1e-4, atol=1e-5)


# feature links


def standardised(x: torch.Tensor, like: torch.Tensor) -> np.ndarray:
    """In units of what the scaling was fitted to."""
    x, like = x.detach().numpy().astype(float), like.numpy().astype(float)
    spread = like.std(axis=0)
    return (x - like.mean(axis=0)) / np.where(spread > 0, spread, 1)


def link_by_hand(encoded, source, target, translated) -> np.ndarray:
    """One minus the cosine over linked features, per sample."""
    if (source, target) in LINKS:
        source_ends, target_ends, weight = vars(LINKS[source, target]).values()
    else:
        target_ends, source_ends, weight = vars(LINKS[target, source]).values()
    x = standardised(encoded[source].x_scaled, encoded[source].x_scaled)
    told = standardised(translated, encoded[target].x_scaled)
    linked = sorted(set(target_ends.tolist()))
    predicted = np.zeros((len(x), len(linked)))
    for column, feature in enumerate(linked):
        total = sum(abs(w) for w, end in zip(weight, target_ends, strict=True) if end == feature)
        for start, end, w in zip(source_ends, target_ends, weight, strict=True):
            if end == feature:
                predicted[:, column] += w / total * x[:, start]
    return np.array([cosine(predicted[row], told[row, linked]) for row in range(len(x))])


DIRECTIONS = [*LINKS, *[(b, a) for a, b in LINKS]]


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize(("likelihood", "domain"), LIKELIHOOD_DOMAINS.items())
def test_link_term_is_the_mean_over_the_linked_directions(likelihood, domain, scaling):
    batch = minibatch(domain=domain)
    module = fitted(batch, likelihood=likelihood, scaling=scaling, links=LINKS)
    encoded = module.inference(batch)
    by_hand = []
    for source, target in DIRECTIONS:
        px = module.decoders[target](encoded[source].z)
        translated = module.scaled_mean(target, px)
        expected = link_by_hand(encoded, source, target, translated)
        found = module.link_loss(source, target, encoded[source], translated)
        np.testing.assert_allclose(found.detach(), expected, rtol=1e-3, atol=1e-4)
        by_hand.append(expected.mean())
    terms = guided(module, batch, encoded, link=1.0)
    assert set(terms) == {"link"}
    assert terms["link"].item() == pytest.approx(np.mean(by_hand), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize(("factor", "expected"), [(1.0, 0.0), (0.1, 0.0), (-1.0, 2.0)])
def test_link_term_is_zero_when_translations_are_what_the_links_predict(
    monkeypatch, scaling, factor, expected
):
    batch = minibatch()
    for tensors in batch.values():
        tensors["X"] = 20 + 5 * tensors["X"]
    module = fitted(batch, scaling=scaling, links=PAIR)
    encoded = module.inference(batch)

    def obedient(target, px):
        source = "rna" if target == "protein" else "protein"
        x = module.scaler(source).standardize(encoded[source].x_scaled)
        links, scaled = module.link_maps[source, target], encoded[target].x_scaled
        wanted = torch.zeros_like(scaled)
        wanted[:, links.linked] = factor * links(x)
        return scaled.mean(dim=0) + scaled.std(dim=0, unbiased=False) * wanted

    px = module.generative(batch, encoded)
    monkeypatch.setattr(module, "scaled_mean", obedient)
    term = module.guided_terms(batch, encoded, px, {"link": 1.0})["link"]
    assert term.item() == pytest.approx(expected, abs=1e-3)


def test_a_link_teaches_the_encoder_of_the_source_and_the_decoder_of_the_target():
    batch = minibatch()
    module = fitted(batch, links=PAIR).train()
    encoded = module.inference(batch)
    px = module.decoders["protein"](encoded["rna"].z)
    translated = module.scaled_mean("protein", px)
    module.link_loss("rna", "protein", encoded["rna"], translated).sum().backward()
    assert learning(module.encoders) == {"rna"}
    assert learning(module.decoders) == {"protein"}


def test_link_term_teaches_linked_modalities_and_no_discriminator():
    batch = minibatch(labels=-1)
    module = fitted(batch, links=PAIR).train()
    guided(module, batch, link=1.0)["link"].backward()
    assert learning(module.encoders) == learning(module.decoders) == set(TWO)
    assert all(parameter.grad is None for parameter in module.discriminator.parameters())


@pytest.mark.parametrize("present", [["rna", "methylation"], ["protein", "methylation"]])
def test_links_of_modalities_that_a_minibatch_lacks(present):
    everything = minibatch()
    module = fitted(everything, links=LINKS)
    batch = {name: everything[name] for name in present}
    linked = tuple(present) in LINKS
    assert set(guided(module, batch, link=1.0)) == ({"link"} if linked else set())


@pytest.mark.parametrize("weights", [{}, {"link": 0.0, "cycle": 0.0}])
def test_guided_terms_of_weight_zero_cost_nothing(monkeypatch, weights):
    batch = minibatch()
    module = fitted(batch, links=LINKS)
    encoded = module.inference(batch)
    px = module.generative(batch, encoded)

    def fail(*args):
        raise AssertionError("decoded although the weights are zero")

    monkeypatch.setattr(module, "decoder", fail)
    assert module.guided_terms(batch, encoded, px, weights) == {}
    with pytest.raises(AssertionError, match="weights are zero"):
        module.guided_terms(batch, encoded, px, {"link": 0.1})


@pytest.mark.parametrize("likelihood", LIKELIHOOD_DOMAINS)
def test_guided_terms_train_every_likelihood_and_batches(likelihood):
    batch = minibatch(domain=LIKELIHOOD_DOMAINS[likelihood])
    batch["rna"]["batch"][::2] = 1
    module = fitted(batch, likelihood=likelihood, links=LINKS, n_batch=2).train()
    weights = {"link": 1.0, "cycle": 1.0, "translation": 1.0}
    encoded = module.inference(batch)
    output = module.loss(batch, encoded, module.generative(batch, encoded), weights)
    assert set(weights) <= set(output.extra_metrics)
    output.loss.backward()
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    assert gradients
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_guided_terms_are_in_the_weighted_sum():
    batch = minibatch()
    module = fitted(batch, links=LINKS)
    encoded = module.inference(batch)
    weights = {"link": 0.7, "cycle": 1.3}
    output = module.loss(batch, encoded, module.generative(batch, encoded), weights)
    metrics = {name: term.item() for name, term in output.extra_metrics.items()}
    assert set(weights) <= set(metrics)
    total = sum(weights.get(name, 1) * value for name, value in metrics.items())
    assert output.loss.item() == pytest.approx(total, rel=1e-5)


# cycle


def with_residual(encoded, module, px, residual: float) -> dict:
    """Data that miss their reconstruction by the same in every value, so whose does not matter."""
    return {
        name: item._replace(x_scaled=module.scaled_mean(name, px[name]).detach() + residual)
        for name, item in encoded.items()
    }


def cycle_by_hand(module, batch, encoded, residual, source, target) -> float | None:
    known = (batch[source]["labels"] >= 0).numpy()
    if known.sum() < 2:
        return None
    px = module.decoders[target](encoded[source].z)
    returned = module.scaled_mean(target, px) + residual
    logits = module.discriminator.classify(module.encoders[target](returned).mean)
    odds = logits.detach().double().softmax(dim=1).numpy()
    labels = batch[source]["labels"].numpy()
    return log_loss(labels[known], odds[known], labels=range(N_CLASSES))


@pytest.mark.parametrize("residual", [0.0, 0.8])
@pytest.mark.parametrize(("likelihood", "domain"), LIKELIHOOD_DOMAINS.items())
def test_cycle_is_the_class_after_a_translation_with_the_targets_noise(
    likelihood, domain, residual
):
    """Of labelled samples only, mean over the directions drawn."""
    batch = minibatch(TWO, domain=domain)
    assert (batch["rna"]["labels"] < 0).any()
    module = fitted(batch, likelihood=likelihood)
    encoded = module.inference(batch)
    px = module.generative(batch, encoded)
    encoded = with_residual(encoded, module, px, residual)
    term = module.guided_terms(batch, encoded, px, {"cycle": 1.0})["cycle"]
    expected = [
        cycle_by_hand(module, batch, encoded, residual, source, target)
        for source, target in (("rna", "protein"), ("protein", "rna"))
    ]
    assert term.item() == pytest.approx(np.mean(expected), rel=1e-4)


def test_noise_of_the_cycle_is_some_samples_residual():
    """With residuals that differ, the term is one of those that whole-row residuals give."""
    batch = minibatch(TWO, labels=-1)
    batch["rna"]["labels"][[2, 5]] = torch.tensor([0, 2])
    module = fitted(batch)
    encoded = module.inference(batch)
    px = module.generative(batch, encoded)
    residuals = encoded["protein"].x_scaled - module.scaled_mean("protein", px["protein"])
    translated = module.scaled_mean("protein", module.decoders["protein"](encoded["rna"].z))
    possible = []
    for first in residuals:
        for second in residuals:
            returned = translated[[2, 5]] + torch.stack([first, second])
            logits = module.discriminator.classify(module.encoders["protein"](returned).mean)
            odds = logits.detach().double().softmax(dim=1).numpy()
            possible.append(log_loss([0, 2], odds, labels=range(N_CLASSES)))
    drawn = {guided(module, batch, encoded, cycle=1.0)["cycle"].item() for _ in range(20)}
    assert len(drawn) > 3
    for value in drawn:
        assert np.abs(np.array(possible) - value).min() < 1e-5


def test_cycle_teaches_the_encoder_of_the_target_and_no_decoder():
    batch = minibatch(TWO, labels=-1)
    batch["rna"]["labels"] = torch.arange(N) % N_CLASSES
    module = fitted(batch).train()
    guided(module, batch, cycle=1.0)["cycle"].backward()
    assert learning(module.encoders) == {"protein"}
    assert learning(module.decoders) == set()


def test_cycle_reaches_every_modality():
    batch = minibatch()
    module = fitted(batch).train()
    guided(module, batch, cycle=1.0)["cycle"].backward()
    assert learning(module.encoders) == set(SIZES)
    assert learning(module.decoders) == set()


@pytest.mark.parametrize(("labelled", "cycles"), [(0, False), (1, False), (2, True)])
def test_cycle_needs_two_labelled_samples(labelled, cycles):
    batch = minibatch(labels=-1)
    batch["rna"]["labels"][:labelled] = 1
    module = fitted(batch).train()
    terms = guided(module, batch, cycle=1.0)
    assert set(terms) == ({"cycle"} if cycles else set())
    assert all(torch.isfinite(term) for term in terms.values())


def test_cycle_is_for_modalities_that_lack_labels_of_a_class():
    """Whoever has seen many samples of every class learns best from them."""
    batch = minibatch(TWO)
    module = fitted(batch).train()
    module.label_counts = {"rna": torch.tensor([99, 99, 99]), "protein": torch.tensor([99, 0, 99])}
    guided(module, batch, cycle=1.0)["cycle"].backward()
    assert learning(module.encoders) == {"protein"}
    module.label_counts["protein"][1] = 99
    assert guided(module, batch, cycle=1.0) == {}


@pytest.mark.parametrize("sizes", [SIZES, {"rna": 7}])
def test_no_cycle_without_classes_or_another_modality(sizes):
    n_classes = 0 if len(sizes) > 1 else N_CLASSES
    module, batch = make(sizes, n_classes), minibatch(sizes)
    inferred, generated = module(batch, compute_loss=False)
    output = module.loss(batch, inferred, generated, {"cycle": 1.0, "link": 1.0})
    assert not {"cycle", "link"} & set(output.extra_metrics)


# pairing


def paired(seed=1) -> dict:
    """Observations that two of the modalities saw."""
    batch = minibatch(TWO)
    rng = np.random.default_rng(seed)
    for name, n_features in TWO.items():
        batch[name]["X"] = torch.from_numpy(rng.normal(size=(N, n_features)).astype(np.float32))
    return batch


def total_loss(module, batch, pairs, weights):
    encoded = module.inference(batch)
    return module.loss(batch, encoded, module.generative(batch, encoded), weights, pairs)


def test_pairing_is_the_distance_of_the_means():
    module, pairs = fitted(minibatch()), paired()
    means = [module.encode(name, pairs[name]["X"]).qz.mean.detach().numpy() for name in TWO]
    expected = np.mean([((a - b) ** 2).sum() for a, b in zip(*means, strict=True)])
    assert module.pairing_term(pairs).item() == pytest.approx(expected, rel=1e-5)
    turned = dict(reversed(pairs.items()))
    assert module.pairing_term(turned).item() == pytest.approx(expected, rel=1e-5)


def test_pairing_pulls_both_encoders_and_nothing_else():
    module = fitted(minibatch())
    module.pairing_term(paired()).backward()
    assert learning(module.encoders) == set(TWO)
    assert learning(module.decoders) == set()
    assert all(parameter.grad is None for parameter in module.discriminator.parameters())


def test_pairing_does_not_look_at_the_labels():
    module, pairs = fitted(minibatch()), paired()
    expected = module.pairing_term(pairs)
    for tensors in pairs.values():
        tensors["labels"] = torch.full((N,), -1)
    assert torch.equal(module.pairing_term(pairs), expected)


@pytest.mark.parametrize(
    ("weight", "pairs"), [(0.0, True), (0.5, False), (0.5, None), (0.5, True), (2.0, True)]
)
def test_pairing_counts_by_its_weight_and_only_with_pairs(monkeypatch, weight, pairs):
    batch = minibatch()
    module, calls = fitted(batch), []
    term = module.pairing_term
    monkeypatch.setattr(module, "pairing_term", lambda pairs: calls.append(1) or term(pairs))
    given = {True: paired(), False: {}, None: None}[pairs]
    losses, gradients = [], []
    for others in (None, given):
        torch.manual_seed(0)
        module.zero_grad()
        losses.append(total_loss(module, batch, others, {"pairing": weight}))
        losses[-1].loss.backward()
        gradients.append([p.grad.clone() for p in module.encoders["rna"].parameters()])
    same = all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))
    if weight and given:
        assert len(calls) == 1
        added = losses[1].extra_metrics["pairing"].item()
        assert added == pytest.approx(term(given).item(), rel=1e-6)
        assert (losses[1].loss - losses[0].loss).item() == pytest.approx(weight * added, rel=1e-4)
        assert not same
    else:
        assert calls == []
        assert "pairing" not in losses[1].extra_metrics
        assert torch.equal(losses[0].loss, losses[1].loss)
        assert same
