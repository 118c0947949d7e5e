"""What is kept of a training: its history, and the best weights."""

from collections import defaultdict
from typing import Any

import pandas as pd
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities import rank_zero_only
from scvi.train._logger import SimpleLogger


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


class History(SimpleLogger):
    """As scvi-tools', whose frames grow by a row each time: these are made when asked for."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.logged: dict[str, dict[int, float]] = defaultdict(dict)

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        """Keep the values of an epoch."""
        for name, value in metrics.items():
            self.logged[name][int(metrics.get("epoch", step))] = float(value)
        self.logged.pop("epoch", None)

    @property
    def history(self) -> dict[str, pd.DataFrame]:
        """By name, a frame of one column, epochs in its index."""
        own = self.logged.items()
        return {name: pd.DataFrame({name: by}).rename_axis("epoch") for name, by in own}
