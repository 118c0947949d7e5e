from __future__ import annotations

__all__ = [
    "batch_size_for",
    "epochs_for",
    "learning_rate_factor",
    "train_size_for",
    "validation_interval",
]

_BATCH_SIZE, _LARGE_BATCH_SIZE, _LARGE = 64, 256, 10_000
# without max_epochs: about this many steps, within these bounds of epochs
_STEPS, _EPOCH_BOUNDS = 600, (10, 400)
# share of the training with the full learning rate
_FULL_RATE = 1 / 3
# validating more often than this many steps costs more than it tells
_STEPS_PER_VALIDATION = 10


def batch_size_for(n_obs: int, wanted: int | None, norm: str | None) -> int:
    """Rows per modality and minibatch.

    Parameters
    ----------
    n_obs
        Observations of the longest modality.
    wanted
        What the user asked for; `None` gives 64, or 256 for more than 10,000 observations.
    norm
        Normalisation of the networks; ``"batch"`` needs two rows.

    Returns
    -------
    Number of rows.

    Raises
    ------
    ValueError
        If the user's wish is too small.

    Examples
    --------
    >>> from modis.train import batch_size_for
    >>> batch_size_for(500, wanted=None, norm="batch"), batch_size_for(20_000, None, "batch")
    (64, 256)
    """
    if wanted is None:
        return _BATCH_SIZE if n_obs <= _LARGE else _LARGE_BATCH_SIZE
    if norm == "batch" and wanted == 1:
        raise ValueError("batch_size=1 is too small: batch normalisation needs two samples.")
    if wanted < 1:
        raise ValueError(f"batch_size={wanted} must be at least 1.")
    return wanted


def train_size_for(n_layers: int, wanted: float | None) -> float:
    """Share of the observations that train.

    Parameters
    ----------
    n_layers
        Hidden layers of the encoders.
    wanted
        What the user asked for; `None` gives 0.9, or 1 with linear encoders.

    Returns
    -------
    Share in (0, 1].

    Examples
    --------
    >>> from modis.train import train_size_for
    >>> train_size_for(n_layers=1, wanted=None), train_size_for(n_layers=0, wanted=None)
    (0.9, 1.0)
    """
    if wanted is None:
        return 0.9 if n_layers else 1.0
    return wanted


def epochs_for(steps_per_epoch: int, wanted: int | None) -> int:
    """Passes over the longest modality.

    Parameters
    ----------
    steps_per_epoch
        Minibatches of the longest modality.
    wanted
        What the user asked for; `None` gives about 600 steps, in 10 to 400 epochs.

    Returns
    -------
    Number of epochs.

    Raises
    ------
    ValueError
        If the user's wish is below one.

    Examples
    --------
    >>> from modis.train import epochs_for
    >>> epochs_for(steps_per_epoch=4, wanted=None), epochs_for(1, None), epochs_for(4, 20)
    (150, 400, 20)
    """
    if wanted is None:
        return min(max(-(-_STEPS // steps_per_epoch), _EPOCH_BOUNDS[0]), _EPOCH_BOUNDS[1])
    if wanted < 1:
        raise ValueError(f"max_epochs={wanted} must be at least 1.")
    return wanted


def validation_interval(steps_per_epoch: int, max_epochs: int) -> int:
    """Epochs between two validation passes, so that at least ten steps lie between them.

    Parameters
    ----------
    steps_per_epoch
        Minibatches of the longest modality.
    max_epochs
        Epochs of the training; the interval is at most so long.

    Returns
    -------
    Number of epochs.

    Examples
    --------
    >>> from modis.train import validation_interval
    >>> validation_interval(steps_per_epoch=3, max_epochs=200)
    4
    """
    return max(1, min(-(-_STEPS_PER_VALIDATION // steps_per_epoch), max_epochs))


def learning_rate_factor(step: int, n_steps: float) -> float:
    """Share of the learning rate at a step: 1 for a third of them, then down to 0 in a line."""
    return max(0.0, min(1.0, (1 - step / n_steps) / (1 - _FULL_RATE)))
