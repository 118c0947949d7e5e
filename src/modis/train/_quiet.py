from __future__ import annotations

import logging
import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["quiet_libraries"]

# Lightning's notes on devices, tips and the end of training; scvi-tools' on files it has
_LOGGERS = (
    "lightning.pytorch.utilities.rank_zero",
    "lightning.fabric.utilities.rank_zero",
    "scvi.data._download",
)
# the libraries' own affairs, which no user of theirs can mend
_WARNINGS = (
    # features are matched by name
    "`var_names` for the loaded `model` does not match",
    "`isinstance(treespec, LeafSpec)` is deprecated",
    "The method mod_names is deprecated",
)


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep other libraries' notes to themselves off the user's screen; warnings still show.

    Yields
    ------
    Nothing; within the block the notes are off.

    Examples
    --------
    >>> from modis.train import quiet_libraries
    >>> with quiet_libraries():
    ...     pass  # here a trainer says nothing of devices and tips
    """
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for message in _WARNINGS:
                warnings.filterwarnings("ignore", re.escape(message))
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
