"""MuData in: validation, one label vocabulary, registration, reading."""

from ._errors import NotInDataError
from ._labels import collect_batches, collect_labels, find_labels
from ._links import AlignedLinks, LinkPair, align_links
from ._matrix import FeatureMatrix
from ._modality import Modality, read_new, read_registered
from ._register import register
from ._spec import DataSpec
from ._summary import count_classes
from ._validation import check_mudata

__all__ = [
    "AlignedLinks",
    "DataSpec",
    "FeatureMatrix",
    "LinkPair",
    "Modality",
    "NotInDataError",
    "align_links",
    "check_mudata",
    "collect_batches",
    "collect_labels",
    "count_classes",
    "find_labels",
    "read_new",
    "read_registered",
    "register",
]
