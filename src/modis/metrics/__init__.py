"""Metrics of alignment, classification and translation: arrays in, numbers out."""

__all__ = [
    "accuracy",
    "all_pairs_baseline",
    "balanced_accuracy",
    "foscttm",
    "inverse_frequency_accuracy",
    "jaccard",
    "label_transfer",
    "link_agreement",
    "modality_mixing",
    "mse",
    "recall_per_class",
    "transfer_labels",
    "translation_errors",
    "within_class_variance",
]

from ._accuracy import accuracy, balanced_accuracy, inverse_frequency_accuracy, jaccard
from ._foscttm import foscttm
from ._label_transfer import label_transfer, transfer_labels
from ._link_agreement import link_agreement
from ._mixing import modality_mixing
from ._recall import recall_per_class
from ._translation import all_pairs_baseline, mse, translation_errors
from ._within_class import within_class_variance
