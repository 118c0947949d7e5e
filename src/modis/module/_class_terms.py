from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch

from . import _losses as losses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from ..nn import Discriminator, DiscriminatorOutput, Encoder
    from ._architecture import Architecture

__all__ = ["ClassTerms"]

# A modality with this many labelled samples needs no ridge penalty.
_MANY_LABELED = 500


class ClassTerms:
    """Loss terms of the class head."""

    if TYPE_CHECKING:
        # the module's
        architecture: Architecture
        encoders: nn.ModuleDict
        discriminator: Discriminator
        label_counts: dict[str, torch.Tensor]
        n_train: dict[str, int]

    def class_logits(self, z: torch.Tensor) -> torch.Tensor:
        """Class logits whose softmax are probabilities, ``(n, n_classes)`` for ``(n, n_latent)``.

        The losses see them before the temperature, but for its own term.

        Raises
        ------
        RuntimeError
            If there are no classes.
        """
        return self.discriminator.temper(self.discriminator.classify(z))

    def class_terms(
        self,
        output: DiscriminatorOutput,
        labels: torch.Tensor,
        weights: Mapping[str, float],
        *,
        generator: bool,
    ) -> dict[str, torch.Tensor]:
        """Either side's terms of the classes; none without a class head.

        ``classification``, ``clustering`` and ``ridge`` are the same on both sides.
        ``temperature``, the cross-entropy of the tempered logits, is the discriminator's only:
        nothing but the temperature learns from it.

        Parameters
        ----------
        output
            What the discriminator said of the minibatches of all modalities, in their order.
        labels
            Class codes in the same order, negative where unlabelled.
        weights
            Weight by term; the optional ones are not computed at weight 0.
        generator
            Whether the terms are the encoders' or the discriminator's.
        """
        if output.classes is None:
            return {}
        terms = {"classification": losses.class_cross_entropy(output.classes, labels)}
        if weights.get("clustering"):
            terms["clustering"] = losses.clustering(output.classes.softmax(dim=-1), output.hidden)
        if weights.get("ridge"):
            terms |= self._ridge_term(generator=generator)
        learns = not generator and self.discriminator.log_temperature is not None
        if learns and weights.get("temperature"):
            tempered = self.discriminator.temper(output.classes.detach())
            terms["temperature"] = losses.class_cross_entropy(tempered, labels)
        return terms

    def _ridge_term(self, *, generator: bool) -> dict[str, torch.Tensor]:
        """Size of the linear maps from what encoders see to class logits, if they are linear."""
        sizes, head = self.architecture, self.discriminator.class_head
        linear = sizes.n_layers == 0 and not sizes.linear_tail and sizes.linear_class_head
        if not linear or head is None:
            return {}
        terms = []
        for name, n in self.n_train.items():
            if self.label_counts[name].sum() >= _MANY_LABELED:
                continue
            weight = cast("Encoder", self.encoders[name]).mean.weight
            class_map = head.weight @ (weight if generator else weight.detach())
            terms.append(losses.ridge(class_map) / n)
        return {"ridge": torch.stack(terms).sum() / len(self.n_train)} if terms else {}
