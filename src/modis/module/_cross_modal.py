"""Loss terms that translate from one modality into another."""

import torch

from .._constants import BATCH_KEY, LABELS_KEY, X_KEY
from . import _losses as losses
from ._module import MODISModule
from ._step import Step

# A modality with this many labelled samples of every class learns best from them alone. With
# fewer of one it learns from translations, too.
_ENOUGH_LABELED = 5


def link(step: Step) -> torch.Tensor | None:
    """Translations should have the profile that the linked features of their source predict."""
    return _guided(step).get("link")


def cycle(step: Step) -> torch.Tensor | None:
    """Labelled samples, translated into another modality and encoded there, keep their class.

    That shows an encoder the classes of which its modality has few labelled samples, or none.
    """
    return _guided(step).get("cycle")


def _guided(step: Step) -> dict[str, torch.Tensor]:
    """Both terms on translations, computed once per step: they share what is decoded."""
    if step.guided is None:
        step.guided = _compute_guided(step)
    return step.guided


def _compute_guided(step: Step) -> dict[str, torch.Tensor]:
    networks, encoded = step.networks, step.encoded
    linked, cycled = set(), set()
    if step.weights.get("link"):
        linked = {pair for pair in networks.link_maps if encoded.keys() >= set(pair)}
    if step.weights.get("cycle") and networks.n_classes:
        cycled = {
            (source, target)
            for source, target in _random_targets(list(encoded))
            if _lacks_labels(networks, target) and len(step.labeled(source)) > 1
        }
    links, cycles = [], []
    # in a fixed order, or the same seed would not give the same draws
    for source, target in sorted(linked | cycled):
        other = encoded[target]
        # whose batch and whose noise the translation takes
        n, device = len(encoded[source].z), other.z.device
        partners = torch.randint(len(other.z), (n,), device=device)
        batch = step.tensors[target][BATCH_KEY][partners]
        decoded = networks.decoder(target)(encoded[source].z, batch)
        translated = networks.scaled_mean(target, decoded)
        if (source, target) in linked:
            links.append(networks.link_loss(source, target, encoded[source], translated).mean())
        if (source, target) in cycled:
            # of all classes: from one alone, an encoder learns what translations look like
            rows = step.labeled(source)
            labels = step.tensors[source][LABELS_KEY][rows]
            noise = other.x_scaled - networks.scaled_mean(target, step.px[target])
            returned = networks.encoder(target)((translated + noise[partners])[rows].detach())
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


def _lacks_labels(networks: MODISModule, modality: str) -> bool:
    """Whether a modality has few labelled samples of a class, or none."""
    counts = networks.label_counts.get(modality)
    return counts is None or bool((counts < _ENOUGH_LABELED).any())


def _random_targets(names: list[str]) -> list[tuple[str, str]]:
    """One other modality for each, every one chosen once."""
    shift = int(torch.randint(1, len(names), ()))
    return [(name, names[(k + shift) % len(names)]) for k, name in enumerate(names)]
