"""The command line: ``modis demo``, ``fit``, ``predict``, ``translate``, ``benchmark``, ...."""

from ._commands import app

__all__ = ["app"]
