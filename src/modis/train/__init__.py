"""Training: the two-step plan, validation scores, best weights."""

from ._best_weights import BestWeights
from ._quiet import quiet_libraries
from ._schedule import batch_size_for, epochs_for, train_size_for, validation_interval
from ._training_plan import LINEAR_LOSS_WEIGHTS, LOSS_WEIGHTS, MODISTrainingPlan

__all__ = [
    "LINEAR_LOSS_WEIGHTS",
    "LOSS_WEIGHTS",
    "BestWeights",
    "MODISTrainingPlan",
    "batch_size_for",
    "epochs_for",
    "quiet_libraries",
    "train_size_for",
    "validation_interval",
]
