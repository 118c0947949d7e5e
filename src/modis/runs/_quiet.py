from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lightning.pytorch.callbacks import Callback
from scvi.train import LoudEarlyStopping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightning.pytorch import LightningModule, Trainer

__all__ = ["SilentStop", "quiet"]

_LOGGERS = ("scvi", "lightning", "lightning.pytorch", "lightning.fabric")


class SilentStop(Callback):
    """Keep scvi-tools from printing why each of hundreds of runs stopped."""

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, LoudEarlyStopping):
                callback.early_stopping_reason = None


@contextmanager
def quiet() -> Iterator[None]:
    """Keep notes of hundreds of runs off the screen."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
