"""Closed-form linear models that the networks add to: arrays in, arrays out."""

from ._alignment import align
from ._classes import ClassMap, fit_class_map, fit_pool
from ._links import link_correlation, link_views, linked_axes
from ._shared import fit_shared
from ._translation import class_means, fit_ridge

__all__ = [
    "ClassMap",
    "align",
    "class_means",
    "fit_class_map",
    "fit_pool",
    "fit_ridge",
    "fit_shared",
    "link_correlation",
    "link_views",
    "linked_axes",
]
