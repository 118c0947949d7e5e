from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from scvi.data._constants import _SCVI_UUID_KEY
from scvi.model.base import BaseModelClass
from scvi.train import TrainRunner

from ..data import DataSpec, check_mudata, read_registered, register
from ..dataloaders import ModalitySplitter
from ..module import MODISModule
from ..train import (
    BestWeights,
    MODISTrainingPlan,
    batch_size_for,
    epochs_for,
    quiet_libraries,
    validation_interval,
)
from ._inference import InferenceMixin
from ._persistence import check_saved_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData
    from mudata import MuData

    from ..data import Modality

__all__ = ["MODIS"]

_MONITOR = "selection_validation"


class MODIS(InferenceMixin, BaseModelClass):
    """Integrate unpaired multi-omics data.

    One variational autoencoder per modality, coupled by an adversarial discriminator in a shared
    latent space. From few or many labels, in any of the modalities, it learns a latent space in
    which the modalities overlap and the classes do not.

    Parameters
    ----------
    mdata
        Data set up with :meth:`setup_mudata`.
    architecture
        ``"default"``, small networks for small cohorts on standardised features, or ``"paper"``,
        the layers of Lepe-Soltero et al. (2025) on min-max scaled features.
    n_latent
        Dimensions of the latent space; the architecture's (32, or 64) by default.
    adversarial
        How the modalities are made indistinguishable: ``"cross_entropy"`` (the paper's) or
        ``"relativistic"`` (relativistic pairing loss with gradient penalty).
    registry
        Registry of a saved model, in place of `mdata`; used by :meth:`load`.
    **module_kwargs
        Fields of :class:`~modis.module.Architecture` that differ from the architecture's:
        ``n_hidden``, ``n_layers``, ``dropout``, ``input_dropout``, ``scaling``, ...

    Examples
    --------
    >>> from modis import MODIS
    >>> from modis.datasets import intersim, unpair
    >>> mdata = unpair(intersim(n_samples=60))
    >>> MODIS.setup_mudata(mdata, labels_key="label")
    >>> model = MODIS(mdata)
    >>> model.train(max_epochs=2)
    >>> model.predict().shape
    (60,)

    References
    ----------
    Lepe-Soltero et al. (2025), *MODIS: Multi-Omics Data Integration for Small and Unpaired
    Datasets*.
    """

    _module_cls = MODISModule
    _data_splitter_cls = ModalitySplitter
    _training_plan_cls = MODISTrainingPlan
    _train_runner_cls = TrainRunner

    def __init__(
        self,
        mdata: MuData | None = None,
        architecture: str = "default",
        n_latent: int | None = None,
        adversarial: str = "cross_entropy",
        *,
        registry: dict | None = None,
        **module_kwargs: Any,
    ) -> None:
        if mdata is not None and _SCVI_UUID_KEY not in mdata.uns:
            raise ValueError(
                "The data are not set up: call MODIS.setup_mudata(mdata, labels_key=...) first."
            )
        super().__init__(mdata, registry)
        spec = self._spec
        self.module = self._module_cls(
            n_input={name: len(features) for name, features in spec.var_names.items()},
            n_classes=len(spec.classes),
            likelihood=spec.likelihoods,
            n_batch=len(spec.batches),
            architecture=architecture,
            adversarial=adversarial,
            n_latent=n_latent,
            **module_kwargs,
        )
        #: Code of the batch with most training samples, by modality.
        self.largest_batch_: dict[str, int] = {}
        self.best_epoch_: int | None = None
        self.init_params_ = self._get_init_params(locals())
        # a model made without data would be saved with, and called with, mdata=None
        self.init_params_["non_kwargs"].pop("mdata", None)

    @classmethod
    def setup_mudata(
        cls,
        mdata: MuData,
        *,
        modalities: Sequence[str] | None = None,
        labels_key: str | Mapping[str, str] | None = None,
        unlabeled_category: str = "unknown",
        batch_key: str | Mapping[str, str] | None = None,
        layer: str | Mapping[str, str | None] | None = None,
        likelihood: str | Mapping[str, str] = "gaussian",
        **kwargs: Any,
    ) -> None:
        """Check the data and register them with the model.

        Observations may be unpaired, partly paired or paired. Nothing is written into the data
        but scvi-tools' identifiers in ``mdata.uns``, and those only when every check has passed.
        One table of the observations per modality and class is logged.

        Parameters
        ----------
        mdata
            One AnnData per modality.
        modalities
            Modalities to use; all by default.
        labels_key
            Column with the classes, in ``mdata.obs`` or in the ``obs`` of the modalities; a dict
            by modality if the columns have several names (modalities that it leaves out are
            not labelled). `None` trains without labels.
        unlabeled_category
            Class name that stands for "not labelled", as missing values do.
        batch_key
            Column with the batches that decoders are conditioned on, or a dict by modality.
        layer
            Layer with the values, `None` for ``X``, or a dict by modality.
        likelihood
            How values are explained: ``"gaussian"`` (any continuous values; the default),
            ``"nb"``, ``"zinb"`` or ``"poisson"`` (counts), ``"bernoulli"`` or ``"beta"`` (values
            in [0, 1]), or a dict by modality (``"gaussian"`` for those that it leaves out).

        Raises
        ------
        TypeError
            If `mdata` is no MuData.
        KeyError
            If a modality, column or layer is not in the data.
        ValueError
            If the data are a view, or names, labels or values cannot be used.

        Examples
        --------
        >>> from modis import MODIS
        >>> from modis.datasets import intersim, unpair
        >>> mdata = unpair(intersim(n_samples=60))
        >>> MODIS.setup_mudata(mdata, labels_key="label", likelihood={"methylation": "beta"})
        """
        setup_method_args = cls._get_setup_method_args(**locals())
        unknown = sorted(set(kwargs) - {"source_registry"})
        if unknown:
            raise TypeError(f"setup_mudata has no argument {unknown[0]!r}.")
        cls.register_manager(register(mdata, setup_method_args, **kwargs))

    @classmethod
    def setup_anndata(cls, adata: AnnData, *args: Any, **kwargs: Any) -> None:
        """Refused: MODIS takes a MuData, see :meth:`setup_mudata`.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError(
            "MODIS takes a MuData with one AnnData per modality: use MODIS.setup_mudata(mdata), "
            "with mdata = mudata.MuData({'rna': adata, ...})."
        )

    def train(
        self,
        max_epochs: int | None = None,
        batch_size: int | None = None,
        train_size: float = 0.9,
        early_stopping: bool = True,
        accelerator: str = "auto",
        devices: int | list[int] | str = "auto",
        plan_kwargs: dict[str, Any] | None = None,
        balance_classes: bool = True,
        **trainer_kwargs: Any,
    ) -> None:
        """Train the model.

        Part of the observations is held out, stratified by modality and class. After every few
        steps they are scored (reconstruction, classification, modality mixing), and the weights
        of the best score stay in the end. ``model.history`` has every loss term by name.

        Parameters
        ----------
        max_epochs
            Passes over the longest modality. By default as many as make 1,000 steps, at least
            20 and at most 400.
        batch_size
            Observations per modality and minibatch; by default 64, or 256 when a modality has
            more than 10,000 of them.
        train_size
            Share of the observations that train, in (0, 1]. With 1 nothing is held out, and the
            weights of the last epoch stay.
        early_stopping
            Stop when the score has not become better for a fifth of the epochs.
        accelerator, devices
            Where to train, as in :class:`scvi.train.TrainRunner`.
        plan_kwargs
            Arguments of :class:`~modis.train.MODISTrainingPlan`: ``lr``, ``loss_weights``, ...
        balance_classes
            Whether minibatches hold equally many labelled samples of each class, so that a
            class with five samples counts. Without labels it changes nothing.
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
        >>> "reconstruction_train" in model.history
        True
        """
        data = read_registered(self._mdata(None), self._spec)
        size = batch_size_for(
            max(item.n_obs for item in data.values()), batch_size, self.module.architecture.norm
        )
        splitter = self._data_splitter_cls(
            data, train_size=train_size, batch_size=size, balance_classes=balance_classes
        )
        steps = splitter.steps_per_epoch
        max_epochs = epochs_for(steps, max_epochs)
        weights = {key: value.clone() for key, value in self.module.state_dict().items()}
        if not self.is_trained_:
            self._fit_to_training_rows(data, splitter)
        plan = self._training_plan_cls(
            self.module, **({"labeled_share": splitter.labeled_share} | (plan_kwargs or {}))
        )
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
                "early_stopping_patience", max(5, round(0.2 * max_epochs / every))
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
            self.largest_batch_[name] = int(torch.from_numpy(item.batch[rows]).mode().values)

    @classmethod
    def load(
        cls,
        dir_path: str | Path,
        mdata: MuData | None = None,
        accelerator: str = "auto",
        device: int | str = "auto",
        prefix: str | None = None,
        **kwargs: Any,
    ) -> MODIS:
        """Load a saved model.

        Parameters
        ----------
        dir_path
            Folder that :meth:`save` wrote.
        mdata
            Data with the same modalities and features, or `False` to load without data. By
            default the data that were saved with the model, if any.
        accelerator, device
            Where to put the model, as in scvi-tools.
        prefix
            Prefix of the saved files.

        Returns
        -------
        The model, with the weights, the scaling and the classes of the saved one.

        Raises
        ------
        ValueError
            If the folder holds no readable MODIS model, or the data do not fit it.

        Examples
        --------
        >>> import tempfile
        >>> from modis import MODIS
        >>> from modis.datasets import intersim, unpair
        >>> mdata = unpair(intersim(n_samples=60))
        >>> MODIS.setup_mudata(mdata, labels_key="label")
        >>> model = MODIS(mdata)
        >>> model.train(max_epochs=2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(folder, overwrite=True)
        ...     loaded = MODIS.load(folder, mdata)
        >>> loaded.is_trained
        True
        """
        check_saved_model(Path(dir_path), prefix)
        where = {"accelerator": accelerator, "device": device, "prefix": prefix} | kwargs
        with quiet_libraries():
            try:
                # without data first: a folder that is refused leaves no trace in them
                model = super().load(str(dir_path), False, **where)
            except RuntimeError as error:
                raise ValueError(f"The model in '{dir_path}' is damaged: {error}") from error
            if mdata is False:
                return model
            if mdata is not None:
                check_mudata(mdata)
            return super().load(str(dir_path), mdata, **where)

    def get_var_names(self, legacy_mudata_format: bool = False) -> dict:
        """Feature names by modality, from the registry, so also without data."""
        return dict(self._spec.var_names)

    @property
    def _spec(self) -> DataSpec:
        return DataSpec.from_registry(self.registry_)

    def __repr__(self) -> str:
        """Describe data, networks and state in a few lines."""
        spec, sizes = self._spec, self.module.architecture
        lines = [
            f"MODIS, {'trained' if self.is_trained_ else 'not trained'}: "
            f"{len(spec.modalities)} modalities, {len(spec.classes)} classes, "
            f"{sizes.n_latent} latent dimensions"
        ]
        lines += [
            f"  {name}: {len(features)} features, {spec.likelihoods[name]}, "
            f"{sizes.hidden_units(len(features))} hidden units"
            for name, features in spec.var_names.items()
        ]
        lines.append(f"  classes: {', '.join(spec.classes) or 'none'}")
        return "\n".join(lines)
