from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback


class BestWeights(Callback):
    """Put the weights of the validation pass with the lowest `monitor` back when training ends.

    In memory; :class:`scvi.train.SaveCheckpoint` writes the model and its data to the disk.
    """

    def __init__(self, monitor: str) -> None:
        self.monitor = monitor
        self.best_score = float("inf")
        self.best_epoch: int | None = None
        self._state: dict[str, torch.Tensor] | None = None

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {name: getattr(self, name) for name in ("best_score", "best_epoch", "_state")}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what a checkpoint kept."""
        vars(self).update(state_dict)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep a copy of the weights when they are the best so far."""
        score = trainer.callback_metrics.get(self.monitor)
        if trainer.sanity_checking or score is None or not float(score) < self.best_score:
            return
        networks: Any = pl_module.module
        self.best_score, self.best_epoch = float(score), trainer.current_epoch
        self._state = {key: value.detach().clone() for key, value in networks.state_dict().items()}

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Load the kept weights."""
        self.restore(pl_module)

    def restore(self, pl_module: LightningModule) -> bool:
        """Load the kept weights, if there are any; whether there were."""
        if self._state is None:
            return False
        networks: Any = pl_module.module
        networks.load_state_dict(self._state)
        self._state = None
        return True
