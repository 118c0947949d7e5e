from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from .._constants import BATCH_KEY, LABELS_KEY, X_KEY
from . import _losses as losses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn
    from torch.distributions import Distribution

    from ..nn import Decoder, Discriminator, FeatureScaler
    from ._encoded import Encoded
    from ._link_map import LinkMap

__all__ = ["CrossModalTerms"]

Tensors = dict[str, torch.Tensor]

# an unlabelled observation counts as one of its likeliest class from this probability on
_CONFIDENT = 0.9
# A modality with this many labelled samples of every class learns best from them alone. With
# fewer of one it learns from translations, too.
_ENOUGH_LABELED = 5


class CrossModalTerms:
    """Loss terms that translate from one modality into another: translation, links and cycle."""

    if TYPE_CHECKING:
        # the module's
        n_classes: int
        encoders: nn.ModuleDict
        discriminator: Discriminator
        link_maps: dict[tuple[str, str], LinkMap]
        label_counts: dict[str, torch.Tensor]

        def class_logits(self, z: torch.Tensor) -> torch.Tensor: ...
        def decoder(self, modality: str) -> Decoder: ...
        def encode(self, modality: str, x: torch.Tensor) -> Encoded: ...
        def scaler(self, modality: str) -> FeatureScaler: ...
        def scaled_mean(self, modality: str, px: Distribution) -> torch.Tensor: ...

    def translation_term(
        self, tensors: Mapping[str, Tensors], encoded: Mapping[str, Encoded]
    ) -> torch.Tensor:
        """Translate samples into one other modality, and compare within their class.

        Unpaired samples of two modalities share no more than their class, so that a translation
        can know no more. Each is held against a random sample of the target with its class:
        that leads to the mean of the class, and away from within-class detail that the source
        cannot know. Unlabelled samples take part with the class that the model gives them, once
        it is sure. Only decoders learn from it; through the encoders, it would pay to keep the
        modalities apart.

        Parameters
        ----------
        tensors, encoded
            Minibatch by modality, at least two.
        """
        classes = {
            name: self._likely_classes(item, tensors[name][LABELS_KEY])
            for name, item in encoded.items()
        }
        terms = []
        for source, target in _random_targets(list(encoded)):
            mate, batch = encoded[target], tensors[target].get(BATCH_KEY)
            without = None if (source, target) in self.link_maps else self._unseen(target)
            rows, mates = losses.class_mates(
                classes[source], classes[target], mate.weights, without
            )
            # batch normalisation cannot learn from a single row
            if len(rows) < 2:
                continue
            decoder = self.decoder(target)
            px = decoder(
                encoded[source].z[rows].detach(),
                None if batch is None else batch[mates],
                None if mate.library is None else mate.library[mates],
            )
            loss = decoder.loss(px, tensors[target][X_KEY][mates], mate.x_scaled[mates])
            own = encoded[source].weights
            terms.append(losses.weighted_mean(loss, None if own is None else own[rows]))
        return torch.stack(terms).sum() if terms else _nothing(encoded)

    def guided_terms(
        self,
        tensors: Mapping[str, Tensors],
        encoded: Mapping[str, Encoded],
        px: Mapping[str, Distribution],
        weights: Mapping[str, float],
    ) -> dict[str, torch.Tensor]:
        """Terms on translations: they follow the feature links, and keep the class.

        ``link``: a translation should have the profile that the linked features of its source
        predict. ``cycle``: a labelled sample, translated into another modality and encoded there,
        keeps its class. That shows an encoder the classes of which its modality has no labelled
        sample, or hardly any; modalities that have enough of every class need it not.

        Parameters
        ----------
        tensors, encoded, px
            Minibatch by modality, at least two, and what was decoded from it.
        weights
            Weight by term; those at weight 0 are not computed.
        """
        linked = set()
        if weights.get("link"):
            linked = {pair for pair in self.link_maps if encoded.keys() >= set(pair)}
        cycled = set()
        if weights.get("cycle") and self.n_classes:
            cycled = {
                (source, target)
                for source, target in _random_targets(list(encoded))
                if self._lacks_labels(target) and (tensors[source][LABELS_KEY] >= 0).sum() > 1
            }
        links, cycles = [], []
        # in a fixed order, or the same seed would not give the same draws
        for source, target in sorted(linked | cycled):
            other = encoded[target]
            # whose batch and whose noise the translation takes
            partners = torch.randint(len(other.z), (len(encoded[source].z),))
            batch = tensors[target].get(BATCH_KEY)
            decoded = self.decoder(target)(
                encoded[source].z, None if batch is None else batch[partners]
            )
            translated = self.scaled_mean(target, decoded)
            if (source, target) in linked:
                links.append(self.link_loss(source, target, encoded[source], translated).mean())
            if (source, target) in cycled:
                # of all classes: from one alone, an encoder learns what translations look like
                labels = tensors[source][LABELS_KEY]
                rows = labels >= 0
                noise = other.x_scaled - self.scaled_mean(target, px[target])
                returned = self.encoders[target]((translated + noise[partners])[rows].detach())
                logits = self.discriminator.classify(returned.mean)
                cycles.append(losses.class_cross_entropy(logits, labels[rows]))
        terms = {"link": links, "cycle": cycles}
        return {name: torch.stack(each).mean() for name, each in terms.items() if each}

    def pairing_term(self, paired: Mapping[str, Tensors]) -> torch.Tensor:
        """Pull the places together that an observation has in the latent space.

        Parameters
        ----------
        paired
            The same observations in two modalities, rows in the same order.
        """
        first, second = (self.encode(name, tensors[X_KEY]) for name, tensors in paired.items())
        return losses.squared_distance(first.qz.mean, second.qz.mean)

    def link_loss(
        self, source: str, target: str, encoded: Encoded, translated: torch.Tensor
    ) -> torch.Tensor:
        """Disagreement of a translation with the feature links, per observation.

        Parameters
        ----------
        source, target
            Linked modalities.
        encoded
            Minibatch of the source.
        translated
            Its translation, scaled as the target's encoder sees it, shape ``(n, n_target)``.

        Returns
        -------
        Tensor of shape ``(n,)``, between 0 and 2.
        """
        return self.link_maps[source, target].loss(
            self.scaler(source).standardize(encoded.x_scaled),
            self.scaler(target).standardize(translated),
        )

    def _lacks_labels(self, modality: str) -> bool:
        """Whether a modality has few labelled samples of a class, or none."""
        counts = self.label_counts.get(modality)
        return counts is None or bool((counts < _ENOUGH_LABELED).any())

    def _unseen(self, modality: str) -> torch.Tensor | None:
        """Codes of the classes of which a modality has no labelled sample."""
        counts = self.label_counts.get(modality)
        if counts is None or bool(counts.all()):
            return None
        return (
            (counts == 0).nonzero().squeeze(1).to(self.discriminator.modality_head.weight.device)
        )

    def _likely_classes(self, encoded: Encoded, labels: torch.Tensor) -> torch.Tensor:
        """Class codes, also of unlabelled samples of which the model is sure."""
        if bool((labels >= 0).all()):
            return labels
        with torch.no_grad():
            probability = self.class_logits(encoded.qz.mean).softmax(dim=-1)
        highest, likeliest = probability.max(dim=-1)
        guessed = torch.where(highest >= _CONFIDENT, likeliest, -1)
        return torch.where(labels >= 0, labels, guessed)


def _random_targets(names: list[str]) -> list[tuple[str, str]]:
    """One other modality for each, every one chosen once."""
    shift = int(torch.randint(1, len(names), ()))
    return [(name, names[(k + shift) % len(names)]) for k, name in enumerate(names)]


def _nothing(encoded: Mapping[str, Encoded]) -> torch.Tensor:
    return next(iter(encoded.values())).z.new_zeros(())
