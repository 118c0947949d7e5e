"""Figures that scanpy and muon do not have: matplotlib axes in and out."""

__all__ = [
    "class_counts",
    "confusion",
    "feature_importance",
    "history",
    "latent",
    "palette",
    "translation",
]

from ._class_counts import class_counts
from ._confusion import confusion
from ._feature_importance import feature_importance
from ._history import history
from ._latent import latent
from ._palette import palette
from ._translation import translation
