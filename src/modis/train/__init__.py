"""Training: the two-step plan, validation scores, best weights."""

# for the rooms above
from ._best_weights import BestWeights as BestWeights
from ._history import History as History
from ._quiet import quiet_libraries as quiet_libraries
from ._training_plan import MODISTrainingPlan

__all__ = ["MODISTrainingPlan"]
