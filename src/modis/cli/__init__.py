"""The command line: ``modis demo``, ``fit``, ``predict``, ``translate`` and ``reproduce``."""

from ._app import app
from ._commands import Architecture
from ._reproduce import reproduce

__all__ = ["Architecture", "app", "reproduce"]
