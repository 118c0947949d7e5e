from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import torch
from scipy import sparse
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.sparsefuncs import min_max_axis
from torch import nn

#: Ways to scale features; ``"none"`` leaves them as they are.
SCALINGS = ("standard", "minmax", "none")


class FeatureScaler(nn.Module):
    """Scaling of features, fitted to training samples and saved with the weights.

    ``"standard"`` gives zero mean and unit variance, clipped to ``[-max_value, max_value]`` as by
    :func:`scanpy.pp.scale`, so that no single outlier dominates the loss; ``"minmax"`` gives [0,
    1], as in the paper.
    """

    location: torch.Tensor
    scale: torch.Tensor
    center: torch.Tensor
    spread: torch.Tensor

    def __init__(
        self,
        n_input: int,
        scaling: Literal["standard", "minmax", "none"] = "standard",
        max_value: float = 10.0,
    ) -> None:
        super().__init__()
        if scaling not in SCALINGS:
            raise ValueError(f"scaling={scaling!r} is not known; choose one of {SCALINGS}.")
        self.scaling = scaling
        self.max_value = max_value
        # of the features, then of the scaled features
        for name in ("location", "center"):
            self.register_buffer(name, torch.zeros(n_input))
        for name in ("scale", "spread"):
            self.register_buffer(name, torch.ones(n_input))

    def fit(self, chunks: Iterable[Any]) -> None:
        """Learn location and scale from training rows: arrays or CSR, ``(n, n_input)`` each."""
        # sparse rows cannot be centred, but have a mean all the same
        standard, minmax = StandardScaler(with_mean=False), MinMaxScaler()
        for chunk in chunks:
            chunk = chunk.astype(np.float64)
            standard.partial_fit(chunk)
            is_sparse = sparse.issparse(chunk)
            minmax.partial_fit(np.stack(min_max_axis(chunk, axis=0)) if is_sparse else chunk)
        mean, deviation = standard.mean_, standard.scale_
        location, scale = {
            "standard": (mean, deviation),
            # scikit-learn's scale_ already reads 1 for a constant feature
            "minmax": (minmax.data_min_, 1 / minmax.scale_),
            "none": (np.zeros_like(mean), np.ones_like(mean)),
        }[self.scaling]
        self.location.copy_(torch.from_numpy(location))
        self.scale.copy_(torch.from_numpy(scale))
        self.center.copy_(torch.from_numpy((mean - location) / scale))
        self.spread.copy_(torch.from_numpy(deviation / scale))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scale features of shape ``(n, n_input)``."""
        scaled = (x - self.location) / self.scale
        is_standard = self.scaling == "standard"
        return scaled.clamp(-self.max_value, self.max_value) if is_standard else scaled

    def inverse(self, x: torch.Tensor) -> torch.Tensor:
        """Bring scaled features of shape ``(n, n_input)`` back to the user's units."""
        return x * self.scale + self.location

    def standardize(self, scaled: torch.Tensor) -> torch.Tensor:
        """Bring scaled features ``(n, n_input)`` to zero mean and unit variance."""
        return (scaled - self.center) / self.spread
