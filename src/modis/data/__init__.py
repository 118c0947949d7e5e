"""MuData in: validation, one label vocabulary, registration, reading."""

from ._labels import collect_labels
from ._matrix import FeatureMatrix
from ._modality import Modality, read_new, read_registered
from ._register import register
from ._spec import DataSpec
from ._summary import count_classes

__all__ = [
    "DataSpec",
    "FeatureMatrix",
    "Modality",
    "collect_labels",
    "count_classes",
    "read_new",
    "read_registered",
    "register",
]
