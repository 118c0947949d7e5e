from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from sklearn.decomposition import PCA
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    import numpy as np

__all__ = ["PrincipalComponents"]


class PrincipalComponents(nn.Module):
    """Projection on the leading principal components, fitted on training samples and then fixed.

    The scores are divided by one common number, so that the whole of them has unit variance and
    the leading components stay the larger ones: a linear map of them that is kept small relies
    on these, as ridge regression does.

    Parameters
    ----------
    n_input
        Number of features.
    n_components
        Number of components, at most `n_input`.
    """

    components: torch.Tensor

    def __init__(self, n_input: int, n_components: int) -> None:
        super().__init__()
        if not 1 <= n_components <= n_input:
            raise ValueError(f"n_components={n_components} must be from 1 to {n_input}.")
        # a random projection until it is fitted
        start = torch.linalg.qr(torch.randn(n_input, n_components)).Q.T.contiguous()
        self.register_buffer("components", start)

    def fit(self, x: np.ndarray) -> None:
        """Find the components.

        Parameters
        ----------
        x
            Scaled features of training samples, whose mean is near zero, shape ``(n, n_input)``.
            With fewer samples than components the last components stay zero.
        """
        n_found = min(len(self.components), *x.shape)
        found = PCA(n_found, svd_solver="auto", random_state=0).fit(x)
        spread = float(found.explained_variance_.mean()) ** 0.5
        self.components.zero_()
        self.components[:n_found] = torch.as_tensor(
            found.components_ / (spread or 1.0), dtype=self.components.dtype
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Project scaled features ``(n, n_input)`` to ``(n, n_components)``."""
        return functional.linear(x, self.components)

    def extra_repr(self) -> str:
        """Show the number of features and components."""
        n_components, n_input = self.components.shape
        return f"{n_input} features, {n_components} components"
