from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..data import read_registered
from ..metrics import link_agreement
from ..train import (
    BestWeights,
    batch_size_for,
    epochs_for,
    quiet_libraries,
    train_size_for,
    validation_interval,
)
from ._summary import SummaryMixin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scvi.train import TrainRunner

    from ..data import AlignedLinks, Modality
    from ..dataloaders import ModalitySplitter
    from ..train import MODISTrainingPlan

__all__ = ["TrainingMixin"]

_MONITOR = "selection_validation"
# Links that are wrong stand within 3 standard deviations of links at random; those that are true
# stand 4 to 90 above them on the data sets that were tried.
_LEAST_LINK_Z = 3.0
_LINK_ROWS = 1000
# principal components are found on so many values at most (64 MB)
_PROJECTION_VALUES = 2**24
# true links of fewer features than these are often missed
_LEAST_LINKED = 10


class TrainingMixin(SummaryMixin):
    """How a model is trained."""

    if TYPE_CHECKING:
        # the model's
        is_trained_: bool
        best_epoch_: int | None
        link_agreement_: dict[tuple[str, str], float]
        _links: AlignedLinks | None
        _data_splitter_cls: type[ModalitySplitter]
        _training_plan_cls: type[MODISTrainingPlan]
        _train_runner_cls: type[TrainRunner]

    def train(
        self,
        max_epochs: int | None = None,
        batch_size: int | None = None,
        train_size: float | None = None,
        early_stopping: bool = True,
        accelerator: str = "auto",
        devices: int | list[int] | str = "auto",
        plan_kwargs: dict[str, Any] | None = None,
        balance_classes: bool = True,
        **trainer_kwargs: Any,
    ) -> None:
        """Train the model.

        Part of the observations is held out, stratified by modality and class. After every few
        steps they are scored (reconstruction, modality mixing, agreement with the feature links,
        and classification if some are labelled), and the weights of the best score stay in the
        end. ``model.history`` has every loss term by name.

        Parameters
        ----------
        max_epochs
            Passes over the longest modality. By default as many as make 600 steps, at least 10
            and at most 400.
        batch_size
            Observations per modality and minibatch; by default 64, or 256 when a modality has
            more than 10,000 of them.
        train_size
            Share of the observations that train, in (0, 1]. With 1 nothing is held out, and the
            weights of the last epoch stay. By default 0.9, or 1 with linear encoders, as in small
            cohorts, which need every sample and hardly overfit.
        early_stopping
            Stop when the score has not become better for half of the epochs.
        accelerator, devices
            Where to train, as in :class:`scvi.train.TrainRunner`.
        plan_kwargs
            Arguments of :class:`~modis.train.MODISTrainingPlan`: ``lr``, ``loss_weights``, ...
        balance_classes
            Whether minibatches hold equally many labelled samples of each class, so that a
            class with five samples counts. Without labels it changes nothing. If not, there is
            no ``ridge`` term unless its weight is given: common classes would take all.
        **trainer_kwargs
            Arguments of :class:`scvi.train.Trainer`.

        Raises
        ------
        ValueError
            If the model was loaded without data, or an argument is out of range.
        RuntimeError
            If a loss becomes infinite or NaN.

        Examples
        --------
        >>> from modis import MODIS
        >>> from modis.datasets import intersim, unpair
        >>> mdata = unpair(intersim(n_samples=60))
        >>> MODIS.setup_mudata(mdata, labels_key="label")
        >>> model = MODIS(mdata)
        >>> model.train(max_epochs=2)
        >>> model.history["reconstruction_train"]
               reconstruction_train
        epoch
        0                       ...
        1                       ...
        """
        data = read_registered(self._mdata(None), self._spec)
        size = batch_size_for(
            max(item.n_obs for item in data.values()), batch_size, self.module.architecture.norm
        )
        train_size = train_size_for(self.module.architecture.n_layers, train_size)
        splitter = self._data_splitter_cls(
            data, train_size=train_size, batch_size=size, balance_classes=balance_classes
        )
        steps = splitter.steps_per_epoch
        max_epochs = epochs_for(steps, max_epochs)
        weights = {key: value.clone() for key, value in self.module.state_dict().items()}
        if not self.is_trained_:
            self._fit_to_training_rows(data, splitter)
        self.module.label_counts = {
            name: torch.from_numpy(
                item.label_counts(len(self._spec.classes), splitter.train_idx[name])
            )
            for name, item in data.items()
        }
        self.module.n_train = {name: len(rows) for name, rows in splitter.train_idx.items()}
        self.module.batch_counts = {
            name: torch.tensor(counts) for name, (counts, *_) in self.condition_counts_.items()
        }
        self._check_links(data, splitter)
        self._announce_missing_pairs()
        plan_kwargs = dict(plan_kwargs or {})
        if not balance_classes:
            # kept small, a class map of unequal classes tells little but their shares
            plan_kwargs["loss_weights"] = {"ridge": 0.0} | (plan_kwargs.get("loss_weights") or {})
        plan = self._training_plan_cls(self.module, **plan_kwargs)
        plan.validated_modalities = splitter.validated_modalities
        # every term is logged once per epoch; Lightning warns when its own interval is longer
        trainer_kwargs.setdefault("log_every_n_steps", 1)
        # the user's list stays as it is
        callbacks = list(trainer_kwargs.pop("callbacks", []))
        best = BestWeights(_MONITOR)
        if splitter.n_val:
            callbacks.append(best)
            every = trainer_kwargs.setdefault(
                "check_val_every_n_epoch", validation_interval(steps, max_epochs)
            )
            trainer_kwargs.setdefault("early_stopping_monitor", _MONITOR)
            trainer_kwargs.setdefault(
                "early_stopping_patience", max(5, round(0.5 * max_epochs / every))
            )
        with quiet_libraries():
            runner = self._train_runner_cls(
                self,
                training_plan=plan,
                data_splitter=splitter,
                max_epochs=max_epochs,
                accelerator=accelerator,
                devices=devices,
                early_stopping=early_stopping and splitter.n_val > 0,
                callbacks=callbacks,
                **trainer_kwargs,
            )
            self.module.train()
            try:
                runner()
            except Exception:
                # what was learnt before is not lost
                self.module.load_state_dict(weights)
                self.module.eval()
                raise
        self.best_epoch_ = best.best_epoch

    def _fit_to_training_rows(
        self, data: Mapping[str, Modality], splitter: ModalitySplitter
    ) -> None:
        for name, item in data.items():
            rows = splitter.train_idx[name]
            self.module.fit_scaler(name, item.matrix.chunks(rows))
            n_features = item.matrix.shape[1]
            if self.module.architecture.components(n_features) is not None:
                self.module.fit_projection(name, item.matrix.rows(_some(rows, n_features)))
            spec = self._spec
            vocabularies = [spec.batches, *spec.covariates.values()]
            self.condition_counts_[name] = [
                np.bincount(codes, minlength=len(names)).tolist()
                for codes, names in zip(item.batch[rows].T, vocabularies, strict=True)
            ]

    def _check_links(self, data: Mapping[str, Modality], splitter: ModalitySplitter) -> None:
        """Warn of links that the training samples contradict."""
        if self._links is None or self.link_agreement_:
            return
        rng = np.random.default_rng(0)
        profiles = {}
        for name in dict.fromkeys(name for pair in self._links.pairs for name in pair):
            rows = splitter.train_idx[name]
            chosen = np.sort(rng.choice(rows, min(len(rows), _LINK_ROWS), replace=False))
            x = torch.from_numpy(data[name].matrix.rows(chosen))
            profiles[name] = self.module.scale(name, x).cpu().numpy()
        for (first, second), pair in self._links.pairs.items():
            linked = self._links.summary.loc[[(first, second)], ["linked_first", "linked_second"]]
            if linked.to_numpy().min() < _LEAST_LINKED:
                continue
            try:
                score = link_agreement(
                    profiles[first], profiles[second], pair.first, pair.second, pair.weight
                ).z_score
            except ValueError:
                # too few linked features vary to tell
                continue
            self.link_agreement_[first, second] = score
            if score < _LEAST_LINK_Z:
                warnings.warn(
                    f"The feature links between '{first}' and '{second}' disagree with the data: "
                    f"linked features are not correlated as their partners are (z = {score:.1f}, "
                    f"at least {_LEAST_LINK_Z:g} is expected). Check the names in the table and "
                    "the column 'sign', or train without these links.",
                    UserWarning,
                    stacklevel=3,
                )


def _some(rows: np.ndarray, n_features: int) -> np.ndarray:
    """Training rows, or as many of them as fit in memory at once."""
    n = min(len(rows), max(1, _PROJECTION_VALUES // n_features))
    return np.sort(np.random.default_rng(0).choice(rows, n, replace=False))
