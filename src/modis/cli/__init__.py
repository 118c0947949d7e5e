"""The command line: ``modis demo``, ``fit``, ``predict``, ``translate``, ``benchmark``, ...."""

from ._app import app
from ._benchmark import benchmark
from ._commands import Architecture
from ._reproduce import reproduce

__all__ = ["Architecture", "app", "benchmark", "reproduce"]
