from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from . import _losses as losses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..nn import Discriminator, DiscriminatorOutput
    from ._encoded import Encoded

__all__ = ["BatchTerms"]


class BatchTerms:
    """The game over batches: like the one over modalities, but within each modality.

    The discriminator's batch head tells the batches of a modality apart, and the encoders learn
    to make that impossible. It chooses among the batches that the modality has, and modalities
    of a single batch take no part: where a batch has one modality only, telling batches apart
    is telling modalities apart, which is the other game.
    """

    if TYPE_CHECKING:
        # the module's
        discriminator: Discriminator
        batch_counts: dict[str, torch.Tensor]

    def batch_terms(
        self,
        output: DiscriminatorOutput,
        encoded: Mapping[str, Encoded],
        weights: Mapping[str, float],
        *,
        generator: bool,
    ) -> dict[str, torch.Tensor]:
        """Either side's term of the game over batches.

        Parameters
        ----------
        output
            What the discriminator said of the minibatches of all modalities, in their order.
        encoded
            Minibatch by modality.
        weights
            Weight by term; at weight 0, or without two batches in any modality, there is none.
        generator
            Whether the term is the encoders' (``adversarial_batch``: the mean over the other
            batches of the modality of the cross-entropy with that batch as the target) or the
            discriminator's (``batch``: the cross-entropy with the true batch).

        Returns
        -------
        The term by its name, or nothing.
        """
        name = "adversarial_batch" if generator else "batch"
        head = self.discriminator.batch_head
        if head is None or not weights.get(name):
            return {}
        game = losses.adversarial_cross_entropy if generator else losses.modality_cross_entropy
        rows, codes, row_weights = [], [], []
        hidden = output.hidden.split([len(item.z) for item in encoded.values()])
        for (modality, item), each in zip(encoded.items(), hidden, strict=True):
            possible = self._possible(modality, head.out_features).to(each.device)
            if item.batch is None or possible.sum() < 2:
                continue
            rows.append(head(each).masked_fill(~possible, -torch.inf))
            codes.append(item.batch.reshape(len(each), -1)[:, 0])
            row_weights.append(each.new_ones(len(each)) if item.weights is None else item.weights)
        if not rows:
            return {}
        return {name: game(torch.cat(rows), torch.cat(codes), torch.cat(row_weights))}

    def _possible(self, modality: str, n_batch: int) -> torch.Tensor:
        """Which batches a modality has in training, shape ``(n_batch,)``; all if not told."""
        counts = self.batch_counts.get(modality)
        return torch.ones(n_batch, dtype=torch.bool) if counts is None else counts > 0
