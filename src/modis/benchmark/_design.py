from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["Design", "Job", "check_design", "plan"]


@dataclass(frozen=True)
class Design:
    """What is compared, and on which parts of the data.

    Parameters
    ----------
    methods
        Names of the methods.
    seeds
        Number of seeds, from 0 on: of folds, deals, draws of labels and initialisations.
    folds
        Number of folds, stratified by class; `None` if the data say what trains and what tests.
    unpaired
        Whether every training observation keeps one modality only.
    labels_per_class
        Labelled training samples per class and modality; `None` for all.
    validation
        Whether a part of the training data is judged instead of the test data.
    transfer
        Modality with labels and modality without any; `None` if all have labels.
    max_epochs
        Epochs of the networks; their own choice by default.
    model_kwargs, train_kwargs
        Arguments of :class:`modis.MODIS` and of its training, for the method ``"modis"``.

    Examples
    --------
    >>> from modis.benchmark import Design
    >>> design = Design(methods=("modis", "lr"), seeds=3, folds=5, labels_per_class=5)
    >>> design.folds, design.unpaired
    (5, False)
    """

    methods: tuple[str, ...]
    seeds: int = 5
    folds: int | None = None
    unpaired: bool = False
    labels_per_class: int | None = None
    validation: bool = False
    transfer: tuple[str, str] | None = None
    max_epochs: int | None = None
    model_kwargs: dict[str, Any] = field(default_factory=dict)
    train_kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """One run: a method, a seed, and a fold (0 if there is only one part to test on).

    Parameters
    ----------
    method
        Name of the method.
    seed
        Seed of the run.
    fold
        Fold that is tested.

    Examples
    --------
    >>> from modis.benchmark import Job
    >>> print(Job("modis", seed=1, fold=2))
    modis seed 1 fold 2
    """

    method: str
    seed: int = 0
    fold: int = 0

    def __str__(self) -> str:
        return f"{self.method} seed {self.seed}" + (f" fold {self.fold}" if self.fold else "")


def plan(design: Design) -> list[Job]:
    """Runs of a design, all of one seed before the next.

    Parameters
    ----------
    design
        What is compared.

    Returns
    -------
    A :class:`Job` per method, seed and fold.

    Examples
    --------
    >>> from modis.benchmark import Design, plan
    >>> [str(job) for job in plan(Design(("modis", "lr"), seeds=1, folds=2))]
    ['modis seed 0', 'lr seed 0', 'modis seed 0 fold 1', 'lr seed 0 fold 1']
    """
    return [
        Job(method, seed, fold)
        for seed in range(design.seeds)
        for fold in range(design.folds or 1)
        for method in design.methods
    ]


def check_design(design: Design, known: Collection[str], split_key: str | None) -> None:
    """Refuse what cannot be compared, whatever the data.

    Parameters
    ----------
    design
        What is wanted.
    known
        Names of all methods.
    split_key
        Column that says what trains and what tests.

    Raises
    ------
    ValueError
        With the option that cannot be used.
    """
    if not design.methods:
        raise ValueError(f"--methods names no method; there are {', '.join(known)}.")
    strange = [name for name in design.methods if name not in known]
    if strange:
        raise ValueError(
            f"There is no method {strange[0]!r} (--methods); there are {', '.join(known)}."
        )
    if len(set(design.methods)) < len(design.methods):
        raise ValueError(f"--methods names one twice: {', '.join(design.methods)}.")
    for option, number, least in (
        ("--seeds", design.seeds, 1),
        ("--folds", design.folds, 2),
        ("--labels-per-class", design.labels_per_class, 1),
    ):
        if number is not None and number < least:
            raise ValueError(f"{option} must be at least {least}, found {number}.")
    if design.folds is not None and split_key is not None:
        raise ValueError("Give either --split-key or --folds: both say what is tested.")
    if design.transfer is not None:
        if design.folds is not None or design.unpaired:
            raise ValueError(
                "--transfer-from deals the observations itself; leave --folds and --unpaired out."
            )
        if design.transfer[0] == design.transfer[1]:
            raise ValueError(
                f"--transfer-from and --transfer-to are both {design.transfer[0]!r}; name two."
            )
