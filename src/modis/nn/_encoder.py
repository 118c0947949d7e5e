from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.distributions import Normal

from ._blocks import blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._blocks import BlockStyle

__all__ = ["Encoder"]

# exp(logvar) outside these bounds overflows the KL term long before it means anything
_LOG_VARIANCE_BOUNDS = (-12.0, 6.0)


class Encoder(nn.Module):
    r"""Posterior of one modality, :math:`q(z \mid x) = N(\mu(x), \mathrm{diag}\,\sigma(x)^2)`.

    Parameters
    ----------
    n_input
        Number of features.
    n_latent
        Dimensions of the latent space.
    n_hidden
        Sizes of the hidden layers.
    style
        What each hidden layer holds besides the linear map.
    linear_tail
        Whether a linear layer without activation stands between the last hidden layer and
        the two heads, as in the paper.
    input_dropout
        Share of features that are set to their mean while training, in [0, 1).
    """

    def __init__(
        self,
        n_input: int,
        n_latent: int,
        n_hidden: Sequence[int],
        style: BlockStyle,
        *,
        linear_tail: bool = False,
        input_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.input_dropout = nn.Dropout(input_dropout)
        self.trunk = blocks([n_input, *n_hidden], style)
        if linear_tail:
            self.trunk.append(nn.Linear(n_hidden[-1], n_hidden[-1]))
        self.mean = nn.Linear(n_hidden[-1], n_latent)
        self.log_variance = nn.Linear(n_hidden[-1], n_latent)

    def forward(self, x: torch.Tensor) -> Normal:
        """Encode scaled features.

        Parameters
        ----------
        x
            Scaled features, shape ``(n, n_input)``.

        Returns
        -------
        Posterior with batch shape ``(n, n_latent)``.
        """
        hidden = self.trunk(self.input_dropout(x))
        log_variance = self.log_variance(hidden).clamp(*_LOG_VARIANCE_BOUNDS)
        return Normal(self.mean(hidden), (0.5 * log_variance).exp(), validate_args=False)
