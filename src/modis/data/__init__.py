"""MuData in: checks, one vocabulary of labels, registration, reading, feature links."""

# for the rooms above
from ._errors import NotInDataError, check_arguments, choice, number, shortened, whole
from ._files import check_own_data, draft_of
from ._labels import collect_batches, collect_labels, count_classes, find_labels
from ._links import AlignedLinks, LinkPair, align_links
from ._matrix import FeatureMatrix, Modality
from ._profile import STATISTICS, Profile, fit_profile
from ._reading import check_unchanged, read_new, read_registered, registered_labels
from ._register import register
from ._spec import DataSpec
from ._validation import check_mudata, check_values

__all__: list[str] = []
