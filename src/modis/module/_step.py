from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch.distributions import Distribution

from .._constants import LABELS_KEY
from ..nn import DiscriminatorOutput
from ._networks import Encoded, Networks, Tensors


@dataclass
class Step:
    """What a loss term may look at: one minibatch in one of the two steps.

    Parameters
    ----------
    networks
        The networks.
    tensors, encoded
        Minibatch by modality, before and after the encoders.
    weights
        Weight by term.
    generator
        Whether the autoencoders learn (step 2), or the discriminator (step 1).
    px
        What was decoded from the minibatch, by modality; step 2 only.
    paired
        The same observations in two modalities, rows in the same order.

    Examples
    --------
    >>> import torch
    >>> from modis.module import MODISModule, Step
    >>> module = MODISModule({"rna": 20}, n_classes=2, likelihood={"rna": "gaussian"})
    >>> tensors = {"rna": {"X": torch.ones(4, 20), "labels": torch.tensor([0, 1, -1, 0])}}
    >>> encoded = module.inference(tensors)
    >>> step = Step(module, tensors, encoded, {"classification": 1.0}, generator=True)
    >>> tuple(step.judged.shape), tuple(step.class_logits.shape)
    ((4, 32), (4, 2))
    """

    networks: Networks
    tensors: Mapping[str, Tensors]
    encoded: Mapping[str, Encoded]
    weights: Mapping[str, float]
    generator: bool
    px: Mapping[str, Distribution] = field(default_factory=dict)
    paired: Mapping[str, Tensors] | None = None
    guided: dict[str, torch.Tensor] | None = field(default=None, init=False)

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
        """Class logits before the temperature, shape ``(n_obs, n_classes)``."""
        assert self.output.classes is not None
        return self.output.classes
