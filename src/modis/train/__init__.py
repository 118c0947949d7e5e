"""Training: the two-step plan, validation scores, best weights."""

from ._best_weights import BestWeights
from ._quiet import quiet_libraries
from ._schedule import validation_interval
from ._training_plan import MODISTrainingPlan

__all__ = ["BestWeights", "MODISTrainingPlan", "quiet_libraries", "validation_interval"]
