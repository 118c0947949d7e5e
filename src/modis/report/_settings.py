from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """What a run was asked to do.

    Parameters
    ----------
    labels_key
        Column with the classes; `None` trains without labels.
    modalities
        Modalities to use; all by default.
    batch_key
        Column with batches.
    layer, likelihood
        ``name`` for all modalities or ``modality=name`` for one, as given on the command line.
    unlabeled_category
        Class name that stands for "not labelled".
    split_key
        Column with ``train`` and ``test``; by default observations are drawn.
    test_size
        Share of the labelled observations to hold out.
    max_epochs
        Passes over the longest modality; the model's own choice by default.
    seed
        Seed of the draw of test observations and of training.
    architecture, n_latent
        As in :class:`~modis.MODIS`.
    links
        File with linked features; none by default.
    """

    labels_key: str | None = None
    modalities: tuple[str, ...] | None = None
    batch_key: str | None = None
    layer: tuple[str, ...] = ()
    likelihood: tuple[str, ...] = ()
    unlabeled_category: str = "unknown"
    split_key: str | None = None
    test_size: float = 0.2
    max_epochs: int | None = None
    seed: int = 0
    architecture: str = "default"
    n_latent: int | None = None
    links: Path | None = None
