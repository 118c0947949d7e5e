from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import torch
    from torch.distributions import Normal

__all__ = ["Encoded"]


class Encoded(NamedTuple):
    """One modality's minibatch after its encoder.

    ``x_scaled`` has shape ``(n, n_features)``, ``qz`` batch shape ``(n, n_latent)``, ``z`` is a
    draw from it, ``library`` (counts only) has shape ``(n, 1)``. In training ``weights`` are those
    of the rows, shape ``(n,)``, and ``batch`` the codes of their batch and covariates.

    Examples
    --------
    >>> import torch
    >>> from modis.module import MODISModule
    >>> module = MODISModule(
    ...     n_input={"rna": 20, "protein": 8},
    ...     n_classes=3,
    ...     likelihood={"rna": "nb", "protein": "gaussian"},
    ... )
    >>> encoded = module.encode("rna", torch.ones(4, 20))
    >>> encoded._fields
    ('x_scaled', 'qz', 'z', 'library', 'weights', 'batch')
    >>> encoded.library.squeeze().tolist()
    [20.0, 20.0, 20.0, 20.0]
    """

    x_scaled: torch.Tensor
    qz: Normal
    z: torch.Tensor
    library: torch.Tensor | None
    weights: torch.Tensor | None = None
    batch: torch.Tensor | None = None
