from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from scvi.data._constants import _SCVI_UUID_KEY
from scvi.train import TrainRunner

from ..data import DataSpec, align_links, check_mudata, read_registered, register
from ..dataloaders import ModalitySplitter
from ..module import MODISModule, sizes_for
from ..train import MODISTrainingPlan, quiet_libraries
from ._importance import ImportanceMixin
from ._inference import InferenceMixin
from ._persistence import check_saved_model
from ._training import TrainingMixin
from ._translation import TranslationMixin
from ._upstream import ScviModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

__all__ = ["MODIS"]


class MODIS(TrainingMixin, InferenceMixin, TranslationMixin, ImportanceMixin, ScviModel):
    """Integrate unpaired multi-omics data.

    One variational autoencoder per modality, coupled by an adversarial discriminator in a shared
    latent space. From few or many labels, in any of the modalities, it learns a latent space in
    which the modalities overlap and the classes do not.

    Parameters
    ----------
    mdata
        Data set up with :meth:`setup_mudata`.
    architecture
        ``"default"``, on standardised features, or ``"paper"``, the layers of Lepe-Soltero et al.
        (2025) on min-max scaled features. The default sizes its encoders by the data, see
        :func:`~modis.module.sizes_for`: linear on the leading principal components in a small
        cohort with labels of all classes in all modalities, with a hidden layer otherwise.
    n_latent
        Dimensions of the latent space; the architecture's (32, or 64) by default.
    feature_links
        Features of different modalities that belong together (a CpG and its gene, a protein and
        its gene), a link per row: ``source_modality``, ``source_feature``, ``target_modality``,
        ``target_feature``, optionally ``weight`` (above 0) and ``sign`` (1, or -1 where one falls
        as the other rises; nothing in the data tells a sign that is wrong for all links). With
        links the modalities align without any label.
        :mod:`modis.links` makes such tables.
    adversarial
        How the modalities are made indistinguishable: ``"cross_entropy"`` (the paper's) or
        ``"relativistic"`` (relativistic pairing loss with gradient penalty).
    registry
        Registry of a saved model, in place of `mdata`; used by :meth:`load`.
    **module_kwargs
        Fields of :class:`~modis.module.Architecture` that differ from the architecture's:
        ``n_hidden``, ``n_layers``, ``dropout``, ``input_dropout``, ``scaling``, ...

    References
    ----------
    Lepe-Soltero et al. (2025), *MODIS: Multi-Omics Data Integration for Small and Unpaired
    Datasets*.

    Examples
    --------
    >>> from modis import MODIS
    >>> from modis.datasets import intersim, unpair
    >>> mdata = unpair(intersim(n_samples=60))
    >>> MODIS.setup_mudata(mdata, labels_key="label")
    >>> model = MODIS(mdata)
    >>> model.train(max_epochs=2)
    >>> model
    MODIS, trained: 3 modalities, 5 classes, 32 latent dimensions
      methylation: 367 features, gaussian, linear encoder on 50 principal components
      expression: 131 features, gaussian, linear encoder on 50 principal components
      protein: 160 features, gaussian, linear encoder on 50 principal components
      classes: class_1, class_2, class_3, class_4, class_5
    >>> model.predict().shape
    (60,)
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
        feature_links: pd.DataFrame | None = None,
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
        self._links = None
        if feature_links is not None:
            self._links = align_links(feature_links, spec.var_names, spec.ignored)
            # saved with the model: what is changed in the user's table later does not count
            feature_links = feature_links.copy()
            self._announce_links()
        if architecture == "default" and self.adata is not None:
            # saved with the model; what the user asks for goes first
            module_kwargs = self._sizes() | module_kwargs
        self.module = self._module_cls(
            n_input={name: len(features) for name, features in spec.var_names.items()},
            n_classes=len(spec.classes),
            likelihood=spec.likelihoods,
            n_batch=len(spec.batches),
            n_cats_per_cov=[len(names) for names in spec.covariates.values()],
            architecture=architecture,
            adversarial=adversarial,
            links=None if self._links is None else self._links.pairs,
            n_latent=n_latent,
            **module_kwargs,
        )
        #: Training samples of every batch, then of every category of each covariate, by modality.
        self.condition_counts_: dict[str, list[list[int]]] = {}
        #: How far the links stand above links at random, in standard deviations, by pair.
        self.link_agreement_: dict[tuple[str, str], float] = {}
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
        categorical_covariate_keys: Sequence[str] | None = None,
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
        categorical_covariate_keys
            Columns with further categories that decoders are conditioned on (sex, site,
            chemistry). Like the batches they stand in the ``obs`` of the modalities or in
            ``mdata.obs``, and no observation may lack one.
        layer
            Layer with the values, `None` for ``X``, or a dict by modality.
        likelihood
            How values are explained: ``"gaussian"`` (any continuous values by their mean squared
            error; the default), ``"gaussian_learned_variance"`` (the same with a variance per
            feature, so that noisy features count less), ``"nb"``, ``"zinb"`` or ``"poisson"``
            (counts), ``"bernoulli"`` or ``"beta"`` (values in [0, 1]), or a dict by modality
            (``"gaussian"`` for those that it leaves out).
        **kwargs
            Used by :meth:`load`; there are no others.

        Raises
        ------
        TypeError
            If `mdata` is no MuData, or an argument is not known.
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

        Parameters
        ----------
        adata
            Data of one modality.
        *args, **kwargs
            What other models take.

        Raises
        ------
        NotImplementedError
            Always.

        Examples
        --------
        >>> import anndata
        >>> from modis import MODIS
        >>> MODIS.setup_anndata(anndata.AnnData())
        Traceback (most recent call last):
        NotImplementedError: MODIS takes a MuData with one AnnData per modality: ...
        """
        raise NotImplementedError(
            "MODIS takes a MuData with one AnnData per modality: use MODIS.setup_mudata(mdata), "
            "with mdata = mudata.MuData({'rna': adata, ...})."
        )

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
        **kwargs
            Further arguments of the `load` of scvi-tools.

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
        """Feature names by modality, from the registry, so also without data.

        Parameters
        ----------
        legacy_mudata_format
            Of scvi-tools; without effect here.

        Returns
        -------
        Array of names by modality, in the order in which the networks take them.

        Examples
        --------
        >>> from modis import MODIS
        >>> from modis.datasets import intersim, unpair
        >>> mdata = unpair(intersim(n_samples=60))
        >>> MODIS.setup_mudata(mdata, labels_key="label")
        >>> MODIS(mdata).get_var_names()["expression"][:3].tolist()
        ['gene_001', 'gene_002', 'gene_003']
        """
        return dict(self._spec.var_names)

    def _sizes(self) -> dict[str, Any]:
        data = read_registered(self.adata, self._spec)
        n_classes = len(self._spec.classes)
        return sizes_for(
            [item.n_obs for item in data.values()],
            [item.label_counts(n_classes).tolist() for item in data.values()],
        )

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
            + sizes.describe_encoder(len(features))
            for name, features in spec.var_names.items()
        ]
        lines.append(f"  classes: {', '.join(spec.classes) or 'none'}")
        return "\n".join(lines)
