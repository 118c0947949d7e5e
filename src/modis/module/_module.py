from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from scvi.module.base import BaseModuleClass, LossOutput, auto_move_data
from torch import nn

from .._constants import BATCH_KEY, LABELS_KEY, ROW_WEIGHTS_KEY, X_KEY
from ..nn import DECODERS, BlockStyle, CountDecoder, Discriminator, Encoder, FeatureScaler
from . import _losses as losses
from ._architecture import build_architecture
from ._batch_terms import BatchTerms
from ._class_terms import ClassTerms
from ._cross_modal import CrossModalTerms
from ._encoded import Encoded
from ._link_map import build_link_maps
from ._scaling import ScalingMixin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch.distributions import Distribution

    from ..data import LinkPair
    from ..nn import Decoder, DiscriminatorOutput

__all__ = ["ADVERSARIAL", "MODISModule"]

#: Forms of the modality game.
ADVERSARIAL = ("cross_entropy", "relativistic")

Tensors = dict[str, torch.Tensor]

# The paper's KL weight, 0.016 per observation, is that of an evidence lower bound per feature for
# so many features.
_KL_FEATURES = 62.5


class MODISModule(ScalingMixin, CrossModalTerms, BatchTerms, ClassTerms, BaseModuleClass):
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
    architecture
        Key of :data:`modis.module.ARCHITECTURES`.
    adversarial
        Form of the modality game: ``"cross_entropy"`` (the paper's) or ``"relativistic"``.
    links
        Linked features by pair of modalities; they guide translations both ways.
    **overrides
        Fields of :class:`~modis.module.Architecture` that differ from the named one.

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

    def __init__(
        self,
        n_input: Mapping[str, int],
        n_classes: int,
        likelihood: Mapping[str, str],
        n_batch: int = 0,
        n_cats_per_cov: Sequence[int] = (),
        architecture: str = "default",
        adversarial: str = "cross_entropy",
        links: Mapping[tuple[str, str], LinkPair] | None = None,
        **overrides: Any,
    ) -> None:
        super().__init__()
        if adversarial not in ADVERSARIAL:
            raise ValueError(
                f"adversarial={adversarial!r} is not known; choose one of {ADVERSARIAL}."
            )
        self.architecture = build_architecture(architecture, **overrides)
        self.adversarial = adversarial
        self.n_classes = n_classes if n_classes > 1 else 0
        self.modality_codes = {name: code for code, name in enumerate(n_input)}
        sizes = self.architecture
        self.scalers = nn.ModuleDict()
        self.encoders = nn.ModuleDict()
        self.decoders = nn.ModuleDict()
        for name, n_features in n_input.items():
            hidden = [sizes.hidden_units(n_features)] * sizes.n_layers
            decoder_hidden = [sizes.hidden_units(n_features)] * (
                max(1, sizes.n_layers) + sizes.linear_tail
            )
            n_components = sizes.components(n_features)
            self.scalers[name] = FeatureScaler(n_features, sizes.scaling)
            self.encoders[name] = Encoder(
                n_features,
                sizes.n_latent,
                hidden,
                sizes.style,
                linear_tail=sizes.linear_tail,
                input_dropout=sizes.input_dropout
                if n_components is None
                else sizes.component_dropout,
                n_components=n_components,
            )
            self.decoders[name] = DECODERS[likelihood[name]](
                sizes.n_latent, n_features, decoder_hidden, sizes.style, n_batch, n_cats_per_cov
            )
        # by pair of names, which no ModuleDict takes; the list below moves them between devices
        self.link_maps = build_link_maps(links or {}, n_input)
        #: Labelled training samples by modality, shape ``(n_classes,)``; see the cycle term.
        self.label_counts: dict[str, torch.Tensor] = {}
        #: Training samples by modality, labelled or not; see the ridge term.
        self.n_train: dict[str, int] = {}
        #: Training samples of each batch by modality, shape ``(n_batch,)``.
        self.batch_counts: dict[str, torch.Tensor] = {}
        self._link_maps = nn.ModuleList(self.link_maps.values())
        self.discriminator = Discriminator(
            sizes.n_latent,
            len(n_input),
            self.n_classes,
            sizes.discriminator_hidden,
            BlockStyle(norm=None),
            linear_class_head=sizes.linear_class_head,
            n_batch=n_batch,
            # its loss term belongs to linear encoders
            temperature=sizes.n_layers == 0,
        )

    @property
    def modalities(self) -> list[str]:
        """Names of the modalities, in the order of the discriminator's logits."""
        return list(self.modality_codes)

    def decoder(self, modality: str) -> Decoder:
        """Decoder of one modality."""
        return cast("Decoder", self.decoders[modality])

    # one modality -----------------------------------------------------------------------------

    @auto_move_data
    def encode(self, modality: str, x: torch.Tensor) -> Encoded:
        """Encode features of one modality.

        Parameters
        ----------
        modality
            Name of the modality.
        x
            Features in the user's units, shape ``(n, n_features)``.
        """
        transformed, library = self._log_normalize(modality, x)
        x_scaled = self.scaler(modality)(transformed)
        qz = self.encoders[modality](x_scaled)
        return Encoded(x_scaled, qz, qz.rsample(), library)

    @auto_move_data
    def decode(
        self,
        modality: str,
        z: torch.Tensor,
        batch: torch.Tensor | None = None,
        library: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Expected features in the user's units.

        Parameters
        ----------
        modality
            Modality to decode into.
        z
            Latent points, shape ``(n, n_latent)``.
        batch
            Codes of the batch and of each covariate, shape ``(n, 1 + n_covariates)``, or ``(n,)``
            without covariates.
        library
            Total counts, shape ``(n, 1)``; the typical depth of the training data by default.

        Returns
        -------
        Tensor of shape ``(n, n_features)``.
        """
        decoder = self.decoder(modality)
        expected = decoder(z, batch, library).mean
        return self.scaler(modality).inverse(expected) if decoder.scaled_output else expected

    @auto_move_data
    def classify(self, z: torch.Tensor) -> torch.Tensor:
        """Class probabilities ``(n, n_classes)`` of latent points ``(n, n_latent)``."""
        return self.class_logits(z).softmax(dim=-1)

    # all modalities of a minibatch -------------------------------------------------------------

    def _get_inference_input(self, tensors: Mapping[str, Tensors]) -> dict[str, Any]:
        return {"tensors": tensors}

    def inference(self, tensors: Mapping[str, Tensors]) -> dict[str, Encoded]:
        """Encode a minibatch of every modality."""
        return {
            name: self.encode(name, batch[X_KEY])._replace(
                weights=batch.get(ROW_WEIGHTS_KEY), batch=batch.get(BATCH_KEY)
            )
            for name, batch in tensors.items()
        }

    def _get_generative_input(
        self, tensors: Mapping[str, Tensors], inference_outputs: dict[str, Encoded]
    ) -> dict[str, Any]:
        return {"tensors": tensors, "encoded": inference_outputs}

    def generative(
        self, tensors: Mapping[str, Tensors], encoded: Mapping[str, Encoded]
    ) -> dict[str, Distribution]:
        """Decode every modality's latent points into that modality."""
        return {
            name: self.decoder(name)(item.z, tensors[name].get(BATCH_KEY), item.library)
            for name, item in encoded.items()
        }

    def reconstruction_terms(
        self,
        tensors: Mapping[str, Tensors],
        encoded: Mapping[str, Encoded],
        px: Mapping[str, Distribution],
    ) -> dict[str, torch.Tensor]:
        """Reconstruction and KL terms of equation 2, each summed over the modalities.

        The paper's weight of the KL term is for a squared error. Counts have a likelihood in
        nats, as the KL has, so that theirs is weighted as in the evidence lower bound.
        """
        reconstruction = [
            losses.weighted_mean(
                self.decoder(name).loss(px[name], tensors[name][X_KEY], item.x_scaled),
                item.weights,
            )
            for name, item in encoded.items()
        ]
        kl = [
            self.kl_scale(name) * losses.kl_to_standard_normal(item.qz)
            for name, item in encoded.items()
        ]
        return {"reconstruction": torch.stack(reconstruction).sum(), "kl": torch.stack(kl).sum()}

    def kl_scale(self, modality: str) -> float:
        """What the KL of a modality counts in the KL term; 1 but for counts."""
        decoder = self.decoder(modality)
        if not isinstance(decoder, CountDecoder):
            return 1.0
        return _KL_FEATURES / decoder.mean.out_features

    def discriminator_terms(
        self, encoded: Mapping[str, Encoded], labels: torch.Tensor, weights: Mapping[str, float]
    ) -> dict[str, torch.Tensor]:
        """Terms of equation 1: the encoders are frozen, the discriminator learns.

        Parameters
        ----------
        encoded
            Minibatch by modality.
        labels
            Class codes in the order of `encoded`, negative where unlabelled.
        weights
            Weight by term; the optional ones are not computed at weight 0.
        """
        z = self._judged(encoded).detach()
        output = self.discriminator(z)
        terms = {}
        if len(encoded) > 1:
            terms["modality"] = self._modality_game(output, encoded, generator=False)
            if weights.get("gradient_penalty"):
                terms["gradient_penalty"] = losses.gradient_penalty(
                    lambda points: self.discriminator(points).modality, z
                )
        terms |= self.batch_terms(output, encoded, weights, generator=False)
        return terms | self.class_terms(output, labels, weights, generator=False)

    def adversarial_terms(
        self, encoded: Mapping[str, Encoded], labels: torch.Tensor, weights: Mapping[str, float]
    ) -> dict[str, torch.Tensor]:
        """Terms of equation 2 that come from the frozen discriminator.

        Parameters
        ----------
        encoded
            Minibatch by modality.
        labels
            Class codes in the order of `encoded`, negative where unlabelled.
        weights
            Weight by term; the optional ones are not computed at weight 0.
        """
        output = self.discriminator(self._judged(encoded))
        terms = {}
        if len(encoded) > 1:
            terms["adversarial"] = self._modality_game(output, encoded, generator=True)
        terms |= self.batch_terms(output, encoded, weights, generator=True)
        return terms | self.class_terms(output, labels, weights, generator=True)

    def _judged(self, encoded: Mapping[str, Encoded]) -> torch.Tensor:
        """Latent points that the discriminator sees, ``(n_obs of all modalities, n_latent)``."""
        if self.architecture.discriminator_input == "mean":
            return torch.cat([item.qz.mean for item in encoded.values()])
        return torch.cat([item.z for item in encoded.values()])

    def _modality_game(
        self, output: DiscriminatorOutput, encoded: Mapping[str, Encoded], *, generator: bool
    ) -> torch.Tensor:
        codes = [self.modality_codes[name] for name in encoded]
        sizes = [len(item.z) for item in encoded.values()]
        given = [item.weights for item in encoded.values() if item.weights is not None]
        weights = torch.cat(given) if len(given) == len(encoded) else None
        if self.adversarial == "relativistic":
            logits = dict(zip(codes, output.modality.split(sizes), strict=True))
            if weights is None:
                return losses.relativistic(logits, generator=generator)
            split = dict(zip(codes, weights.split(sizes), strict=True))
            return losses.relativistic(logits, split, generator=generator)
        device = output.modality.device
        modality = torch.repeat_interleave(
            torch.tensor(codes, device=device), torch.tensor(sizes, device=device)
        )
        game = losses.adversarial_cross_entropy if generator else losses.modality_cross_entropy
        return game(output.modality, modality, weights)

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
            Weight by term. Where not named 1, or 0 for clustering, translation, link, cycle,
            ridge and adversarial_batch.

        Returns
        -------
        The weighted sum, with the unweighted terms under ``extra_metrics``.
        """
        weights = weights or {}
        labels = torch.cat([batch[LABELS_KEY] for batch in tensors.values()])
        terms = self.reconstruction_terms(tensors, inference_outputs, generative_outputs)
        terms |= self.adversarial_terms(inference_outputs, labels, weights)
        if weights.get("translation") and self.n_classes and len(tensors) > 1:
            terms["translation"] = self.translation_term(tensors, inference_outputs)
        if len(tensors) > 1:
            terms |= self.guided_terms(tensors, inference_outputs, generative_outputs, weights)
        if paired and weights.get("pairing"):
            terms["pairing"] = self.pairing_term(paired)
        total = losses.weighted_sum(terms, weights)
        return LossOutput(
            loss=total,
            extra_metrics={name: term.detach() for name, term in terms.items()},
            n_obs_minibatch=len(labels),
        )
