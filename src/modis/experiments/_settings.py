from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..datasets import hide_labels, shrink_class

if TYPE_CHECKING:
    from mudata import MuData

__all__ = ["METHODS", "SETTINGS", "Method", "Setting"]


@dataclass(frozen=True)
class Setting:
    """What is taken from the training data before a model sees them.

    Parameters
    ----------
    labeled_fraction
        Share of the training samples of each modality that keep their label.
    rare_samples
        Samples per modality that the rare class keeps; `None` for all.
    """

    labeled_fraction: float = 1.0
    rare_samples: int | None = None

    def apply(self, train: MuData, labels_key: str, rare_class: str, seed: int) -> MuData:
        """Make the setting from complete training data.

        Parameters
        ----------
        train
            Training data with all labels.
        labels_key
            Column with the classes.
        rare_class
            The class that is made rare.
        seed
            Seed of the draw.
        """
        if self.rare_samples is not None:
            train = shrink_class(
                train, rare_class, self.rare_samples, labels_key=labels_key, seed=seed
            )
        if self.labeled_fraction < 1:
            train = hide_labels(train, self.labeled_fraction, labels_key=labels_key, seed=seed)
        return train


@dataclass(frozen=True)
class Method:
    """Arguments of the model and of its training."""

    model: dict[str, Any] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)


#: The paper's Fig. 2 (shares of labels) and Fig. 3A (samples of a rare class).
SETTINGS: dict[str, Setting] = {
    "labels-100": Setting(),
    "labels-5": Setting(labeled_fraction=0.05),
    "labels-0.5": Setting(labeled_fraction=0.005),
    "rare-5": Setting(rare_samples=5),
    "rare-1": Setting(rare_samples=1),
}

METHODS: dict[str, Method] = {
    "default": Method(),
    # Lepe-Soltero et al. (2025): no validation part, no class balance, clustering at full weight
    "paper": Method(
        model={"architecture": "paper"},
        train={
            "max_epochs": 20,
            "batch_size": 32,
            "train_size": 1.0,
            "balance_classes": False,
            "plan_kwargs": {
                "lr": 1e-4,
                "lr_discriminator": 1e-4,
                "loss_weights": {"clustering": 1.0, "gradient_penalty": 0.0, "translation": 0.0},
            },
        },
    ),
}
