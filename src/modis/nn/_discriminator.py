from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn

from ._blocks import BlockStyle, blocks


class DiscriminatorOutput(NamedTuple):
    """Logits ``(n, n_modalities)`` and ``(n, n_classes)``, and the hidden layer, of n points."""

    modality: torch.Tensor
    classes: torch.Tensor | None
    hidden: torch.Tensor


class Discriminator(nn.Module):
    """Classify latent points by modality, class and batch.

    The class head reads the latent point if it is linear, else the hidden layer; without classes
    there is none, and with fewer than two batches no batch head.
    """

    def __init__(
        self,
        n_latent: int,
        n_modalities: int,
        n_classes: int,
        n_hidden: Sequence[int],
        style: BlockStyle,
        *,
        linear_class_head: bool = False,
        n_batch: int = 0,
    ) -> None:
        super().__init__()
        self.linear_class_head = linear_class_head
        self.trunk = blocks([n_latent, *n_hidden], style)
        self.modality_head = nn.Linear(n_hidden[-1], n_modalities)
        n_class_input = n_latent if linear_class_head else n_hidden[-1]
        self.class_head = nn.Linear(n_class_input, n_classes) if n_classes else None
        #: Batch logits from the hidden layer; called only where batches play a part.
        self.batch_head = nn.Linear(n_hidden[-1], n_batch) if n_batch > 1 else None

    def forward(self, z: torch.Tensor) -> DiscriminatorOutput:
        """Return logits for latent points of shape ``(n, n_latent)``."""
        hidden, classes = self.trunk(z), None
        if self.class_head is not None:
            classes = self.class_head(z if self.linear_class_head else hidden)
        return DiscriminatorOutput(self.modality_head(hidden), classes, hidden)

    def classify(self, z: torch.Tensor) -> torch.Tensor:
        """Class logits of shape ``(n, n_classes)`` for latent points ``(n, n_latent)``."""
        if self.class_head is None:
            raise RuntimeError("This discriminator has no class head.")
        return self.class_head(z if self.linear_class_head else self.trunk(z))
