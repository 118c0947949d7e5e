"""Training: the two-step plan, validation scores, best weights."""

# for the rooms above
from ._quiet import quiet_libraries as quiet_libraries
from ._record import BestWeights as BestWeights
from ._record import History as History
from ._training_plan import MODISTrainingPlan

__all__ = ["MODISTrainingPlan"]
