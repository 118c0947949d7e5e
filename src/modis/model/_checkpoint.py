from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from ._archive import INDEX, read_archive, write_archive


class Checkpoints(Callback):
    """Save the whole state of a training when an epoch starts, and resume from it.

    `training` is all that decides the result; a checkpoint of another one is refused.
    """

    def __init__(self, folder: str | Path, training: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.training = dict(training)
        self._kept: dict[str, Any] | None = None
        if (self.folder / INDEX).exists():
            self._kept = read_archive(self.folder)[0]
            then = self._kept.get("training", {})
            if differ := [name for name, own in training.items() if then.get(name) != own]:
                raise ValueError(
                    f"The checkpoint in '{folder}' is of another training: {differ} differ. Give "
                    "the same arguments and data, or another checkpoint_dir."
                )

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take over the state that is kept, if any."""
        if self._kept is None:
            return
        kept, self._kept = self._kept, None
        networks: Any = pl_module.module
        networks.load_state_dict(kept["weights"])
        for name, holder in _holders(trainer).items():
            # another progress bar is no other training
            if name in kept["states"]:
                holder.load_state_dict(kept["states"][name])
        loop: Any = trainer.fit_loop
        for name in ("ready", "started", "processed", "completed"):
            setattr(loop.epoch_progress.current, name, kept["epoch"])
        loop.epoch_loop._batches_that_stepped = kept["n_steps"]
        if kept["history"]:
            logger: Any = trainer.logger
            logger.experiment.data = kept["history"]
        torch.set_rng_state(kept["random"])
        if torch.cuda.is_available():
            torch.cuda.set_rng_state_all(kept["random_cuda"])
        np.random.set_state(kept["random_numpy"])  # noqa: NPY002

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the state, which takes the place of that of the epoch before."""
        if not trainer.is_global_zero:
            return
        networks: Any = pl_module.module
        loop: Any = trainer.fit_loop
        content = {
            "training": self.training,
            "epoch": trainer.current_epoch,
            "n_steps": loop.epoch_loop._batches_that_stepped,
            "weights": dict(networks.state_dict()),
            "history": getattr(trainer.logger, "history", {}),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "random_numpy": np.random.get_state(),  # noqa: NPY002
        }
        states = {name: holder.state_dict() for name, holder in _holders(trainer).items()}
        write_archive(self.folder, "", content | {"states": states})


def _holders(trainer: Any) -> dict[str, Any]:
    """What else has a state, by name."""
    callbacks = {each.state_key: each for each in trainer.callbacks}
    schedules = [each.scheduler for each in trainer.lr_scheduler_configs]
    numbered = {f"optimizer {k}": each for k, each in enumerate(trainer.optimizers)}
    numbered |= {f"schedule {k}": each for k, each in enumerate(schedules)}
    steps = trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress
    return {**callbacks, **numbered, "steps": steps}
