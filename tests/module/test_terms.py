from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
import torch
from torch.nn.functional import softplus

from modis._constants import BATCH_KEY, LABELED_KEY, LABELS_KEY, ROW_WEIGHTS_KEY, X_KEY
from modis.module import ADVERSARIAL, TERMS, Step, compute_terms, weighted_sum
from modis.module import _losses as losses

from ._make import LINKS, SIDES, SIZES, TWO, N, head, learning, make, minibatch, terms_of

BOTH_SIDES = pytest.mark.parametrize("generator", SIDES.values(), ids=SIDES)
#: Training samples of three batches: rna has all, protein two of them, methylation one.
BATCH_COUNTS = {"rna": [4, 3, 9], "protein": [5, 0, 2], "methylation": [0, 7, 0]}


def with_batches(module, counts=BATCH_COUNTS):
    """A minibatch in which every modality has its own batches."""
    batch = minibatch()
    for name, each in counts.items():
        codes = np.flatnonzero(each)
        batch[name][BATCH_KEY] = torch.as_tensor(codes[np.arange(N) % len(codes)])[:, None]
    module.batch_counts = {name: torch.tensor(each) for name, each in counts.items()}
    return batch


def everything():
    """Networks, a minibatch and pairs that every term applies to."""
    module = make(links=LINKS, n_batch=3)
    return module, with_batches(module), minibatch(TWO, seed=1)


def weigh(batch, **weights):
    for name, values in weights.items():
        batch[name][ROW_WEIGHTS_KEY] = torch.as_tensor(values, dtype=torch.float32)


def means(module, batch):
    return torch.cat([item.qz.mean for item in module.inference(batch).values()])


def probabilities(logits):
    return logits.detach().double().softmax(dim=-1).numpy()


@BOTH_SIDES
def test_terms_that_have_a_weight_are_computed_on_their_side(generator, monkeypatch):
    """In the order of the table; those of weight 0 cost nothing."""
    module, batch, paired = everything()
    found = terms_of(module, batch, generator=generator, paired=paired)
    side = "autoencoders" if generator else "discriminator"
    assert list(found) == [name for name, term in TERMS.items() if term.side in (side, "both")]
    assert all(term.shape == () and torch.isfinite(term) for term in found.values())
    for name, term in TERMS.items():
        monkeypatch.setitem(TERMS, name, replace(term, function=lambda step: 1 / 0))
    weights = dict.fromkeys(TERMS, 0.0)
    encoded = module.inference(batch)
    px = module.generative(batch, encoded)
    terms = compute_terms(Step(module, batch, encoded, weights, generator, px, paired))
    assert terms == {}
    # nothing can learn from no term
    assert weighted_sum(terms, weights).item() == 0
    assert not weighted_sum(terms, weights).requires_grad


CLASSES = {"classification", "clustering"}
ALWAYS = {"reconstruction", "kl"}
GAME = {"modality", "adversarial", "gradient_penalty"}
BATCHES = {"batch", "adversarial_batch"}
ONE = {"rna": 7}


@pytest.mark.parametrize(
    ("sizes", "kwargs", "names"),
    [
        (SIZES, {}, ALWAYS | CLASSES | GAME | {"cycle"}),
        (SIZES, {"n_classes": 0, "n_batch": 1, "links": LINKS}, ALWAYS | GAME | {"link"}),
        (SIZES, {"n_classes": 0, "n_batch": 2}, ALWAYS | GAME | BATCHES),
        (ONE, {}, ALWAYS | CLASSES),
        (ONE, {"n_classes": 0}, ALWAYS),
    ],
)
def test_terms_that_have_nothing_to_say_are_left_out(sizes, kwargs, names):
    module, batch = make(sizes, **kwargs), minibatch(sizes)
    found = [terms_of(module, batch, generator=side).keys() for side in SIDES.values()]
    assert set().union(*found) == names


ENCODERS, DECODERS = ({f"{part}.{name}" for name in SIZES} for part in ("encoders", "decoders"))
TWO_ENCODERS = {f"encoders.{name}" for name in TWO}
#: By term: what learns in step 2, and what in step 1.
LEARNERS = {
    "reconstruction": (ENCODERS | DECODERS, set()),
    "kl": (ENCODERS, set()),
    "modality": (set(), {"trunk", "modality_head"}),
    "gradient_penalty": (set(), {"trunk", "modality_head"}),
    "adversarial": (ENCODERS, set()),
    "batch": (set(), {"trunk", "batch_head"}),
    # methylation has a single batch
    "adversarial_batch": (TWO_ENCODERS, set()),
    "classification": (ENCODERS, {"class_head"}),
    "clustering": (ENCODERS, {"class_head"}),
    "link": (ENCODERS | DECODERS, set()),
    "cycle": (ENCODERS, set()),
    "pairing": (TWO_ENCODERS, set()),
}


@pytest.mark.parametrize("name", TERMS)
def test_who_learns_from_a_term(name):
    """In step 1 the encoders are left alone, in step 2 the discriminator is frozen."""
    for generator, learners in zip((True, False), LEARNERS[name], strict=True):
        module, batch, paired = everything()
        module.discriminator.requires_grad_(not generator)
        for term in terms_of(module, batch, name, generator=generator, paired=paired).values():
            term.backward()
        assert {part.removeprefix("discriminator.") for part in learning(module)} == learners


def test_reconstruction_and_kl_are_summed_over_modalities_and_weighted_by_row():
    """A modality whose minibatch has no weights weighs all of its samples alike."""
    module, batch = make(likelihood="nb").eval(), minibatch(domain="counts")
    weights = {"rna": np.linspace(0.1, 2, N), "protein": np.array([1.0] + [0.0] * (N - 1))}
    weigh(batch, **weights)
    encoded, expected = module.inference(batch), {"reconstruction": 0.0, "kl": 0.0}
    for name, px in module.generative(batch, encoded).items():
        item, given = encoded[name], weights.get(name)
        error = module.decoders[name].loss(px, batch[name][X_KEY], item.x_scaled).detach()
        mean, scale = item.qz.mean.detach().numpy(), item.qz.scale.detach().numpy()
        kl = 0.5 * (mean**2 + scale**2 - 1 - 2 * np.log(scale)).sum(axis=1)
        expected["reconstruction"] += np.average(error, weights=given)
        # rows that the class terms count in full weigh no less than one
        least = None if given is None else np.maximum(given, 1)
        expected["kl"] += module.kl_scale(name) * np.average(kl, weights=least)
    terms = terms_of(module, batch, "reconstruction", "kl", encoded=encoded)
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected, rel=1e-5)


@BOTH_SIDES
@pytest.mark.parametrize("adversarial", ADVERSARIAL)
def test_the_game_over_modalities(generator, adversarial):
    """Rows of weight 0 do not play, and the order of the modalities does not matter."""
    module, batch = make(adversarial=adversarial).eval(), minibatch()
    for name, tensors in batch.items():
        # rows alike, so that it does not matter which are paired, but for one of weight 0
        tensors[X_KEY][:-1] = tensors[X_KEY][:1]
        weigh(batch, **{name: [1.0] * (N - 1) + [0.0]})
    logits = module.discriminator(means(module, batch)[::N]).modality
    log_odds, sign = logits.log_softmax(dim=1), -1 if generator else 1
    own = log_odds.diagonal()
    if adversarial == "relativistic":
        # of every modality's logit between its own point and that of another
        gaps = [logits[i, i] - logits[j, i] for i, j in permutations(range(3), 2)]
        expected = softplus(-sign * torch.stack(gaps)).mean()
    else:
        expected = -(((log_odds.sum(dim=1) - own) / 2) if generator else own).mean()
    for data in (batch, dict(reversed(batch.items()))):
        (found,) = terms_of(module, data, "modality", "adversarial", generator=generator).values()
        torch.testing.assert_close(found, expected)


@BOTH_SIDES
@pytest.mark.parametrize(("given", "follows_draws"), [("mean", False), ("draw", True)])
def test_what_the_discriminator_is_given(generator, given, follows_draws):
    module, batch = make(discriminator_input=given).eval(), minibatch()
    names, encoded = ("modality", "adversarial", "clustering"), module.inference(batch)
    moved = {name: item._replace(z=item.z + 1) for name, item in encoded.items()}
    terms = lambda seen: terms_of(module, batch, *names, generator=generator, encoded=seen)
    first, second = terms(encoded), terms(moved)
    assert all(torch.equal(first[name], second[name]) is not follows_draws for name in first)


@pytest.mark.parametrize("told", [True, False])
def test_batches_are_told_apart_within_a_modality(told):
    """Among those that it has in training, or among all where nobody has said; by row weights."""
    module = make(n_batch=3).eval()
    batch, weights = with_batches(module), np.linspace(0, 2, N)
    weigh(batch, **dict.fromkeys(SIZES, weights))
    possible = {"rna": [0, 1, 2], "protein": [0, 2]}
    if not told:
        module.batch_counts = make(n_batch=3).batch_counts
        possible = dict.fromkeys(SIZES, [0, 1, 2])
    expected = {"batch": 0.0, "adversarial_batch": 0.0}
    for name, each in possible.items():
        hidden = module.discriminator(module.encode(name, batch[name][X_KEY]).qz.mean).hidden
        logp = np.log(probabilities(head(module, "batch")(hidden)[:, each]))
        own = np.array(each) == batch[name][BATCH_KEY].numpy()
        others = logp[~own].reshape(N, -1).mean(axis=1)
        expected["batch"] -= np.average(logp[own], weights=weights) / len(possible)
        expected["adversarial_batch"] -= np.average(others, weights=weights) / len(possible)
    for name, generator in (("batch", False), ("adversarial_batch", True)):
        term = terms_of(module, batch, name, generator=generator)[name].item()
        assert term == pytest.approx(expected[name], rel=1e-5)


@BOTH_SIDES
def test_one_batch_in_every_modality_is_no_game(generator):
    module = make(n_batch=3)
    batch = with_batches(module, {name: np.eye(3)[k] for k, name in enumerate(SIZES)})
    assert not BATCHES & terms_of(module, batch, generator=generator).keys()


@BOTH_SIDES
@pytest.mark.parametrize("linear_class_head", [True, False])
def test_clusters_are_sought_where_the_class_head_looks(generator, linear_class_head):
    module, batch = make(linear_class_head=linear_class_head).eval(), minibatch()
    z = means(module, batch)
    seen = z if linear_class_head else module.discriminator(z).hidden
    probability = module.discriminator.classify(z).softmax(dim=1)
    found = terms_of(module, batch, "clustering", generator=generator)["clustering"]
    torch.testing.assert_close(found, losses.clustering(probability, seen))


@pytest.mark.parametrize("adversarial", ["cross_entropy", "relativistic"])
@pytest.mark.parametrize("likelihood", ["gaussian", "nb"])
def test_no_term_waits_for_the_device(adversarial, likelihood):
    """The meta device has no values: reading one on the host is an error."""
    sizes = SIZES | {f"other {k}": 3 for k in range(3)}
    module = make(sizes, likelihood=likelihood, adversarial=adversarial, n_batch=2).to("meta")
    batch = minibatch(sizes, domain="counts")
    for own in batch.values():
        own[LABELED_KEY] = own[LABELS_KEY].ge(0).nonzero()[:, 0]
        own.update({key: value.to("meta") for key, value in own.items()})
    paired = {name: batch[name] for name in TWO}
    for generator in SIDES.values():
        terms = terms_of(module, batch, generator=generator, paired=paired)
        assert len(terms) > 4
        weighted_sum(terms, dict.fromkeys(terms, 1.0)).backward()
    with pytest.raises((NotImplementedError, RuntimeError)):
        terms["kl"].item()
