"""The loss: what a term may look at, and one row of ``TERMS`` per term."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from torch.distributions import Distribution

from .._constants import BATCH_KEY, LABELED_KEY, LABELS_KEY, ROW_WEIGHTS_KEY, X_KEY
from ..nn import DiscriminatorOutput
from . import _losses as losses
from ._module import Encoded, Minibatch, MODISModule

# A modality with this many labelled samples of every class learns best from them alone. With
# fewer of one it learns from translations, too.
_ENOUGH_LABELED = 5


@dataclass
class Step:
    """What a loss term may look at: a minibatch of every modality in one of the two steps.

    ``px`` is what was decoded (step 2 only), ``paired`` the same observations in two modalities.
    """

    networks: MODISModule
    tensors: Mapping[str, Minibatch]
    encoded: Mapping[str, Encoded]
    weights: Mapping[str, float]
    #: Whether the autoencoders learn (step 2), or the discriminator (step 1).
    generator: bool
    px: Mapping[str, Distribution] = field(default_factory=dict)
    paired: Mapping[str, Minibatch] | None = None

    def row_weights(self, modality: str) -> torch.Tensor:
        """Weights of a modality's rows, shape ``(n,)``; all alike if the minibatch has none."""
        weights, z = self.tensors[modality].get(ROW_WEIGHTS_KEY), self.encoded[modality].z
        return z.new_ones(len(z)) if weights is None else weights

    def labeled(self, modality: str) -> torch.Tensor:
        """Positions of a modality's labelled rows, which the minibatch may know already."""
        tensors = self.tensors[modality]
        if LABELED_KEY in tensors:
            return tensors[LABELED_KEY]
        return tensors[LABELS_KEY].ge(0).nonzero()[:, 0]

    @cached_property
    def judged(self) -> torch.Tensor:
        """Latent points that the discriminator sees, ``(n_obs, n_latent)``; detached in step 1."""
        by_mean = self.networks.architecture.discriminator_input == "mean"
        items = self.encoded.values()
        points = torch.cat([item.qz.mean if by_mean else item.z for item in items])
        return points if self.generator else points.detach()

    @cached_property
    def output(self) -> DiscriminatorOutput:
        """What the discriminator says of them."""
        return self.networks.discriminator(self.judged)

    @property
    def class_logits(self) -> torch.Tensor:
        """Class logits, shape ``(n_obs, n_classes)``."""
        assert self.output.classes is not None
        return self.output.classes

    @cached_property
    def guided(self) -> dict[str, torch.Tensor]:
        """Both terms on translations, which share what is decoded."""
        return _translation_terms(self)


@dataclass(frozen=True)
class Term:
    """One row of the loss: who learns from it, what computes it, and where it applies.

    The discriminator learns in step 1, the autoencoders in step 2 (equations 1 and 2 of the
    paper). The function returns one number, or `None` if the minibatch has nothing for the term.
    """

    side: Literal["discriminator", "autoencoders", "both"]
    function: Callable[[Step], torch.Tensor | None]
    active_if: Callable[[Step], bool] = lambda step: True


def compute_terms(step: Step) -> dict[str, torch.Tensor]:
    """Terms of a step that have a weight and apply to it, unweighted, by name."""
    other = "discriminator" if step.generator else "autoencoders"
    terms = {}
    for name, term in TERMS.items():
        if term.side == other or not step.weights.get(name) or not term.active_if(step):
            continue
        if (value := term.function(step)) is not None:
            terms[name] = value
    return terms


def weighted_sum(terms: Mapping[str, torch.Tensor], weights: Mapping[str, float]) -> torch.Tensor:
    """Loss of a step; 0, from which nothing can learn, without any term."""
    if not terms:
        return torch.zeros(())
    return torch.stack([weights[name] * term for name, term in terms.items()]).sum()


def several_modalities(step: Step) -> bool:
    """Whether there is more than one modality."""
    return len(step.encoded) > 1


def has_classes(step: Step) -> bool:
    """Whether there are classes to learn."""
    return step.networks.n_classes > 0


def reconstruction(step: Step) -> torch.Tensor:
    """Reconstruction loss, summed over the modalities."""
    each = [
        losses.weighted_mean(
            step.networks.reconstruction_loss(name, px, step.tensors[name], item),
            step.row_weights(name),
        )
        for (name, item), px in zip(step.encoded.items(), step.px.values(), strict=True)
    ]
    return torch.stack(each).sum()


def kl(step: Step) -> torch.Tensor:
    """KL divergence of the posteriors to the prior, summed over the modalities.

    Rows weigh at least 1: class terms count labelled ones in full, which nothing else would hold.
    """
    each = [
        step.networks.kl_scale(name)
        * losses.weighted_mean(
            losses.kl_to_standard_normal(item.qz), step.row_weights(name).clamp(min=1)
        )
        for name, item in step.encoded.items()
    ]
    return torch.stack(each).sum()


def modality_game(step: Step) -> torch.Tensor:
    """Either side's adversarial term over modalities."""
    logits = step.output.modality
    weights = {step.networks.modality_codes[name]: step.row_weights(name) for name in step.encoded}
    sizes = [len(each) for each in weights.values()]
    if step.networks.adversarial == "relativistic":
        by_code = dict(zip(weights, logits.split(sizes), strict=True))
        return losses.relativistic(by_code, weights, generator=step.generator)
    modality = torch.from_numpy(np.repeat(list(weights), sizes)).to(logits.device)
    return _game(step)(logits, modality, torch.cat(list(weights.values())))


def gradient_penalty(step: Step) -> torch.Tensor:
    """Gradient penalty of the modality logits."""
    return losses.gradient_penalty(
        lambda points: step.networks.discriminator(points).modality, step.judged
    )


def batch_game(step: Step) -> torch.Tensor | None:
    """Either side's adversarial term over the batches that a modality has, if it has several."""
    if (head := step.networks.discriminator.batch_head) is None:
        return None
    rows, codes, row_weights = [], [], []
    hidden = step.output.hidden.split([len(item.z) for item in step.encoded.values()])
    for modality, each in zip(step.encoded, hidden, strict=True):
        impossible = step.networks.batch_counts[modality] == 0
        if (~impossible).sum() < 2:
            continue
        rows.append(head(each).masked_fill(impossible.to(each.device), -torch.inf))
        codes.append(step.tensors[modality][BATCH_KEY][:, 0].long())
        row_weights.append(step.row_weights(modality))
    if not rows:
        return None
    return _game(step)(torch.cat(rows), torch.cat(codes), torch.cat(row_weights))


def _game(step: Step) -> Callable[..., torch.Tensor]:
    return losses.adversarial_cross_entropy if step.generator else losses.modality_cross_entropy


def classification(step: Step) -> torch.Tensor:
    """Cross-entropy of the classes."""
    labels = torch.cat([own[LABELS_KEY] for own in step.tensors.values()])
    return losses.class_cross_entropy(step.class_logits, labels)


def clustering(step: Step) -> torch.Tensor:
    """Compact and separated classes, where the class head looks."""
    sees_latent = step.networks.discriminator.linear_class_head
    return losses.clustering(
        step.class_logits.softmax(dim=-1), step.judged if sees_latent else step.output.hidden
    )


def _translation_terms(step: Step) -> dict[str, torch.Tensor]:
    """Translations have the profile that linked features of their source predict (link).

    Labelled samples that are translated and encoded there keep their class (cycle): that shows an
    encoder the classes of which its modality has few labelled samples, or none.
    """
    networks, encoded = step.networks, step.encoded
    linked, cycled = set(), set()
    if step.weights.get("link"):
        linked = {pair for pair in networks.link_maps if encoded.keys() >= set(pair)}
    if step.weights.get("cycle") and networks.n_classes:
        # one other modality for each, every one chosen once
        names, shift = list(encoded), int(torch.randint(1, len(encoded), ()))
        for source, target in zip(names, names[shift:] + names[:shift], strict=True):
            counts = networks.label_counts.get(target)
            lacks = counts is None or bool((counts < _ENOUGH_LABELED).any())
            if lacks and len(step.labeled(source)) > 1:
                cycled.add((source, target))
    links, cycles = [], []
    # in a fixed order, or the same seed would not give the same draws
    for source, target in sorted(linked | cycled):
        other = encoded[target]
        # whose batch and whose noise the translation takes
        n, device = len(encoded[source].z), other.z.device
        partners = torch.randint(len(other.z), (n,), device=device)
        batch = step.tensors[target][BATCH_KEY][partners]
        decoded = networks.decoders[target](encoded[source].z, batch)
        translated = networks.scaled_mean(target, decoded)
        if (source, target) in linked:
            links.append(networks.link_loss(source, target, encoded[source], translated).mean())
        if (source, target) in cycled:
            # of all classes: from one alone, an encoder learns what translations look like
            rows = step.labeled(source)
            labels = step.tensors[source][LABELS_KEY][rows]
            noise = other.x_scaled - networks.scaled_mean(target, step.px[target])
            returned = networks.encoders[target]((translated + noise[partners])[rows].detach())
            logits = networks.discriminator.classify(returned.mean)
            cycles.append(losses.class_cross_entropy(logits, labels))
    terms = {"link": links, "cycle": cycles}
    return {name: torch.stack(each).mean() for name, each in terms.items() if each}


def pairing(step: Step) -> torch.Tensor:
    """Squared distance of the two places that an observation has in the latent space."""
    assert step.paired is not None
    first, second = (
        step.networks.encode(name, tensors[X_KEY]) for name, tensors in step.paired.items()
    )
    return (first.qz.mean - second.qz.mean).square().sum(dim=-1).mean()


#: Every term of the loss by name, in the order of computation.
TERMS: dict[str, Term] = {
    "reconstruction": Term("autoencoders", reconstruction),
    "kl": Term("autoencoders", kl),
    "modality": Term("discriminator", modality_game, several_modalities),
    "gradient_penalty": Term("discriminator", gradient_penalty, several_modalities),
    "adversarial": Term("autoencoders", modality_game, several_modalities),
    "batch": Term("discriminator", batch_game),
    "adversarial_batch": Term("autoencoders", batch_game),
    "classification": Term("both", classification, has_classes),
    "clustering": Term("both", clustering, has_classes),
    "link": Term("autoencoders", lambda step: step.guided.get("link"), several_modalities),
    "cycle": Term("autoencoders", lambda step: step.guided.get("cycle"), several_modalities),
    "pairing": Term("autoencoders", pairing, lambda step: bool(step.paired)),
}
