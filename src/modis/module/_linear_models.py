from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from ..nn import Tensors


class Weighing(NamedTuple):
    """How a modality is combined with others; arrays ``(n_classes,)``.

    `log_prior` are log-frequencies of the classes, NaN without evidence for a class. Only then is
    `log_rarity` not 0: the log of half a sample over the number expected.
    """

    weight: float
    log_prior: np.ndarray
    log_rarity: np.ndarray


class LinearModels(Tensors):
    """What closed-form linear models say of scaled features ``(n, n_features)``, by modality code.

    Of a modality ``i``: maps ``class_weight_i``, ``guest_weight_i``, ``deviation_weight_i``
    ``(n_classes, n_features)`` with ``class_bias_i``, ``guest_bias_i`` and ``class_seen_i``;
    ``share_i`` ``(2,)`` of linear model and networks; ``basis_i`` ``(n_components, n_features)``
    with ``center_i``; ``axes_i`` ``(n_components, n_axes)`` by pairs, and ``linked_i`` by links
    with ``linked_mean_i`` by class.
    Of translations into ``j``: ``mean_j`` by class, ``location_j``, ``spread_j``; ``offset_j``
    ``(n_conditions, n_targets)``, each column of codes from its ``first_condition`` on, numbers
    last. From ``i`` into ``j``: ``ridge_i_j`` ``(n_components, n_targets)``, ``intercept_i_j``,
    weight ``by_class_i_j`` of the class means; by links, ``class_ridge_i_j`` takes the classes'
    share of the ridge away. Of the latent space: ``from_i``, ``turn_i`` and ``onto``, see
    :func:`modis.linear.align`; ``place`` ``(n_coordinates, n_latent)``, ``scale`` of its four
    parts. Of all modalities: ``combination``, ``log_prior``, ``log_rarity`` of :class:`Weighing`.
    """

    #: A modality does not rule out a class that it never saw.
    LEAST_LOG_PROBABILITY = -14.0

    def class_log_probability(
        self, code: int, x_scaled: torch.Tensor, missing: torch.Tensor | None = None
    ) -> torch.Tensor | None:
        """Log-probabilities of the classes, ``(n, n_classes)``; `None` without a model.

        Of classes that the modality lacks its guest map tells, which other modalities taught.
        """
        if f"class_weight_{code}" not in self:
            return None
        weight, bias = self[f"class_weight_{code}"], self[f"class_bias_{code}"]
        logits = functional.linear(x_scaled, weight, bias)
        if f"deviation_weight_{code}" in self:
            deviations = self.deviations(code, x_scaled, missing)
            logits = logits + deviations @ self[f"deviation_weight_{code}"].T
        unseen = self[f"class_seen_{code}"] == 0
        own = logits.masked_fill(unseen, -torch.inf).log_softmax(dim=-1)
        if f"guest_weight_{code}" in self:
            weight, bias = self[f"guest_weight_{code}"], self[f"guest_bias_{code}"]
            own = _joined(own, functional.linear(x_scaled, weight, bias), unseen)
        return own.clamp(min=self.LEAST_LOG_PROBABILITY)

    def pool(
        self, code: int, x_scaled: torch.Tensor, linear: torch.Tensor, networks: torch.Tensor
    ) -> torch.Tensor:
        """Log-probabilities ``(n, n_classes)``, pooled from those of linear models and networks.

        Classes that the modality lacks and no guest map knows have the probability that the
        networks say, with what the distance from all other classes adds, above a threshold.
        """
        share = self[f"share_{code}"]
        pooled = (share[0] * linear + share[1] * networks).log_softmax(dim=-1)
        if f"unseen_bias_{code}" not in self:
            return pooled
        unseen = self[f"class_seen_{code}"] == 0
        added = self.distance(code, x_scaled)[:, None] - self[f"unseen_bias_{code}"]
        pooled = pooled.masked_fill(unseen, -torch.inf).log_softmax(dim=-1)
        return _joined(pooled, networks + unseen * added, unseen)

    def distance(self, code: int, x_scaled: torch.Tensor) -> torch.Tensor:
        """How few training samples are as far from all classes, ``(n,)``.

        The negative log of that share, times how well distances tell classes that are left out.
        """
        names = ("center", "basis", "whiten", "means", "distances")
        center, basis, whiten, means, null = (self[f"alarm_{code}_{name}"] for name in names)
        points = (x_scaled - center) @ basis.T @ whiten
        nearest = torch.cdist(points, means).min(dim=1).values.square().detach()
        share = (1 + len(null) - torch.searchsorted(null, nearest)) / (len(null) + 1)
        return -self[f"worth_{code}"] * share.log()

    def weighing(self, modalities: Iterable[str]) -> dict[str, Weighing] | None:
        """How each modality is combined with others; `None` without a model."""
        if "combination" not in self:
            return None
        tables = map(self.array, ("combination", "log_prior", "log_rarity"))
        return dict(zip(modalities, map(Weighing, *tables), strict=True))

    @property
    def n_axes(self) -> tuple[int, ...]:
        """Axes that modalities share by pairs, and by links."""
        kinds = "axes", "linked"
        found = ([self[n].shape[1] for n in self._buffers if n.startswith(k)] for k in kinds)
        return tuple(max(own, default=0) for own in found)

    def components(self, code: int, x_scaled: torch.Tensor) -> torch.Tensor:
        """Principal components, ``(n, n_components)``."""
        return (x_scaled - self[f"center_{code}"]) @ self[f"basis_{code}"].T

    def deviations(
        self, code: int, x_scaled: torch.Tensor, missing: torch.Tensor | None = None
    ) -> torch.Tensor:
        """How far features are from their means, ``(n, n_features)``.

        A value that was filled is near its mean. It is taken as far from it as is usual of its
        feature, times what is usual in its row.
        """
        apart = (x_scaled - self[f"center_{code}"]).abs()
        if missing is None or f"usual_deviation_{code}" not in self:
            return apart
        usual = self[f"usual_deviation_{code}"].expand_as(apart)
        found, expected = (own.masked_fill(missing, 0).sum(dim=1) for own in (apart, usual))
        row = found / expected.clamp(min=1e-6)
        return torch.where(missing, row[:, None] * usual, apart)

    def shared(
        self, code: int, x_scaled: torch.Tensor, log_probability: torch.Tensor
    ) -> torch.Tensor:
        """Coordinates that modalities share by pairs and by links, ``(n, sum(n_axes))``.

        By links they tell samples of a class apart only, by their direction from its mean.
        """
        by_pairs, by_links = (x_scaled.new_zeros((len(x_scaled), n)) for n in self.n_axes)
        if f"axes_{code}" in self:
            by_pairs = self.components(code, x_scaled) @ self[f"axes_{code}"]
        if f"linked_mean_{code}" in self:
            along = self.components(code, x_scaled) @ self[f"linked_{code}"]
            along = along - log_probability.exp() @ self[f"linked_mean_{code}"]
            by_links = functional.normalize(along, dim=-1)
        return torch.cat([by_pairs, by_links], dim=-1)

    def aligned(
        self, code: int, mean: torch.Tensor, log_probability: torch.Tensor
    ) -> torch.Tensor:
        """Networks' latent points ``(n, n_latent)`` with the spread that all modalities share."""
        has_classes = log_probability.shape[1] > 0
        probability = log_probability.exp() if has_classes else mean.new_ones((len(mean), 1))
        rest = mean - probability @ self[f"from_{code}"]
        return rest @ self[f"turn_{code}"] + probability @ self["onto"]

    def translate(
        self,
        source: int,
        target: int,
        x_scaled: torch.Tensor,
        log_probability: torch.Tensor,
        conditions: torch.Tensor,
    ) -> torch.Tensor:
        """Profiles of the target under `conditions`, ``(n, n_targets)``."""
        translated = log_probability.exp() @ self[f"mean_{target}"]
        if f"ridge_{source}_{target}" in self:
            pair = f"{source}_{target}"
            translated = self[f"by_class_{pair}"] * translated + torch.addmm(
                self[f"intercept_{pair}"], self.components(source, x_scaled), self[f"ridge_{pair}"]
            )
            if f"class_ridge_{pair}" in self:
                translated = translated - log_probability.exp() @ self[f"class_ridge_{pair}"]
        translated = translated + self.offset(target, conditions.to(translated.device))
        return translated * self[f"spread_{target}"] + self[f"location_{target}"]

    def offset(self, code: int, conditions: torch.Tensor) -> torch.Tensor:
        """What batch and covariates add to a standardised profile, ``(n, n_features)``.

        `conditions` are codes and numbers of shape ``(n, 1 + n_covariates)``.
        """
        first, offset = self["first_condition"].long(), self[f"offset_{code}"]
        codes, numbers = conditions[:, : len(first)].long(), conditions[:, len(first) :]
        slopes = offset[len(offset) - numbers.shape[1] :]
        return offset[codes + first].sum(dim=1) + numbers.to(offset.dtype) @ slopes


def _joined(own: torch.Tensor, logits: torch.Tensor, unseen: torch.Tensor) -> torch.Tensor:
    """Log-probabilities of unseen classes by other logits; seen ones share the rest as before."""
    told = logits.log_softmax(dim=-1)
    known = told.masked_fill(unseen, -torch.inf).logsumexp(dim=-1, keepdim=True)
    return torch.where(unseen, told, own + known)
