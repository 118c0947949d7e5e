# share of the training with the full learning rate
_FULL_RATE = 1 / 3
# validating more often than this many steps costs more than it tells
_STEPS_PER_VALIDATION = 10


def validation_interval(steps_per_epoch: int, max_epochs: int) -> int:
    """Epochs between two validation passes, so that at least ten steps lie between them."""
    return max(1, min(-(-_STEPS_PER_VALIDATION // steps_per_epoch), max_epochs))


def learning_rate_factor(step: int, n_steps: float) -> float:
    """Share of the learning rate at a step: 1 for a third of them, then down to 0 in a line."""
    return max(0.0, min(1.0, (1 - step / n_steps) / (1 - _FULL_RATE)))
