"""The loss: one row of ``TERMS`` per term."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from .._constants import BATCH_KEY
from . import _losses as losses
from ._cross_modal import cycle, link, pairing
from ._step import Step


@dataclass(frozen=True)
class Term:
    """One row of the loss: who learns from it, what computes it, and where it applies.

    The discriminator learns in step 1 (equation 1 of the paper), the autoencoders in step 2
    (equation 2). The function returns a tensor without dimensions, or `None` where the minibatch
    has nothing for the term.
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
        value = term.function(step)
        if value is not None:
            terms[name] = value
    return terms


def weighted_sum(terms: Mapping[str, torch.Tensor], weights: Mapping[str, float]) -> torch.Tensor:
    """Loss of a step; 0, from which nothing can learn, without any term."""
    if not terms:
        return torch.zeros(())
    return torch.stack([weights[name] * term for name, term in terms.items()]).sum()


# conditions -------------------------------------------------------------------------------------


def several_modalities(step: Step) -> bool:
    """Whether there is more than one modality."""
    return len(step.encoded) > 1


def has_classes(step: Step) -> bool:
    """Whether there are classes to learn."""
    return step.networks.n_classes > 0


def has_batches(step: Step) -> bool:
    """Whether there are batches to distinguish."""
    return step.networks.discriminator.batch_head is not None


# reconstruction ---------------------------------------------------------------------------------


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

    Rows weigh as in the reconstruction, but never less than 1: the class terms count every
    labelled row in full, and without their KL nothing would hold the posteriors of a few.
    """
    each = [
        step.networks.kl_scale(name)
        * losses.weighted_mean(
            losses.kl_to_standard_normal(item.qz), step.row_weights(name).clamp(min=1)
        )
        for name, item in step.encoded.items()
    ]
    return torch.stack(each).sum()


# which modality, which batch --------------------------------------------------------------------


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
    """Either side's adversarial term over batches, within each modality.

    The discriminator chooses among the batches that a modality has; modalities of a single batch
    take no part: there telling batches apart would be telling modalities apart.
    """
    head = step.networks.discriminator.batch_head
    assert head is not None
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


# classes ----------------------------------------------------------------------------------------


def classification(step: Step) -> torch.Tensor:
    """Cross-entropy of the classes."""
    return losses.class_cross_entropy(step.class_logits, step.labels)


def clustering(step: Step) -> torch.Tensor:
    """Compact and separated classes, where the class head looks."""
    sees_latent = step.networks.discriminator.linear_class_head
    return losses.clustering(
        step.class_logits.softmax(dim=-1), step.judged if sees_latent else step.output.hidden
    )


#: Every term of the loss by name, in the order of computation.
TERMS: dict[str, Term] = {
    "reconstruction": Term("autoencoders", reconstruction),
    "kl": Term("autoencoders", kl),
    "modality": Term("discriminator", modality_game, several_modalities),
    "gradient_penalty": Term("discriminator", gradient_penalty, several_modalities),
    "adversarial": Term("autoencoders", modality_game, several_modalities),
    "batch": Term("discriminator", batch_game, has_batches),
    "adversarial_batch": Term("autoencoders", batch_game, has_batches),
    "classification": Term("both", classification, has_classes),
    "clustering": Term("both", clustering, has_classes),
    "link": Term("autoencoders", link, several_modalities),
    "cycle": Term("autoencoders", cycle, several_modalities),
    "pairing": Term("autoencoders", pairing, lambda step: bool(step.paired)),
}
