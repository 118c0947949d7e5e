"""The model that users call."""

from ._modis import MODIS

__all__ = ["MODIS"]
