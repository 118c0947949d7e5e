"""Small networks, a minibatch for them, and the loss terms of it."""

import numpy as np
import torch
from torch import nn

from modis._constants import BATCH_KEY, LABELS_KEY, X_KEY
from modis.data import LinkPair
from modis.module import TERMS, MODISModule, Step, compute_terms

SIZES = {"rna": 7, "protein": 4, "methylation": 5}
TWO = {"rna": 7, "protein": 4}
N, N_CLASSES = 9, 3
SMALL = {
    "n_latent": 3,
    "n_hidden": 6,
    "discriminator_hidden": (8,),
    "dropout": 0.0,
    "input_dropout": 0.0,
}
#: Links of SIZES; methylation and protein have none between them.
LINKS = {
    ("rna", "protein"): LinkPair(
        np.array([0, 3, 3, 6]), np.array([2, 0, 2, 1]), np.float32([1, -2, 0.5, 1])
    ),
    ("rna", "methylation"): LinkPair(
        np.array([1, 2, 5, 5]), np.array([4, 1, 0, 3]), np.float32([-1, -1, 1, -3])
    ),
}
#: Whether the autoencoders learn (step 2) or the discriminator (step 1).
SIDES = {"discriminator": False, "autoencoders": True}


def make(sizes=SIZES, n_classes=N_CLASSES, likelihood="gaussian", **kwargs) -> MODISModule:
    return MODISModule(sizes, n_classes, dict.fromkeys(sizes, likelihood), **(SMALL | kwargs))


def minibatch(sizes=SIZES, labels=None, domain="real", seed=0) -> dict[str, dict]:
    rng = np.random.default_rng(seed)
    draw = {
        "real": lambda shape: rng.normal(size=shape),
        "counts": lambda shape: rng.poisson(4, size=shape),
        "unit": lambda shape: rng.random(shape),
        "binary": lambda shape: rng.integers(0, 2, shape),
    }[domain]
    batch = {}
    for name, n_features in sizes.items():
        x = torch.as_tensor(draw((N, n_features)), dtype=torch.float32)
        codes = rng.integers(-1, N_CLASSES, N) if labels is None else np.full(N, labels)
        conditions = torch.zeros(N, 1, dtype=torch.int64)
        batch[name] = {X_KEY: x, LABELS_KEY: torch.as_tensor(codes), BATCH_KEY: conditions}
    return batch


def fitted(batch, **kwargs) -> MODISModule:
    """Networks in use that know the scaling of the minibatch."""
    module = make({name: tensors[X_KEY].shape[1] for name, tensors in batch.items()}, **kwargs)
    for name, tensors in batch.items():
        module.fit_scaler(name, [tensors[X_KEY].numpy()])
    return module.eval()


def terms_of(
    module, batch, *names: str, generator=True, encoded=None, paired=None
) -> dict[str, torch.Tensor]:
    """Those of the named terms, or of all, that there are in one of the two steps."""
    encoded = module.inference(batch) if encoded is None else encoded
    weights, px = dict.fromkeys(names or TERMS, 1.0), module.generative(batch, encoded)
    return compute_terms(Step(module, batch, encoded, weights, generator, px, paired))


def head(module: MODISModule, kind: str) -> nn.Linear:
    """The discriminator's head for ``"modality"``, ``"class"`` or ``"batch"``."""
    return getattr(module.discriminator, f"{kind}_head")


def learning(module: nn.Module, depth: int = 2) -> set[str]:
    """Parts of the networks that have a gradient, by the first levels of their names."""
    return {
        ".".join(name.split(".")[:depth])
        for name, parameter in module.named_parameters()
        if parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)
    }
