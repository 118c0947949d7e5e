from collections.abc import Sequence

import torch
from torch import nn
from torch.distributions import Normal

from ._blocks import BlockStyle, blocks

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
        Sizes of the hidden layers; without any the encoder is linear.
    style
        Normalisation, activation and dropout of the hidden layers.
    linear_tail
        Whether a linear layer without activation precedes the two heads, as in the paper.
    input_dropout
        Share of features that are set to their mean while training, in
        [0, 1).

    Examples
    --------
    >>> import torch
    >>> from modis.nn import BlockStyle, Encoder
    >>> encoder = Encoder(n_input=100, n_latent=4, n_hidden=[16], style=BlockStyle())
    >>> qz = encoder(torch.zeros(3, 100))
    >>> tuple(qz.mean.shape), tuple(qz.stddev.shape)
    ((3, 4), (3, 4))
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
