"""The same model, trained by a plain PyTorch loop on tensors that lie ready in memory."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch

from modis.dataloaders import BalancedMinibatchSampler
from modis.module import Step, compute_terms, weighted_sum

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from modis.data import Modality
    from modis.module import MODISModule

#: Steps between two gradient penalties, as in the training plan.
PENALTY_INTERVAL = 4


def train_plainly(
    module: MODISModule,
    data: Mapping[str, Modality],
    *,
    epochs: int,
    batch_size: int,
    lr: float,
    lr_discriminator: float,
    weights: Mapping[str, float],
    balance: bool = True,
    after_epoch: Callable[[int, float], bool] | None = None,
) -> float:
    """Train at constant learning rates, and return the seconds spent in training steps.

    `after_epoch` is told the epoch and the seconds so far, and stops the loop by returning
    True; its own time does not count.
    """
    features = {
        name: torch.from_numpy(item.matrix.rows(slice(None))) for name, item in data.items()
    }
    labels = {name: torch.from_numpy(item.labels) for name, item in data.items()}
    conditions = {name: torch.from_numpy(item.batch) for name, item in data.items()}
    # the cycle term looks here for modalities that lack a class
    module.label_counts = {
        name: torch.bincount(codes[codes >= 0], minlength=module.n_classes)
        for name, codes in labels.items()
    }
    samplers = {
        name: BalancedMinibatchSampler(item.labels, batch_size, balance=balance)
        for name, item in data.items()
    }
    autoencoders = torch.optim.AdamW(
        [*module.encoders.parameters(), *module.decoders.parameters()],
        lr=lr,
        betas=(0.5, 0.999),
        weight_decay=0.0,
        fused=True,
    )
    discriminator = torch.optim.Adam(
        module.discriminator.parameters(), lr=lr_discriminator, betas=(0.5, 0.999), fused=True
    )
    row_weights = {
        name: torch.from_numpy(sampler.row_weights) for name, sampler in samplers.items()
    }
    penalty = weights["gradient_penalty"] * PENALTY_INTERVAL
    steps = max(len(sampler) for sampler in samplers.values())
    seconds = 0.0
    for epoch in range(epochs):
        module.train()
        started = time.perf_counter()
        drawn = {name: list(sampler) for name, sampler in samplers.items()}
        for step in range(steps):
            batch = {}
            for name, rows in drawn.items():
                index = torch.from_numpy(rows[step % len(rows)])
                batch[name] = {
                    "X": features[name][index],
                    "labels": labels[name][index],
                    "batch": conditions[name][index],
                    "row_weights": row_weights[name][index],
                }
            encoded = module.inference(batch)
            on_turn = step % PENALTY_INTERVAL == 0
            weights_1 = dict(weights) | {"gradient_penalty": penalty if on_turn else 0.0}
            terms = compute_terms(Step(module, batch, encoded, weights_1, generator=False))
            discriminator.zero_grad()
            weighted_sum(terms, weights_1).backward()
            discriminator.step()
            module.discriminator.requires_grad_(False)
            px = module.generative(batch, encoded)
            terms = compute_terms(Step(module, batch, encoded, weights, True, px))
            autoencoders.zero_grad()
            weighted_sum(terms, weights).backward()
            autoencoders.step()
            module.discriminator.requires_grad_(True)
        seconds += time.perf_counter() - started
        if after_epoch is not None and after_epoch(epoch + 1, seconds):
            break
    module.eval()
    return seconds
