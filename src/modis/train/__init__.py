"""Training: the two-step plan, validation scores, best weights."""

from ._best_weights import BestWeights
from ._quiet import quiet_libraries
from ._training_plan import LOSS_WEIGHTS, MODISTrainingPlan

__all__ = ["LOSS_WEIGHTS", "BestWeights", "MODISTrainingPlan", "quiet_libraries"]
