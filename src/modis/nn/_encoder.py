from collections.abc import Sequence

import torch
from torch import nn
from torch.distributions import Normal

from ._blocks import BlockStyle, blocks

# exp(logvar) outside these bounds overflows the KL term long before it means anything
_LOG_VARIANCE_BOUNDS = (-12.0, 6.0)


class Encoder(nn.Module):
    r"""Posterior of one modality, :math:`q(z \mid x) = N(\mu(x), \mathrm{diag}\,\sigma(x)^2)`.

    Without hidden layers it is linear. With `linear_tail`, a linear layer without activation
    precedes the two heads, as in the paper. `input_dropout` is the share of features that are set
    to their mean while training.
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
        sizes = [n_input, *n_hidden]
        self.trunk = blocks(sizes, style)
        if linear_tail:
            self.trunk.append(nn.Linear(sizes[-1], sizes[-1]))
        self.mean = nn.Linear(sizes[-1], n_latent)
        self.log_variance = nn.Linear(sizes[-1], n_latent)

    def forward(self, x: torch.Tensor) -> Normal:
        """Posterior, batch shape ``(n, n_latent)``, of scaled features ``(n, n_input)``."""
        hidden = self.trunk(self.input_dropout(x))
        log_variance = self.log_variance(hidden).clamp(*_LOG_VARIANCE_BOUNDS)
        return Normal(self.mean(hidden), (0.5 * log_variance).exp(), validate_args=False)
