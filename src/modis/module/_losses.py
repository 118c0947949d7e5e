"""Formulas of the loss terms, as pure functions of tensors."""

from collections.abc import Callable, Mapping
from itertools import permutations

import torch
from torch.distributions import Normal, kl_divergence
from torch.nn import functional

_EPS = 1e-9
# median-heuristic bandwidth of Kampffmeyer et al. (2019)
_RELATIVE_BANDWIDTH = 0.15
# With more modalities the logits are projected and pairs are drawn: time grows with their number.
_FEW_MODALITIES = 4


def weighted_mean(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean of values ``(n,)`` by weights ``(n,)``."""
    return (weights * values).sum() / weights.sum()


def kl_to_standard_normal(qz: Normal) -> torch.Tensor:
    """KL divergence of ``(n, n_latent)`` to N(0, I), summed over latent dimensions, ``(n,)``."""
    prior = type(qz)(torch.zeros_like(qz.mean), torch.ones_like(qz.mean), validate_args=False)
    return kl_divergence(qz, prior).sum(dim=-1)


def class_cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of logits ``(n, n_classes)`` over labels ``(n,)`` >= 0; 0 without any."""
    # the sum over nothing keeps the graph, a mean over nothing would be NaN
    total = functional.cross_entropy(
        logits, labels.clamp(min=-1), ignore_index=-1, reduction="sum"
    )
    return total / (labels >= 0).sum().clamp(min=1)


def modality_cross_entropy(
    logits: torch.Tensor, modality: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """Cross-entropy of the modality head's logits ``(n, n_modalities)``, as in equation 1."""
    loss = functional.cross_entropy(logits, modality, reduction="none")
    return weighted_mean(loss, weights)


def adversarial_cross_entropy(
    logits: torch.Tensor, modality: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """Adversarial loss of the encoders, as in equation 2: mean cross-entropy with the others.

    A logit is minus infinity where an observation cannot be of a modality; two are left to each.
    """
    log_probability = functional.log_softmax(logits, dim=-1)
    possible = logits > -torch.inf
    own = log_probability.gather(1, modality[:, None]).squeeze(1)
    others = log_probability.where(possible, 0.0).sum(dim=-1) - own
    return weighted_mean(-others / (possible.sum(dim=-1) - 1), weights)


def relativistic(
    logits: Mapping[int, torch.Tensor], weights: Mapping[int, torch.Tensor], *, generator: bool
) -> torch.Tensor:
    """Relativistic pairing loss (Huang et al. 2024) of logits ``(n, n_modalities)`` by code.

    For ordered pairs (i, j) the i-th logit should be larger for modality i than for modality j;
    the encoders (`generator`) want the opposite. Of many modalities some pairs are drawn.
    """
    sign = -1.0 if generator else 1.0
    # rows are drawn before they are paired: a weight per pair could not be right for both sides
    logits = {i: rows[draw_by_weight(weights[i])] for i, rows in logits.items()}
    pairs = list(permutations(logits, 2))
    if len(logits) > _FEW_MODALITIES:
        # one other for each; as much as all in the mean
        codes, shift = list(logits), int(torch.randint(1, len(logits), ()))
        pairs = list(zip(codes, codes[shift:] + codes[:shift], strict=True))
    terms = [
        functional.softplus(-sign * (logits[i][:, i] - logits[j][:, i])).mean() for i, j in pairs
    ]
    return torch.stack(terms).mean()


def draw_by_weight(weights: torch.Tensor) -> torch.Tensor:
    """Draw n positions in proportion to weights ``(n,)``, in random order.

    By systematic resampling: rows of equal weights are drawn once each.
    """
    bounds = weights.cumsum(dim=0)
    n = len(weights)
    start = torch.rand((), device=weights.device)
    points = (torch.arange(n, device=weights.device) + start) / n * bounds[-1]
    drawn = torch.searchsorted(bounds, points, right=True).clamp(max=n - 1)
    # minibatches list labelled rows first: in their order, pairs would be of the same kind
    return drawn[torch.randperm(n, device=weights.device)]


def gradient_penalty(
    critic: Callable[[torch.Tensor], torch.Tensor], z: torch.Tensor
) -> torch.Tensor:
    """Zero-centred gradient penalty of logits at `z`, ``(n, n_latent)``, of every modality.

    R1 and R2 of Huang et al. (2024) at once, since each modality plays both sides.
    """
    z = z.detach().requires_grad_()
    logits = critic(z)
    projections = logits.unbind(dim=1)
    if len(projections) > _FEW_MODALITIES:
        # the square of a random projection is, in the mean, the sum of the squares
        signs = torch.rand_like(logits).sub(0.5).sign()
        projections = ((signs * logits).sum(dim=1) / len(projections) ** 0.5,)
    norms = [
        torch.autograd.grad(each.sum(), z, create_graph=True)[0].square().sum(dim=-1)
        for each in projections
    ]
    return torch.stack(norms).mean()


def clustering(assignments: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """Compact, separated clusters, none of them empty (Kampffmeyer et al. 2019, Tang et al. 2023).

    `assignments` are class probabilities ``(n, n_classes)`` of points `hidden` ``(n, n_hidden)``.
    """
    n_classes = assignments.shape[1]
    squared_distance = torch.cdist(hidden, hidden).square()
    bandwidth = _RELATIVE_BANDWIDTH * squared_distance.detach().median()
    kernel = torch.exp(-squared_distance / (2 * bandwidth + _EPS))
    corners = torch.eye(n_classes, device=assignments.device, dtype=assignments.dtype)
    to_corners = torch.exp(-torch.cdist(assignments, corners).square())
    mean_assignment = assignments.mean(dim=0)
    negative_entropy = torch.xlogy(mean_assignment, mean_assignment + _EPS).sum()
    return (
        _cauchy_schwarz(assignments, kernel)
        + _cauchy_schwarz(to_corners, kernel)
        + negative_entropy
    )


def _cauchy_schwarz(assignments: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """Mean over class pairs of the Cauchy-Schwarz similarity between their densities."""
    overlap = assignments.T @ kernel @ assignments
    norm = (overlap.diagonal()[:, None] * overlap.diagonal()[None, :]).clamp(min=_EPS).sqrt()
    n_classes = assignments.shape[1]
    return 2 / (n_classes * (n_classes - 1)) * torch.triu(overlap / norm, diagonal=1).sum()
