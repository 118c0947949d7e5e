from __future__ import annotations

from collections.abc import Mapping

import torch
from scvi.module.base import LossOutput
from torch.distributions import Distribution

from ._networks import Encoded, Networks, Tensors
from ._step import Step
from ._terms import compute_terms


class MODISModule(Networks):
    """One variational autoencoder per modality and one discriminator in their latent space.

    Parameters
    ----------
    n_input
        Number of features by modality name.
    n_classes
        Number of classes; fewer than two build no class head.
    likelihood
        Key of :data:`modis.nn.DECODERS` by modality name.
    n_batch
        Number of batches that the decoders are conditioned on and that the discriminator can
        tell apart; fewer than two for none.
    n_cats_per_cov
        Number of categories of each covariate that the decoders are conditioned on as well.
    preset
        Key of :data:`modis.module.PRESETS`, or a preset.
    adversarial
        Form of the adversarial term: ``"cross_entropy"`` (the paper's) or ``"relativistic"``.
    links
        Linked features by pair of modalities; they guide translations both ways.
    **sizes
        Fields of :class:`~modis.module.Architecture` that differ from the preset's.

    References
    ----------
    Lepe-Soltero et al. (2025), *MODIS: Multi-Omics Data Integration for Small and Unpaired
    Datasets*, equations 1 and 2.

    Examples
    --------
    >>> import torch
    >>> from modis.module import MODISModule
    >>> module = MODISModule(
    ...     n_input={"rna": 20, "protein": 8},
    ...     n_classes=3,
    ...     likelihood={"rna": "nb", "protein": "gaussian"},
    ... )
    >>> encoded = module.encode("rna", torch.ones(4, 20))
    >>> tuple(encoded.z.shape)
    (4, 32)
    >>> tuple(module.decode("protein", encoded.z).shape)
    (4, 8)
    """

    def discriminator_terms(
        self,
        tensors: Mapping[str, Tensors],
        encoded: Mapping[str, Encoded],
        weights: Mapping[str, float] | None = None,
    ) -> dict[str, torch.Tensor]:
        """Terms of equation 1: the encoders are frozen, the discriminator learns.

        Parameters
        ----------
        tensors, encoded
            Minibatch by modality, before and after the encoders.
        weights
            Weights that differ from the preset's, by term.
        """
        weights = {**self.preset.loss_weights, **(weights or {})}
        return compute_terms(Step(self, tensors, encoded, weights, generator=False))

    def reconstruction_terms(
        self,
        tensors: Mapping[str, Tensors],
        encoded: Mapping[str, Encoded],
        px: Mapping[str, Distribution],
    ) -> dict[str, torch.Tensor]:
        """Reconstruction and KL alone, whatever their weights; arguments as in :meth:`loss`."""
        names = ("reconstruction", "kl")
        step = Step(self, tensors, encoded, dict.fromkeys(names, 1.0), True, px)
        return compute_terms(step)

    def loss(
        self,
        tensors: Mapping[str, Tensors],
        inference_outputs: dict[str, Encoded],
        generative_outputs: dict[str, Distribution],
        weights: Mapping[str, float] | None = None,
        paired: Mapping[str, Tensors] | None = None,
    ) -> LossOutput:
        """Loss of the autoencoders, equation 2.

        Parameters
        ----------
        tensors
            Minibatch by modality.
        inference_outputs, generative_outputs
            What :meth:`inference` and :meth:`generative` returned.
        weights
            Weights that differ from the preset's, by term.
        paired
            The same observations in two modalities, rows in the same order.

        Returns
        -------
        The weighted sum, with the unweighted terms under ``extra_metrics``.
        """
        weights = {**self.preset.loss_weights, **(weights or {})}
        step = Step(self, tensors, inference_outputs, weights, True, generative_outputs, paired)
        terms = compute_terms(step)
        return LossOutput(
            loss=torch.stack([weights[name] * term for name, term in terms.items()]).sum(),
            extra_metrics={name: term.detach() for name, term in terms.items()},
            n_obs_minibatch=len(step.labels),
        )
