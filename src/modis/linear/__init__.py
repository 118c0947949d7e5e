"""Closed-form linear models that the networks add to: arrays in, arrays out."""

# for the rooms above
from ._classes import fit_class_map, fit_pool
from ._imputation import Imputation, fit_imputation
from ._links import link_correlation, link_views, linked_axes
from ._novelty import Alarm, fit_alarm
from ._shared import N_FOLDS, align, fit_scale, fit_shared
from ._translation import chosen_rows, class_means, fit_ridge

__all__: list[str] = []
