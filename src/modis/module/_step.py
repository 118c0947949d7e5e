from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch.distributions import Distribution

from .._constants import LABELED_KEY, LABELS_KEY, ROW_WEIGHTS_KEY
from ..nn import DiscriminatorOutput
from ._module import Encoded, Minibatch, MODISModule


@dataclass
class Step:
    """What a loss term may look at: a minibatch of every modality in one of the two steps.

    ``tensors`` and ``encoded`` are the minibatch before and after the encoders, ``px`` is what
    was decoded from it (step 2 only), and ``paired`` are the same observations in two modalities,
    rows in the same order.
    """

    networks: MODISModule
    tensors: Mapping[str, Minibatch]
    encoded: Mapping[str, Encoded]
    weights: Mapping[str, float]
    #: Whether the autoencoders learn (step 2), or the discriminator (step 1).
    generator: bool
    px: Mapping[str, Distribution] = field(default_factory=dict)
    paired: Mapping[str, Minibatch] | None = None
    #: What terms on translations share, once it is computed.
    guided: dict[str, torch.Tensor] | None = field(default=None, init=False)

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
    def labels(self) -> torch.Tensor:
        """Class codes of all modalities, shape ``(n_obs,)``, negative where unlabelled."""
        return torch.cat([own[LABELS_KEY] for own in self.tensors.values()])

    @cached_property
    def judged(self) -> torch.Tensor:
        """Latent points that the discriminator sees, ``(n_obs, n_latent)``; detached in step 1."""
        items = self.encoded.values()
        if self.networks.architecture.discriminator_input == "mean":
            points = torch.cat([item.qz.mean for item in items])
        else:
            points = torch.cat([item.z for item in items])
        return points if self.generator else points.detach()

    @cached_property
    def output(self) -> DiscriminatorOutput:
        """What the discriminator says of them."""
        output: DiscriminatorOutput = self.networks.discriminator(self.judged)
        return output

    @property
    def class_logits(self) -> torch.Tensor:
        """Class logits, shape ``(n_obs, n_classes)``."""
        assert self.output.classes is not None
        return self.output.classes
