from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from scvi.module.base import auto_move_data

from ..nn import CountDecoder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import nn
    from torch.distributions import Distribution

    from ..nn import Decoder, Encoder, FeatureScaler

__all__ = ["ScalingMixin"]


class ScalingMixin:
    """What the encoders see: features scaled as the training samples tell."""

    if TYPE_CHECKING:
        # the module's
        scalers: nn.ModuleDict
        encoders: nn.ModuleDict

        def decoder(self, modality: str) -> Decoder: ...

    def scaler(self, modality: str) -> FeatureScaler:
        """Scaler of one modality."""
        return cast("FeatureScaler", self.scalers[modality])

    def fit_scaler(self, modality: str, chunks: Iterable[np.ndarray]) -> None:
        """Learn one modality's scaling (and typical library size) from training rows.

        Parameters
        ----------
        modality
            Name of the modality.
        chunks
            Training rows in the user's units, in pieces of shape ``(n, n_features)``; walked
            over twice for counts.
        """
        decoder = self.decoder(modality)
        if isinstance(decoder, CountDecoder):
            libraries = np.concatenate([chunk.sum(axis=1) for chunk in chunks])
            decoder.typical_library.fill_(float(np.median(libraries)))
        self.scaler(modality).fit(
            self._log_normalize(modality, torch.as_tensor(chunk))[0].numpy() for chunk in chunks
        )

    def fit_projection(self, modality: str, x: np.ndarray) -> None:
        """Learn one modality's principal components, if its encoder sees them.

        Parameters
        ----------
        modality
            Name of the modality.
        x
            Training rows in the user's units, shape ``(n, n_features)``; after
            :meth:`fit_scaler`.
        """
        projection = cast("Encoder", self.encoders[modality]).projection
        if projection is not None:
            projection.fit(self.scale(modality, torch.from_numpy(x)).cpu().numpy())

    def _log_normalize(
        self, modality: str, x: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """``log1p`` of counts at the typical depth, and the library size; others unchanged."""
        decoder = self.decoder(modality)
        if not isinstance(decoder, CountDecoder):
            return x, None
        library = x.sum(dim=1, keepdim=True).clamp(min=1)
        return torch.log1p(x / library * decoder.typical_library.to(x.device)), library

    @auto_move_data
    def scale(self, modality: str, x: torch.Tensor) -> torch.Tensor:
        """Features ``(n, n_features)`` in the user's units as the encoder sees them."""
        return self.scaler(modality)(self._log_normalize(modality, x)[0])

    def scaled_mean(self, modality: str, px: Distribution) -> torch.Tensor:
        """Expected features as the encoder would see them, shape ``(n, n_features)``."""
        if self.decoder(modality).scaled_output:
            return px.mean
        return self.scale(modality, px.mean)
