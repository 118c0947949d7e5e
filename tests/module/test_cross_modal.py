"""Terms on translations, against loops over samples: translation, links, cycle, pairs."""

import itertools

import numpy as np
import pytest
import torch

from modis._constants import LABELS_KEY, LIKELIHOOD_DOMAINS, ROW_WEIGHTS_KEY, X_KEY
from modis.module import MODISModule
from modis.nn import SCALINGS

from ._make import LINKS, N_CLASSES, SIZES, TWO, N, fitted, head, make, minibatch, terms_of

EVERY_LIKELIHOOD = pytest.mark.parametrize(("likelihood", "domain"), LIKELIHOOD_DOMAINS.items())


def term_of(module, batch, name, **kwargs) -> torch.Tensor:
    return terms_of(module, batch, name, **kwargs)[name]


def one_of_each_class(sizes, domain="real") -> dict:
    """One sample of each class per modality, in another order: so every mate is certain."""
    batch, rng = minibatch(sizes, domain=domain), np.random.default_rng(0)
    for tensors in batch.values():
        for key in tensors:
            tensors[key] = tensors[key][: N_CLASSES + 1]
        tensors[LABELS_KEY] = torch.as_tensor(rng.permutation(range(-1, N_CLASSES)))
        tensors[ROW_WEIGHTS_KEY] = torch.tensor([0.2, 3.0, 1.0, 0.5])
    return batch


def translation_by_hand(module, batch, encoded, source, target) -> float:
    decoder, per_sample, weights = module.decoder(target), [], []
    for row, code in enumerate(batch[source][LABELS_KEY].tolist()):
        if code < 0:
            continue
        mate = [batch[target][LABELS_KEY].tolist().index(code)]
        library = None if encoded[target].library is None else encoded[target].library[mate]
        px = decoder(encoded[source].z[[row]], library=library)
        x, x_scaled = batch[target][X_KEY][mate], encoded[target].x_scaled[mate]
        per_sample.append(decoder.loss(px, x, x_scaled).item())
        weights.append(batch[source][ROW_WEIGHTS_KEY][row].item())
    return np.average(per_sample, weights=weights)


@EVERY_LIKELIHOOD
def test_translation_is_held_against_a_sample_of_the_class(likelihood, domain):
    """Into one other modality each, every one of them chosen once."""
    module, batch = make(likelihood=likelihood).eval(), one_of_each_class(SIZES, domain)
    encoded, names = module.inference(batch), list(SIZES)
    by_shift = [
        sum(
            translation_by_hand(module, batch, encoded, source, names[(i + shift) % 3])
            for i, source in enumerate(names)
        )
        for shift in (1, 2)
    ]
    drawn = [term_of(module, batch, "translation", encoded=encoded).item() for _ in range(20)]
    hits = [[value == pytest.approx(wanted, rel=1e-4) for wanted in by_shift] for value in drawn]
    assert all(sum(hit) == 1 for hit in hits)
    assert all(np.any(hits, axis=0))


def believes(logits) -> MODISModule:
    """Networks that give every sample the same class probabilities."""
    module = make(TWO, preset="small").eval()
    with torch.no_grad():
        head(module, "class").weight.zero_()
        head(module, "class").bias.copy_(torch.as_tensor(logits))
    return module


def against(module, encoded, batch, row: int) -> float:
    """Loss of all translations from rna, held against one protein sample."""
    decoder = module.decoder("protein")
    x, x_scaled = batch["protein"][X_KEY][[row]], encoded["protein"].x_scaled[[row]]
    return decoder.loss(decoder(encoded["rna"].z), x, x_scaled).mean().item()


@pytest.mark.parametrize(
    ("probability", "log_temperature", "translated"),
    [(0.97, 0, True), (0.8, 0, False), (0.97, 1, False), (0.8, -1, True)],
)
def test_unlabelled_samples_are_translated_once_their_class_is_sure(
    probability, log_temperature, translated
):
    other = (1 - probability) / 2
    module = believes(np.log([other, probability, other]))
    module.discriminator.log_temperature.data.fill_(log_temperature)
    batch = minibatch(TWO, labels=-1)
    # a single sample of the class, so that the mate is certain; nothing of the class in return
    batch["protein"][LABELS_KEY] = torch.tensor([2, 0, 0, 0, 1, 2, 2, 0, 0])
    encoded = module.inference(batch)
    expected = against(module, encoded, batch, 4) if translated else 0
    term = term_of(module, batch, "translation", encoded=encoded).item()
    assert term == pytest.approx(expected, rel=1e-5)


def test_a_label_counts_more_than_what_the_model_believes():
    module, batch = believes([9.0, 0.0, 0.0]), minibatch(TWO, labels=1)
    batch["protein"][LABELS_KEY] = torch.full((N,), 2)
    assert term_of(module, batch, "translation").item() == 0


@pytest.mark.parametrize("links", [None, LINKS])
def test_any_sample_is_a_mate_to_a_class_that_is_missing_where_no_link_leads(links):
    module, batch = make(links=links).eval(), minibatch(labels=0)
    batch["protein"][LABELS_KEY] = batch["methylation"][LABELS_KEY] = torch.full((N,), 1)
    module.label_counts = {"rna": torch.tensor([9, 1, 1])}
    module.label_counts |= dict.fromkeys(("protein", "methylation"), torch.tensor([0, 9, 1]))
    for name in ("protein", "methylation"):
        module.decoder(name).loss = lambda px, x, x_scaled: torch.ones(len(x))
    module.decoder("rna").loss = lambda px, x, x_scaled: torch.zeros(len(x))
    # of rna, whose class both others lack, and of the one of them that goes to the other
    assert term_of(module, batch, "translation").item() == (1 if links else 2)


def standardised(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """In units of what the scaling was fitted to."""
    spread = like.std(dim=0, unbiased=False)
    return (x - like.mean(dim=0)) / torch.where(spread > 0, spread, 1)


@pytest.mark.parametrize("scaling", SCALINGS)
@EVERY_LIKELIHOOD
def test_link_term_is_the_mean_over_the_linked_directions(likelihood, domain, scaling):
    """Of the modalities that the minibatch has."""
    batch = minibatch(domain=domain)
    module = fitted(batch, likelihood=likelihood, scaling=scaling, links=LINKS)
    by_hand, encoded = {}, module.inference(batch)
    for source, target in [*LINKS, *((b, a) for a, b in LINKS)]:
        translated = module.scaled_mean(target, module.decoder(target)(encoded[source].z))
        x, seen = encoded[source].x_scaled, encoded[target].x_scaled
        expected = module.link_maps[source, target].loss(
            standardised(x, x), standardised(translated, seen)
        )
        by_hand[source, target] = expected.mean().item()
    for lacking in (None, "methylation", "rna"):
        part = {name: item for name, item in encoded.items() if name != lacking}
        terms = terms_of(module, {name: batch[name] for name in part}, "link", encoded=part)
        linked = [value for pair, value in by_hand.items() if lacking not in pair]
        expected = {"link": pytest.approx(np.mean(linked), rel=1e-3, abs=1e-4)} if linked else {}
        assert {name: term.item() for name, term in terms.items()} == expected


@EVERY_LIKELIHOOD
def test_cycle_is_the_class_after_a_translation_with_the_targets_noise(likelihood, domain):
    """Of the two labelled samples, each with the whole residual of some sample of the target."""
    batch = minibatch(TWO, labels=-1, domain=domain)
    batch["rna"][LABELS_KEY][[2, 5]] = torch.tensor([0, 2])
    module = fitted(batch, likelihood=likelihood)
    encoded = module.inference(batch)
    px = module.generative(batch, encoded)
    residuals = encoded["protein"].x_scaled - module.scaled_mean("protein", px["protein"])
    translated = module.scaled_mean("protein", module.decoder("protein")(encoded["rna"].z))
    possible = []
    for pair in itertools.product(residuals, repeat=2):
        qz = module.encoder("protein")(translated[[2, 5]] + torch.stack(pair))
        possible.append(-module.classify(qz.mean)[[0, 1], [0, 2]].log().mean().item())
    drawn = {term_of(module, batch, "cycle", encoded=encoded).item() for _ in range(20)}
    assert len(drawn) > 3
    for value in drawn:
        assert np.abs(np.array(possible) - value).min() < 1e-5


@pytest.mark.parametrize(("labelled", "cycles"), [(0, False), (1, False), (2, True)])
def test_cycle_needs_two_labelled_samples(labelled, cycles):
    batch = minibatch(labels=-1)
    batch["rna"][LABELS_KEY][:labelled] = 1
    terms = terms_of(fitted(batch).train(), batch, "cycle")
    assert set(terms) == ({"cycle"} if cycles else set())


def test_cycle_is_for_modalities_that_lack_labels_of_a_class():
    """Whoever has seen many samples of every class learns best from them."""
    batch = minibatch(TWO)
    module = fitted(batch).train()
    module.label_counts = {"rna": torch.tensor([5, 5, 5]), "protein": torch.tensor([5, 4, 5])}
    term_of(module, batch, "cycle").backward()
    assert module.encoder("rna").mean.weight.grad is None
    assert module.encoder("protein").mean.weight.grad is not None
    module.label_counts["protein"][1] = 5
    assert terms_of(module, batch, "cycle") == {}


@pytest.mark.parametrize("pairs", [None, {}, minibatch(TWO, seed=1), minibatch(TWO, -1, seed=1)])
def test_pairing_is_the_distance_of_the_means_whatever_the_labels(pairs):
    batch = minibatch()
    module = fitted(batch)
    terms = terms_of(module, batch, "pairing", paired=pairs)
    if not pairs:
        assert terms == {}
        return
    a, b = (module.encode(name, pairs[name][X_KEY]).qz.mean.detach().numpy() for name in TWO)
    expected = ((a - b) ** 2).sum(axis=1).mean()
    assert terms["pairing"].item() == pytest.approx(expected, rel=1e-5)
