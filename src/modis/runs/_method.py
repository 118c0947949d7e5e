from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..train import LOSS_WEIGHTS

__all__ = ["PAPER", "Method"]


@dataclass(frozen=True)
class Method:
    """How a model is made and trained.

    Parameters
    ----------
    model, train
        Arguments of the model and of its training.
    links
        Whether the model is told which features of different modalities are linked.

    Examples
    --------
    >>> from modis.experiments import METHODS
    >>> METHODS["paper"].model, METHODS["paper"].train["batch_size"], METHODS["links"].links
    ({'architecture': 'paper'}, 32, True)
    """

    model: dict[str, Any] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    links: bool = False


#: Lepe-Soltero et al. (2025): no validation part, no class balance, clustering at full weight.
PAPER = Method(
    model={"architecture": "paper"},
    train={
        "max_epochs": 20,
        "batch_size": 32,
        "train_size": 1.0,
        "balance_classes": False,
        "plan_kwargs": {
            "lr": 1e-4,
            "lr_discriminator": 1e-4,
            "decay_lr": False,
            # every term that the paper does not have is off
            "loss_weights": dict.fromkeys(LOSS_WEIGHTS, 0.0)
            | {
                "reconstruction": 1.0,
                "kl": 0.016,
                "adversarial": 1.0,
                "modality": 1.0,
                "classification": 1.0,
                "clustering": 1.0,
            },
        },
    },
)
