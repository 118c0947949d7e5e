import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from lightning.pytorch.callbacks import EarlyStopping
from scvi.train import LoudEarlyStopping

# Lightning's notes on devices, tips and the end of training; scvi-tools' on files it has
_LOGGERS = (
    "lightning.pytorch.utilities.rank_zero",
    "lightning.fabric.utilities.rank_zero",
    "scvi.data._download",
)
# the libraries' own affairs, which no user of theirs can correct; what messages start with
_WARNINGS = (
    # features are matched by name
    "`var_names` for the loaded `model` does not match",
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
    "The method mod_names is deprecated",
    r"Found \d+ module\(s\) in eval mode",
)

# where many models are trained, nobody reads what any of them says
_SILENCED = ("scvi", "lightning", "lightning.pytorch", "lightning.fabric", "scanpy", "anndata")


@contextmanager
def quiet_libraries(*, silent: bool = False) -> Iterator[None]:
    """Keep other libraries' notes off the screen; with `silent`, all notes and warnings."""
    names = _LOGGERS + _SILENCED if silent else _LOGGERS
    levels = {name: logging.getLogger(name).level for name in names}
    # it prints, whatever the level
    teardown = (EarlyStopping if silent else LoudEarlyStopping).teardown
    try:
        with warnings.catch_warnings(), patch.object(LoudEarlyStopping, "teardown", teardown):
            for name in names:
                logging.getLogger(name).setLevel(logging.ERROR if silent else logging.WARNING)
            for message in [*_WARNINGS, *([""] if silent else [])]:
                warnings.filterwarnings("ignore", message)
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
