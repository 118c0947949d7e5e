import numpy as np
import torch
from torch import nn
from torch.nn import functional


class LinkMap(nn.Module):
    """Linked features of a target as weighted means of those of a source; nothing is learned.

    `source` and `target` are positions, `weight` signed weights, all ``(n_links,)``.
    """

    linked: torch.Tensor
    entries: torch.Tensor
    shares: torch.Tensor

    def __init__(
        self, source: np.ndarray, target: np.ndarray, weight: np.ndarray, n_source: int
    ) -> None:
        super().__init__()
        # copies: arrays of pandas 3 are read-only
        linked, row = torch.unique(torch.tensor(target), return_inverse=True)
        signed = torch.tensor(weight, dtype=torch.float32)
        total = torch.zeros(len(linked)).index_add_(0, row, signed.abs())
        entries = torch.stack([row, torch.tensor(source)])
        self._shape = (len(linked), n_source)
        averages = torch.sparse_coo_tensor(
            entries, signed / total[row], self._shape, check_invariants=True
        ).coalesce()
        # made from the table of links, which is saved with the model
        self.register_buffer("linked", linked, persistent=False)
        self.register_buffer("entries", averages.indices(), persistent=False)
        self.register_buffer("shares", averages.values(), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Predict ``(n, n_linked)`` from standardised source features ``(n, n_source)``."""
        averages = torch.sparse_coo_tensor(
            self.entries, self.shares, self._shape, is_coalesced=True, check_invariants=False
        )
        return torch.sparse.mm(averages, x.T).T

    def loss(self, x: torch.Tensor, translated: torch.Tensor) -> torch.Tensor:
        """One minus the cosine of what links and networks make of standardised `x`, ``(n,)``."""
        # select: the gradient of an index in brackets takes many times longer
        linked = translated.index_select(1, self.linked)
        return 1 - functional.cosine_similarity(self(x), linked)
