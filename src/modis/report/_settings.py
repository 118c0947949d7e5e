from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """What a run was asked to do; the options of ``modis fit``.

    Parameters
    ----------
    labels_key
        Column with the classes; `None` trains without labels.
    modalities
        Modalities to use; all by default.
    batch_key
        Column with batches.
    layer, likelihood
        ``name`` for all modalities or ``modality=name`` for one.
    unlabeled_category
        Class name that means: not known.
    split_key
        Column with ``train`` and ``test``; by default test observations are drawn.
    test_size
        Share of the labelled observations to hold out.
    max_epochs
        Passes over the largest modality; the model's own choice by default.
    seed
        Seed of the draw of test observations and of training.
    architecture, n_latent
        As in :class:`~modis.MODIS`.
    links
        File with linked features; none by default.
    """

    labels_key: str | None = None
    modalities: Sequence[str] | None = None
    batch_key: str | None = None
    layer: Sequence[str] | None = None
    likelihood: Sequence[str] | None = None
    unlabeled_category: str = "unknown"
    split_key: str | None = None
    test_size: float = 0.2
    max_epochs: int | None = None
    seed: int = 0
    architecture: str = "default"
    n_latent: int | None = None
    links: Path | None = None
