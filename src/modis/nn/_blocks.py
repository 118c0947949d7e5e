from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from torch import nn

#: Normalisations of a block, by name.
NORMS: dict[str, type[nn.Module]] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


@dataclass(frozen=True)
class BlockStyle:
    """Settings of a fully connected block: linear layer, normalisation, LeakyReLU, dropout."""

    norm: Literal["batch", "layer"] | None = "batch"
    dropout: float = 0.0
    negative_slope: float = 0.2


def blocks(sizes: Sequence[int], style: BlockStyle) -> nn.Sequential:
    """Chain one block per consecutive pair of sizes: ``(n, sizes[0])`` to ``(n, sizes[-1])``."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers.append(nn.Linear(n_in, n_out))
        if style.norm is not None:
            layers.append(NORMS[style.norm](n_out))
        layers.append(nn.LeakyReLU(style.negative_slope))
        if style.dropout > 0:
            layers.append(nn.Dropout(style.dropout))
    return nn.Sequential(*layers)
