import itertools

import numpy as np
import pytest
import torch

from modis._constants import LABELS_KEY, LIKELIHOOD_DOMAINS, X_KEY
from modis.nn import SCALINGS

from ._make import LINKS, TWO, fitted, minibatch, terms_of

EVERY_LIKELIHOOD = pytest.mark.parametrize(("likelihood", "domain"), LIKELIHOOD_DOMAINS.items())


def term_of(module, batch, name, **kwargs):
    return terms_of(module, batch, name, **kwargs)[name]


def standardised(x, like):
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
        translated = module.scaled_mean(target, module.decoders[target](encoded[source].z))
        x, seen = encoded[source].x_scaled, encoded[target].x_scaled
        pair = standardised(x, x), standardised(translated, seen)
        expected = module.link_maps[source, target].loss(*pair)
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
    translated = module.scaled_mean("protein", module.decoders["protein"](encoded["rna"].z))
    possible = []
    for pair in itertools.product(residuals, repeat=2):
        qz = module.encoders["protein"](translated[[2, 5]] + torch.stack(pair))
        said = module.discriminator.classify(qz.mean).log_softmax(dim=1)
        possible.append(-said[[0, 1], [0, 2]].mean().item())
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
    assert module.encoders["rna"].mean.weight.grad is None
    assert module.encoders["protein"].mean.weight.grad is not None
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
