import warnings
from dataclasses import asdict
from inspect import signature
from pathlib import Path
from typing import Any
from unittest.mock import patch

import joblib
import lightning.pytorch
import numpy as np
import scvi.train
import torch

from ..data import check_arguments, choice, number, whole
from ..dataloaders import ModalitySplitter
from ..metrics import link_agreement
from ..train import BestWeights, History, quiet_libraries
from ._archive import Checkpoints
from ._base import Model
from ._linear import fit_linear_models
from ._persistence import saved_weights
from ._query import only_new_batches
from ._summary import announce_missing_pairs
from ._values import Data, learn_values, scaled_rows

_MONITOR = "selection_validation"
# validating more often costs more than it tells
_STEPS_PER_VALIDATION = 10
# Wrong links have z scores below 3 relative to random links; correct links had 4 to 90 on the data
# sets that were tried.
_LEAST_LINK_Z = 3.0
_LINK_ROWS = 1000
# true links of fewer features than these are often missed
_LEAST_LINKED = 10
# in signatures, but not for users
_NO_ARGUMENTS = "self module model training_plan data_splitter kwargs trainer_kwargs".split()


def train(  # numpydoc ignore=PR01
    self: Model,
    max_epochs: int | None = None,
    batch_size: int | None = None,
    train_size: float | None = None,
    early_stopping: bool = True,
    accelerator: str = "auto",
    devices: int | list[int] | str = "auto",
    plan_kwargs: dict[str, Any] | None = None,
    balance_classes: bool | None = None,
    checkpoint_dir: str | Path | None = None,
    **trainer_kwargs: Any,
) -> None:
    """Train the model.

    Part of the observations is held out, stratified by modality and class. After every few steps
    they are scored (reconstruction, modality mixing, agreement with the feature links, and
    classification if some are labelled), and the model keeps the weights with the best score.
    ``model.history`` has every loss term by name. After an interrupt (Ctrl-C) the model has the
    best weights so far, and can continue. What is not given is that of the preset.

    Parameters
    ----------
    max_epochs
        Passes over the longest modality: as many as make 600 steps, or more with over 500
        observations (their number to the power 2/3); at least 10 and at most 400.
    batch_size
        Observations per modality and minibatch: 64, or 128 when a modality has more than 2,000 of
        them, and 256 with more than 20,000.
    train_size
        Share of the observations that train, in (0, 1]: 0.9. With 1 nothing is held out, and the
        weights of the last epoch stay. The linear models learn from all.
    early_stopping
        Stop if the score does not improve during half of the epochs.
    accelerator, devices
        Where to train, as in :class:`scvi.train.TrainRunner`. Several devices share the
        minibatches of an epoch, by Lightning's ``strategy``: by default a process for each.
    plan_kwargs
        Arguments of :class:`~modis.train.MODISTrainingPlan`: ``lr``, ``loss_weights``, ...
    balance_classes
        Whether minibatches hold equally many labelled samples of each class.
    checkpoint_dir
        Folder for the state of the training, written when an epoch starts. The same call resumes
        from it after an interruption, with the same result. Remove it afterwards.
    **trainer_kwargs
        Arguments of :class:`scvi.train.Trainer`.

    Raises
    ------
    ValueError
        If the model was loaded without data, or an argument is out of range.
    RuntimeError
        If a loss becomes infinite or NaN.
    KeyboardInterrupt
        If training was interrupted.
    """
    plan_kwargs = dict(plan_kwargs or {})
    choice("early_stopping", early_stopping, (True, False))
    choice("balance_classes", balance_classes, (True, False, None))
    _check_options(self, plan_kwargs, trainer_kwargs)
    preset, data = self.preset, self._training_data()
    self._check_values()
    longest = max(item.n_obs for item in data.values())
    asked = preset.train_size if train_size is None else train_size
    balance = preset.balance_classes if balance_classes is None else balance_classes
    size = preset.batch_size(longest) if batch_size is None else whole("batch_size", batch_size)
    if size == 1 and preset.architecture.norm == "batch":
        raise ValueError("batch_size=1 is too small: batch normalisation needs two samples.")
    how: dict[str, Any] = {"train_size": asked, "batch_size": size, "balance_classes": balance}
    splitter = self._data_splitter_cls(data, **how)
    if asked < 1 and not splitter.n_val:
        warnings.warn(
            f"train_size={asked:g} holds out no observation: there are too few of each class. All "
            "train, and the weights of the last epoch stay. Set train_size=1 to say so.",
            UserWarning,
            stacklevel=2,
        )
    default = preset.n_epochs(splitter.steps_per_epoch, longest)
    max_epochs = whole("max_epochs", default if max_epochs is None else max_epochs)
    for name in ("gradient_clip_val", "gradient_clip_algorithm"):
        # Lightning clips by itself with a single optimiser only
        if name in trainer_kwargs:
            plan_kwargs[name] = trainer_kwargs.pop(name)
    if self.new_batches_:
        # would pull at what stays
        plan_kwargs["weight_decay"] = 0.0
    plan = self._training_plan_cls(self.module, **plan_kwargs)
    plan.validated_modalities = splitter.validated_modalities
    before = {key: value.clone() for key, value in self.module.state_dict().items()}
    _fit_to_rows(self, data, splitter)
    _check_links(self, data, splitter)
    if not self.new_batches_:
        announce_missing_pairs(self)
    best = BestWeights(_MONITOR)
    # no epoch, no validation
    is_short = 0 < (trainer_kwargs.get("max_steps") or -1) < splitter.steps_per_epoch
    is_validated = splitter.n_val > 0 and not is_short
    is_validated &= trainer_kwargs.get("limit_val_batches") != 0
    callbacks = [best] if is_validated else []
    trainer_kwargs = _with_defaults(trainer_kwargs, splitter, max_epochs, callbacks)
    if checkpoint_dir is not None:
        spec, arguments = self._spec, (plan_kwargs, asked, balance, early_stopping)
        rows = (spec.obs_hashes, spec.var_hashes, spec.label_codes, splitter.train_idx)
        training = {"preset": asdict(preset), "max_epochs": max_epochs, "batch_size": size}
        training |= {"arguments": repr(arguments), "data": joblib.hash(rows)}
        trainer_kwargs["callbacks"].append(Checkpoints(checkpoint_dir, training))
    # where scvi-tools' callback for checkpoints would unpickle them
    reader = patch.object(scvi.train._callbacks, "_load_saved_files", saved_weights)
    with quiet_libraries(), reader, only_new_batches(self):
        runner = self._train_runner_cls(
            self,
            training_plan=plan,
            data_splitter=splitter,
            max_epochs=max_epochs,
            accelerator=accelerator,
            devices=devices,
            early_stopping=early_stopping and is_validated,
            **trainer_kwargs,
        )
        was_trained = self.is_trained_
        self.module.train(not self.new_batches_)
        try:
            runner()
        except BaseException as error:
            # Lightning turns Ctrl-C into an exit with status 1
            stop = error.__context__ if isinstance(error, SystemExit) else error
            interrupted = isinstance(stop, KeyboardInterrupt)
            # trained in half precision, used in single
            self.module.float()
            learnt = interrupted and (best.restore(plan) or plan.current_epoch > 0)
            if not learnt:
                # what was learnt before is not lost
                self.module.load_state_dict(before)
            self.is_trained_ = was_trained or learnt
            if learnt:
                self.best_epoch_ = best.best_epoch
                self.train_indices, self.validation_indices = splitter.train_idx, splitter.val_idx
                fit_linear_models(self, data, splitter.val_idx)
            self.module.eval()
            if interrupted:
                raise KeyboardInterrupt from None
            raise
    self.module.float()
    self.best_epoch_ = best.best_epoch
    fit_linear_models(self, data, splitter.val_idx)


def _check_options(model: Model, plan_kwargs: Any, trainer_kwargs: dict[str, Any]) -> None:
    """Refuse arguments that the plan or the trainer do not have, or that would train nothing."""
    if trainer_kwargs.pop("ckpt_path", None):
        raise ValueError(
            "ckpt_path: checkpoints of Lightning can run any program when they are opened, so "
            "they are not. Use checkpoint_dir."
        )
    trainers = (train, scvi.train.Trainer, model._train_runner_cls, lightning.pytorch.Trainer)
    for where, given, takers in (
        ("plan_kwargs", plan_kwargs, [model._training_plan_cls]),
        ("train", trainer_kwargs, trainers),
    ):
        known = dict.fromkeys(name for each in takers for name in signature(each).parameters)
        check_arguments(where, given, [x for x in known if x not in _NO_ARGUMENTS])
    given = {name: value for name, value in trainer_kwargs.items() if value is not None}
    if "limit_train_batches" in given:
        number("limit_train_batches", given["limit_train_batches"], lambda x: x > 0, "above 0")
    for name, least in (("check_val_every_n_epoch", 1), ("early_stopping_patience", 0)):
        if name in given:
            trainer_kwargs[name] = whole(name, given[name], least)


def _with_defaults(
    given: dict[str, Any], splitter: ModalitySplitter, max_epochs: int, own: list[BestWeights]
) -> dict[str, Any]:
    """Arguments of the trainer: the user's, and what this model needs.

    Its `own` callbacks look at validation scores, if there are any.
    """
    # Every term is logged once per epoch; Lightning warns when its own interval is longer. Its
    # samplers for several processes have nothing to do: those here share out the minibatches.
    made: dict[str, Any] = {"log_every_n_steps": 1, "use_distributed_sampler": False}
    made["logger"] = History(
        save_dir=given.get("log_save_dir"), save_log_on_disk=given.get("save_log_on_disk", False)
    )
    # the user's list stays as it is
    callbacks = [*(given.get("callbacks") or []), *own]
    if own:
        usual = min(-(-_STEPS_PER_VALIDATION // splitter.steps_per_epoch), max_epochs)
        every = given.get("check_val_every_n_epoch") or usual
        made |= {
            "check_val_every_n_epoch": every,
            "checkpointing_monitor": _MONITOR,
            "early_stopping_monitor": _MONITOR,
            "early_stopping_patience": max(5, round(0.5 * max_epochs / every)),
        }
    else:
        # with checkpoints the trainer would look for validation data, and warn
        made |= {"checkpointing_monitor": "loss_train", "limit_val_batches": 0}
    return made | given | {"callbacks": callbacks}


def _fit_to_rows(model: Model, data: Data, splitter: ModalitySplitter) -> None:
    """Scaling and components, once; counts of the training samples, every time."""
    module, spec = model.module, model._spec
    for name, item in data.items():
        rows = splitter.train_idx[name]
        if not model.is_trained_:
            learn_values(module, item, rows)
            module.fit_scaler(name, item.matrix.chunks(rows, compact=True))
            vocabularies = [spec.batches, *spec.covariates.values()]
            model.condition_counts_[name] = [
                np.bincount(codes, minlength=len(names)).tolist()
                # numbers stand last
                for codes, names in zip(item.batch[rows].T.astype(int), vocabularies, strict=False)
            ]
        module.label_counts[name] = torch.from_numpy(item.label_counts(len(spec.classes), rows))
        module.batch_counts[name] = torch.tensor(model.condition_counts_[name][0])


def _check_links(model: Model, data: Data, splitter: ModalitySplitter) -> None:
    """Warn of links that the training samples contradict."""
    links = model._links
    if links is None or model.link_agreement_:
        return
    rng = np.random.default_rng(0)
    profiles = {}
    for name in dict.fromkeys(name for pair in links.pairs for name in pair):
        rows = splitter.train_idx[name]
        chosen = np.sort(rng.choice(rows, min(len(rows), _LINK_ROWS), replace=False))
        profiles[name] = scaled_rows(model.module, data[name], chosen).cpu().numpy()
    for (first, second), pair in links.pairs.items():
        linked = links.summary.loc[[(first, second)], ["linked_first", "linked_second"]]
        if linked.to_numpy().min() < _LEAST_LINKED:
            continue
        try:
            score = link_agreement(
                profiles[first], profiles[second], pair.first, pair.second, pair.weight
            ).z_score
        except ValueError:
            # too few linked features vary to tell
            continue
        model.link_agreement_[first, second] = score
        if score < _LEAST_LINK_Z:
            warnings.warn(
                f"The feature links between '{first}' and '{second}' disagree with the data: "
                f"linked features are not correlated as their partners are (z = {score:.1f}, "
                f"at least {_LEAST_LINK_Z:g} is expected). Check the names in the table and "
                "the column 'sign', or train without these links.",
                UserWarning,
                stacklevel=3,
            )
