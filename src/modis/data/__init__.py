"""MuData in: checks, one vocabulary of labels, registration, reading, feature links."""

from ._arguments import check_arguments, choice, number, whole
from ._errors import NotInDataError
from ._errors import shortened as shortened
from ._files import check_own_data, draft_of
from ._labels import collect_batches, collect_labels, count_classes, find_labels
from ._links import AlignedLinks, LinkPair, align_links
from ._matrix import FeatureMatrix, Modality
from ._profile import STATISTICS, Profile, fit_profile
from ._reading import check_unchanged, read_new, read_registered, registered_labels
from ._register import register
from ._spec import DataSpec
from ._validation import check_mudata, check_values

__all__ = [
    "AlignedLinks",
    "DataSpec",
    "FeatureMatrix",
    "LinkPair",
    "Modality",
    "NotInDataError",
    "Profile",
    "STATISTICS",
    "align_links",
    "check_arguments",
    "check_mudata",
    "check_own_data",
    "check_unchanged",
    "check_values",
    "choice",
    "collect_batches",
    "collect_labels",
    "count_classes",
    "draft_of",
    "find_labels",
    "fit_profile",
    "number",
    "read_new",
    "read_registered",
    "register",
    "registered_labels",
    "whole",
]
