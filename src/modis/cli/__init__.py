"""The command line: ``modis demo``, ``fit``, ``predict``, ``translate``, ``benchmark``, ...."""

from ._app import app
from ._commands import benchmark, demo, fit, predict, reproduce, translate

__all__ = ["app", "benchmark", "demo", "fit", "predict", "reproduce", "translate"]
