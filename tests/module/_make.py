"""Small networks and a minibatch for them."""

from __future__ import annotations

import numpy as np
import torch

from modis.module import MODISModule

SIZES = {"rna": 7, "protein": 4, "methylation": 5}
N, N_CLASSES = 9, 3
SMALL = {
    "n_latent": 3,
    "n_hidden": 6,
    "discriminator_hidden": (8,),
    "dropout": 0.0,
    "input_dropout": 0.0,
}


def make(sizes=None, n_classes=N_CLASSES, likelihood="gaussian", **kwargs) -> MODISModule:
    sizes = SIZES if sizes is None else sizes
    return MODISModule(sizes, n_classes, dict.fromkeys(sizes, likelihood), **(SMALL | kwargs))


def minibatch(sizes=None, labels=None, domain="real") -> dict:
    rng = np.random.default_rng(0)
    batch = {}
    for name, n_features in (SIZES if sizes is None else sizes).items():
        shape = (N, n_features)
        x = {
            "real": lambda s=shape: rng.normal(size=s),
            "counts": lambda s=shape: rng.poisson(4, size=s),
            "unit": lambda s=shape: rng.random(s),
            "binary": lambda s=shape: rng.integers(0, 2, s),
        }[domain]()
        codes = rng.integers(-1, N_CLASSES, N) if labels is None else np.full(N, labels)
        batch[name] = {
            "X": torch.as_tensor(x, dtype=torch.float32),
            "labels": torch.as_tensor(codes),
            "batch": torch.zeros(N, dtype=torch.int64),
        }
    return batch


def all_labels(batch: dict) -> torch.Tensor:
    """Labels of all modalities, in their order."""
    return torch.cat([tensors["labels"] for tensors in batch.values()])
