from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from scvi.distributions import NegativeBinomial, Poisson, ZeroInflatedNegativeBinomial
from torch import nn
from torch.distributions import Bernoulli, Beta, Distribution, Normal
from torch.nn import functional

from ._blocks import BlockStyle, blocks

# keeps beta values and probabilities off 0 and 1, where the log-likelihood is infinite
_UNIT_MARGIN = 1e-4
# of a learned log-variance, on either side of 0: standard deviations between 0.03 and 33
_LOG_VARIANCE_BOUND = 7.0
# how much faster than the networks the dispersions of counts learn
_THETA_RATE = 5.0


class Decoder(nn.Module, ABC):
    r"""Distribution of one modality's features given a latent point, :math:`p(x \mid z)`.

    It is conditioned on `n_batch` batches, on categorical covariates with these numbers of
    categories (fewer than two condition on nothing), and on covariates that are numbers.
    """

    #: Whether the distribution is one of scaled features, which must be scaled back.
    scaled_output: ClassVar[bool] = False

    def __init__(
        self,
        n_latent: int,
        n_output: int,
        n_hidden: Sequence[int],
        style: BlockStyle,
        n_batch: int = 0,
        n_cats_per_cov: Sequence[int] = (),
        n_continuous_cov: int = 0,
    ) -> None:
        super().__init__()
        #: Categories of the batch and of each covariate.
        self.n_categories = [n_batch, *n_cats_per_cov]
        self.n_continuous = n_continuous_cov
        n_conditions = sum(n for n in self.n_categories if n > 1) + n_continuous_cov
        self.trunk = blocks([n_latent + n_conditions, *n_hidden], style)
        self.mean = nn.Linear(n_hidden[-1], n_output)
        self._add_parameters(n_hidden[-1], n_output)

    def _add_parameters(self, n_last: int, n_output: int) -> None:
        """Build what the likelihood has besides the mean; `n_last` hidden units feed it."""

    def forward(
        self,
        z: torch.Tensor,
        batch: torch.Tensor | None = None,
        library: torch.Tensor | None = None,
    ) -> Distribution:
        """Distribution, batch shape ``(n, n_output)``, at latent points ``(n, n_latent)``.

        `batch` has codes of the batch and of each categorical covariate, then the continuous ones,
        ``(n, 1 + n_covariates)``, or ``(n,)``. `library` has the total counts, ``(n, 1)``, for
        count likelihoods; by default the typical depth of the training data.
        """
        return self._distribution(self._hidden(z, batch), library)

    def _hidden(self, z: torch.Tensor, batch: torch.Tensor | None) -> torch.Tensor:
        """Last hidden layer; the first has the latent points and one-hot codes of conditions.

        Columns of categories are looked up: what is said of a batch stays the same, to the last
        digit, when others are added.
        """
        columns = [k for k, n in enumerate(self.n_categories) if n > 1]
        if not columns and not self.n_continuous:
            return self.trunk(z)
        if batch is None:
            raise ValueError("This decoder is conditioned on batches or covariates: give them.")
        codes = batch.reshape(len(z), -1)
        sizes = [z.shape[1], *(self.n_categories[k] for k in columns), self.n_continuous]
        layers = iter(self.trunk)
        first: nn.Linear = next(layers)  # type: ignore[assignment]
        points, *tables, slopes = first.weight.split(sizes, dim=1)
        hidden = functional.linear(z, points.contiguous(), first.bias)
        for k, table in zip(columns, tables, strict=True):
            hidden = hidden + functional.embedding(codes[:, k].long(), table.T)
        if self.n_continuous:
            hidden = hidden + codes[:, len(self.n_categories) :].to(z.dtype) @ slopes.T
        for layer in layers:
            hidden = layer(hidden)
        return hidden

    @abstractmethod
    def _distribution(self, hidden: torch.Tensor, library: torch.Tensor | None) -> Distribution:
        """Turn the last hidden layer into a distribution."""

    def loss(
        self,
        px: Distribution,
        x: torch.Tensor,
        x_scaled: torch.Tensor,
        missing: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Reconstruction loss ``(n,)``: mean over features of ``-log p(x|z)``.

        Features in the user's units and as the encoder saw them, and which of them were filled and
        do not count, have shape ``(n, n_output)``.
        """
        misfit = self._misfit(px, x, x_scaled)
        if missing is None:
            return misfit.mean(dim=-1)
        return misfit.masked_fill(missing, 0).sum(dim=-1) / (~missing).sum(dim=-1)

    def _misfit(self, px: Distribution, x: torch.Tensor, x_scaled: torch.Tensor) -> torch.Tensor:
        """What the loss of every value is, ``(n, n_output)``."""
        return -self.log_prob(px, x, x_scaled)

    def log_prob(self, px: Distribution, x: torch.Tensor, x_scaled: torch.Tensor) -> torch.Tensor:
        """Log-likelihood of every value, shape ``(n, n_output)``; arguments as in :meth:`loss`."""
        return px.log_prob(x_scaled if self.scaled_output else self._possible(x))

    def _possible(self, x: torch.Tensor) -> torch.Tensor:
        """Values that the distribution can have, next to those given."""
        return x


class GaussianDecoder(Decoder):
    """Unit-variance Gaussian in scaled space: the paper's mean squared error."""

    scaled_output = True

    def _distribution(self, hidden: torch.Tensor, library: torch.Tensor | None) -> Distribution:
        mean = self.mean(hidden)
        return Normal(mean, torch.ones_like(mean), validate_args=False)

    def _misfit(self, px: Distribution, x: torch.Tensor, x_scaled: torch.Tensor) -> torch.Tensor:
        return (px.mean - x_scaled).square()


class LearnedVarianceGaussianDecoder(Decoder):
    r"""Gaussian in scaled space with one learned variance per feature.

    Features that the latent space explains well count more than noisy ones. The log-variance is
    :math:`b \tanh(r)` of a free number :math:`r`, so that a feature that never varies cannot make
    the likelihood infinite, and the slope b lets it arrive within a few hundred steps of Adam.
    """

    scaled_output = True

    def _add_parameters(self, n_last: int, n_output: int) -> None:
        self.raw_log_variance = nn.Parameter(torch.zeros(n_output))

    @property
    def log_variance(self) -> torch.Tensor:
        """Log-variance of every scaled feature, shape ``(n_output,)``."""
        return _LOG_VARIANCE_BOUND * torch.tanh(self.raw_log_variance)

    def _distribution(self, hidden: torch.Tensor, library: torch.Tensor | None) -> Distribution:
        mean = self.mean(hidden)
        return Normal(mean, (0.5 * self.log_variance).exp().expand_as(mean), validate_args=False)


class BernoulliDecoder(Decoder):
    """Open or closed, mutated or not."""

    def _distribution(self, hidden: torch.Tensor, library: torch.Tensor | None) -> Distribution:
        return Bernoulli(logits=self.mean(hidden), validate_args=False)


class BetaDecoder(Decoder):
    """Methylation beta values: mean by the network, one concentration per feature."""

    def _add_parameters(self, n_last: int, n_output: int) -> None:
        # starts at a standard deviation of about 0.15 around a mean of 0.5
        self.log_concentration = nn.Parameter(torch.full((n_output,), 2.3))

    def _distribution(self, hidden: torch.Tensor, library: torch.Tensor | None) -> Distribution:
        mean = self._possible(torch.sigmoid(self.mean(hidden)))
        concentration = self.log_concentration.exp()
        return Beta(mean * concentration, (1 - mean) * concentration, validate_args=False)

    def _possible(self, x: torch.Tensor) -> torch.Tensor:
        return x.clamp(_UNIT_MARGIN, 1 - _UNIT_MARGIN)


class CountDecoder(Decoder):
    """Counts: feature shares by a softmax, times the observation's library size.

    The encoder sees ``log1p`` of the counts, normalised to the typical library size.
    """

    typical_library: torch.Tensor

    def _add_parameters(self, n_last: int, n_output: int) -> None:
        self.register_buffer("typical_library", torch.ones(()))

    def _rate(self, hidden: torch.Tensor, library: torch.Tensor | None) -> torch.Tensor:
        library = self.typical_library if library is None else library
        return library * torch.softmax(self.mean(hidden), dim=-1)


class PoissonDecoder(CountDecoder):
    """Counts without overdispersion."""

    def _distribution(self, hidden: torch.Tensor, library: torch.Tensor | None) -> Distribution:
        return Poisson(self._rate(hidden, library), validate_args=False)


class NegativeBinomialDecoder(CountDecoder):
    """Overdispersed counts, one inverse dispersion per feature."""

    def _add_parameters(self, n_last: int, n_output: int) -> None:
        super()._add_parameters(n_last, n_output)
        # times _THETA_RATE: the dispersions span orders of magnitude, and a short training at the
        # networks' learning rate would not get there; 0 starts at a dispersion of 1
        self._scaled_log_theta = nn.Parameter(torch.zeros(n_output))

    @property
    def log_theta(self) -> torch.Tensor:
        """Log of the inverse dispersion per feature, shape ``(n_output,)``."""
        return _THETA_RATE * self._scaled_log_theta

    def _distribution(self, hidden: torch.Tensor, library: torch.Tensor | None) -> Distribution:
        mu, theta = self._rate(hidden, library), self.log_theta.exp()
        return NegativeBinomial(mu=mu, theta=theta, validate_args=False)


class ZeroInflatedNegativeBinomialDecoder(NegativeBinomialDecoder):
    """Overdispersed counts with excess zeros."""

    def _add_parameters(self, n_last: int, n_output: int) -> None:
        super()._add_parameters(n_last, n_output)
        self.dropout_logits = nn.Linear(n_last, n_output)

    def _distribution(self, hidden: torch.Tensor, library: torch.Tensor | None) -> Distribution:
        parameters = {"mu": self._rate(hidden, library), "theta": self.log_theta.exp()}
        zi_logits = self.dropout_logits(hidden)
        return ZeroInflatedNegativeBinomial(**parameters, zi_logits=zi_logits, validate_args=False)


#: One decoder class per likelihood. A new likelihood is a class and a line here.
DECODERS: dict[str, type[Decoder]] = {
    "gaussian": GaussianDecoder,
    "gaussian_learned_variance": LearnedVarianceGaussianDecoder,
    "nb": NegativeBinomialDecoder,
    "zinb": ZeroInflatedNegativeBinomialDecoder,
    "poisson": PoissonDecoder,
    "bernoulli": BernoulliDecoder,
    "beta": BetaDecoder,
}
