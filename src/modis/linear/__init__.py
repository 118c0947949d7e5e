"""Closed-form linear models that the networks add to: arrays in, arrays out."""

# for the rooms above
from ._alignment import align as align
from ._classes import ClassMap as ClassMap
from ._classes import fit_class_map as fit_class_map
from ._classes import fit_pool as fit_pool
from ._imputation import Imputation as Imputation
from ._imputation import fit_imputation as fit_imputation
from ._links import link_correlation as link_correlation
from ._links import link_views as link_views
from ._links import linked_axes as linked_axes
from ._novelty import Alarm as Alarm
from ._novelty import fit_alarm as fit_alarm
from ._shared import N_FOLDS as N_FOLDS
from ._shared import HeldOut as HeldOut
from ._shared import fit_scale as fit_scale
from ._shared import fit_shared as fit_shared
from ._translation import class_means as class_means
from ._translation import fit_ridge as fit_ridge

__all__: list[str] = []
