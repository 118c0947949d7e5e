from __future__ import annotations

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import nn
from torch.nn import functional

# share of the largest variance below which a component is rounding
_LEAST_VARIANCE = 1e-6


class PrincipalComponents(nn.Module):
    """Projection on the leading principal components, fitted on training samples and then fixed.

    Samples are centred first: the mean over the features that vary is subtracted from each, so
    that depth, purity or overall methylation, which shift all features at once, play no part.
    The scores have mean zero and are divided by one common number. Their mean variance is 1, and
    the leading components stay the larger ones, on which a ridge penalty then relies.

    Parameters
    ----------
    n_input
        Number of features.
    n_components
        Number of components, at most `n_input`.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from modis.nn import PrincipalComponents
    >>> projection = PrincipalComponents(n_input=10, n_components=3)
    >>> projection.fit(np.random.default_rng(0).normal(size=(20, 10)))
    >>> projection
    PrincipalComponents(10 features, 3 components)
    >>> tuple(projection(torch.zeros(5, 10)).shape)
    (5, 3)
    """

    components: torch.Tensor
    offset: torch.Tensor

    def __init__(self, n_input: int, n_components: int) -> None:
        super().__init__()
        if not 1 <= n_components <= n_input:
            raise ValueError(f"n_components={n_components} must be from 1 to {n_input}.")
        # a random projection until it is fitted
        start = torch.linalg.qr(torch.randn(n_input, n_components)).Q.T.contiguous()
        self.register_buffer("components", start)
        self.register_buffer("offset", torch.zeros(n_components))

    def fit(self, x: np.ndarray) -> None:
        """Find the components of scaled training samples ``(n, n_input)``; 0 where none vary."""
        self.components.zero_()
        self.offset.zero_()
        varying = np.ptp(x, axis=0) > 0
        if not varying.any():
            return
        x = x[:, varying]
        largest = x.var(axis=0).max()
        x = x - x.mean(axis=1, keepdims=True)
        n_found = min(len(self.components), *x.shape)
        found = PCA(n_found, svd_solver="auto", random_state=0).fit(x)
        variance = found.explained_variance_
        varies = variance > _LEAST_VARIANCE * max(variance[0], largest)
        if not varies.any():
            return
        components = found.components_ * varies[:, None] / np.sqrt(variance[varies].mean())
        # so that they centre new samples, too
        components -= components.mean(axis=1, keepdims=True)
        dtype = self.components.dtype
        self.components[:n_found, varying] = torch.as_tensor(components, dtype=dtype)
        self.offset[:n_found] = torch.as_tensor(-components @ found.mean_, dtype=dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Project scaled features ``(n, n_input)`` to ``(n, n_components)``."""
        return functional.linear(x, self.components, self.offset)

    def extra_repr(self) -> str:
        """Show the number of features and components."""
        n_components, n_input = self.components.shape
        return f"{n_input} features, {n_components} components"
