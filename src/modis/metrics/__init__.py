"""Metrics of alignment and translation that scikit-learn lacks: arrays in, numbers out."""

__all__ = ["foscttm", "link_agreement", "modality_mixing", "within_class_variance"]

from ._foscttm import foscttm
from ._link_agreement import link_agreement
from ._mixing import modality_mixing
from ._within_class import within_class_variance
