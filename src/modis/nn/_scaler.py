from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

__all__ = ["SCALINGS", "FeatureScaler"]

#: Ways to scale features; ``"none"`` leaves them as they are.
SCALINGS = ("standard", "minmax", "none")


class FeatureScaler(nn.Module):
    """Scaling of features that is fitted on training samples and remembered with the weights.

    Parameters
    ----------
    n_input
        Number of features.
    scaling
        ``"standard"`` (zero mean, unit variance), ``"minmax"`` ([0, 1], the paper's) or
        ``"none"``.
    max_value
        Standardised values are clipped to ``[-max_value, max_value]``, so that a single
        outlier does not own the reconstruction loss; the convention of
        :func:`scanpy.pp.scale`. Ignored by the other scalings.
    """

    location: torch.Tensor
    scale: torch.Tensor

    def __init__(self, n_input: int, scaling: str = "standard", max_value: float = 10.0) -> None:
        super().__init__()
        if scaling not in SCALINGS:
            raise ValueError(f"scaling={scaling!r} is not known; choose one of {SCALINGS}.")
        self.scaling = scaling
        self.max_value = max_value
        self.register_buffer("location", torch.zeros(n_input))
        self.register_buffer("scale", torch.ones(n_input))

    def fit(self, chunks: Iterable[np.ndarray]) -> None:
        """Learn location and scale.

        Parameters
        ----------
        chunks
            Training rows in pieces of shape ``(n, n_input)``.
        """
        if self.scaling == "none":
            return
        estimator = StandardScaler() if self.scaling == "standard" else MinMaxScaler()
        for chunk in chunks:
            estimator.partial_fit(chunk)
        if self.scaling == "standard":
            location, scale = estimator.mean_, estimator.scale_
        else:
            # scikit-learn's scale_ already reads 1 for a constant feature
            location, scale = estimator.data_min_, 1.0 / estimator.scale_
        self.location.copy_(torch.as_tensor(location, dtype=self.location.dtype))
        self.scale.copy_(torch.as_tensor(scale, dtype=self.scale.dtype))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scale features of shape ``(n, n_input)``."""
        if self.scaling == "none":
            return x
        scaled = (x - self.location) / self.scale
        return (
            scaled.clamp(-self.max_value, self.max_value) if self.scaling == "standard" else scaled
        )

    def inverse(self, x: torch.Tensor) -> torch.Tensor:
        """Bring scaled features of shape ``(n, n_input)`` back to the user's units."""
        return x if self.scaling == "none" else x * self.scale + self.location

    def extra_repr(self) -> str:
        """Show the scaling and the number of features."""
        return f"{self.location.numel()} features, scaling={self.scaling!r}"
