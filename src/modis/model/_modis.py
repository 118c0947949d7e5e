from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

import pandas as pd
from mudata import MuData

from .._constants import Likelihood
from ..data import align_links, check_arguments, register
from ..module import Preset
from . import (
    _importance,
    _inference,
    _persistence,
    _query,
    _summary,
    _training,
    _translation,
    _trust,
)
from ._base import Model


class MODIS(Model):
    """Integrate unpaired multi-omics data.

    One variational autoencoder per modality (Lepe-Soltero et al. 2025), coupled by an adversarial
    discriminator in a shared latent space, and linear models. It uses labels of any modality, few
    or many. In the latent space modalities overlap and classes separate.

    Parameters
    ----------
    mdata
        Data set up with :meth:`setup_mudata`.
    architecture
        Name of a preset, which holds networks, loss weights and training schedule:
        ``"default"``, or ``"paper"``. A :class:`~modis.module.Preset` is used unchanged.
    n_latent
        Dimensions of the latent space; the preset's, 64, by default.
    feature_links
        Features of different modalities that belong together (a CpG and its gene, a protein and
        its gene), a link per row: ``source_modality``, ``source_feature``, ``target_modality``,
        ``target_feature``, optionally ``weight`` (above 0) and ``sign`` (1, or -1 where one falls
        as the other rises; the data cannot show a sign that is wrong for all links). With links
        the modalities align without labels. :mod:`modis.links` makes such tables.
    adversarial
        How the modalities are made indistinguishable: ``"cross_entropy"`` (the paper's) or
        ``"relativistic"`` (relativistic pairing loss with gradient penalty).
    registry
        Registry of a saved model instead of `mdata`; used by :meth:`load`.
    **module_kwargs
        Fields of :class:`~modis.module.Architecture` that differ from the preset's:
        ``n_hidden``, ``n_layers``, ``dropout``, ``input_dropout``, ``scaling``, ...

    Notes
    -----
    In every method ``mdata=None`` means the training data, with the labels of the set-up.
    Another MuData may lack modalities and labels; its features are matched by name. Rows are in
    the order of the data, or of `indices`. Inherited from scvi-tools: ``history`` (loss terms and
    validation scores by name, each a DataFrame by epoch), ``is_trained``, ``train_indices`` and
    ``validation_indices`` (positions by modality), ``device`` and ``to_device``.

    Methods raise `KeyError` for a modality that is not known or not in the data, `ValueError` if
    features are missing, values cannot be used or there are no data, and `RuntimeError` before
    training.

    Examples
    --------
    >>> from modis import MODIS
    >>> from modis.datasets import intersim, unpair
    >>> mdata = unpair(intersim(n_samples=150))
    >>> MODIS.setup_mudata(mdata, labels_key="label")
    >>> model = MODIS(mdata, feature_links=mdata.uns["feature_links"])
    >>> model.train(max_epochs=2)
    >>> model
    MODIS, trained: 3 modalities, 5 classes, 64 latent dimensions, preset 'default'
      methylation: 367 features, gaussian, 256 hidden units
      expression: 131 features, gaussian, 256 hidden units
      protein: 160 features, gaussian, 256 hidden units
      classes: class_1, class_2, class_3, class_4, class_5

    Classes and latent space, of all that an observation has or of one modality:

    >>> model.predict().shape, model.predict(modality="protein", soft=True).shape
    ((150,), (50, 5))
    >>> model.get_latent_representation(modality="protein").shape
    (50, 64)
    >>> model.joint_embedding().obs.columns.tolist()
    ['observation', 'modality', 'label', 'predicted', 'probability', 'observed_modality']

    One modality from another, and what drives a prediction:

    >>> model.translate("expression", "protein").shape
    (50, 160)
    >>> importance = model.feature_importance("protein", class_name="class_1")
    >>> importance[["class", "rank", "feature", "direction"]].head(1)
         class  rank      feature direction
    0  class_1     1  protein_...

    Saved and loaded:

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp()) / "model"
    >>> model.save(folder)
    >>> MODIS.load(folder, mdata).is_trained
    True
    """

    def __init__(
        self,
        mdata: MuData | None = None,
        architecture: Literal["default", "paper"] | Preset | Mapping[str, Any] = "default",
        n_latent: int | None = None,
        feature_links: pd.DataFrame | None = None,
        adversarial: Literal["cross_entropy", "relativistic"] = "cross_entropy",
        *,
        registry: dict | None = None,
        **module_kwargs: Any,
    ) -> None:
        super().__init__(mdata, registry)
        spec = self._spec
        if feature_links is not None:
            self._links = align_links(feature_links, spec.var_names, spec.ignored)
            # saved with the model: what is changed in the user's table later does not count
            feature_links = feature_links.copy()
            _summary.announce_links(self._links)
        self.preset = Preset.find(architecture).with_sizes(n_latent=n_latent, **module_kwargs)
        self.module = self._module_cls(
            n_input={name: len(features) for name, features in spec.var_names.items()},
            n_classes=len(spec.classes),
            likelihood=spec.likelihoods,
            n_batch=len(spec.batches),
            n_cats_per_cov=[len(names) for names in spec.covariates.values()],
            n_continuous_cov=len(spec.numbers),
            preset=self.preset,
            adversarial=adversarial,
            links=None if self._links is None else self._links.pairs,
        )
        # the preset in full, so that a later default changes no saved model
        arguments = {"architecture": asdict(self.preset), "feature_links": feature_links}
        arguments["adversarial"] = adversarial
        self.init_params_ = {"kwargs": {}, "non_kwargs": arguments}

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
        continuous_covariate_keys: Sequence[str] | None = None,
        layer: str | Mapping[str, str | None] | None = None,
        likelihood: Likelihood | Mapping[str, Likelihood] = "gaussian",
        **kwargs: Any,
    ) -> None:
        """Check the data and register them with the model.

        Observations may be unpaired, partly paired or paired. If all checks pass, the identifiers
        of scvi-tools are written into ``mdata.uns``; nothing else is changed. A table of the
        observations per modality and class is logged. The model keeps the columns of ``obs`` as
        they are now; later changes have no effect.

        Parameters
        ----------
        mdata
            One AnnData per modality.
        modalities
            Modalities to use; all by default.
        labels_key
            Column with the classes, in ``mdata.obs`` or in the ``obs`` of the modalities; a dict
            by modality if the columns have different names (modalities that are not in it are
            unlabelled). `None` trains without labels.
        unlabeled_category
            Class name that means "not labelled", as missing values do.
        batch_key
            Column with the batches that decoders are conditioned on, or a dict by modality.
        categorical_covariate_keys, continuous_covariate_keys
            Columns with further categories (sex, site) and numbers (age; standardised) that
            decoders are conditioned on. Like the batches they are in the ``obs`` of the modalities
            or in ``mdata.obs``, and no observation may lack one.
        layer
            Layer with the values, `None` for ``X``, or a dict by modality.
        likelihood
            Distribution of the values: ``"gaussian"`` (any continuous values by their mean squared
            error; the default), ``"gaussian_learned_variance"`` (the same with a variance per
            feature, so that noisy features count less), ``"nb"``, ``"zinb"`` or ``"poisson"``
            (counts), ``"bernoulli"`` or ``"beta"`` (values in [0, 1]), or a dict by modality
            (``"gaussian"`` for those that are not in it).
        **kwargs
            Used by :meth:`load` and :meth:`load_query_data`; there are no others.

        Raises
        ------
        TypeError
            If `mdata` is not a MuData, or an argument is unknown.
        KeyError
            If a modality, column or layer is not in the data.
        ValueError
            If the data are a view, or names, labels or values cannot be used.
        """
        setup_method_args = cls._get_setup_method_args(**locals())
        others = [name for name in kwargs if name != "source_registry"]
        check_arguments("setup_mudata", others, list(setup_method_args["setup_args"]))
        cls.register_manager(register(mdata, setup_method_args, **kwargs))

    @classmethod
    def setup_anndata(cls, *args: Any, **kwargs: Any) -> None:
        """Not available: MODIS takes a MuData, see :meth:`setup_mudata`.

        Parameters
        ----------
        *args, **kwargs
            What other models take.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError(
            "MODIS takes a MuData with one AnnData per modality: use MODIS.setup_mudata(mdata), "
            "with mdata = mudata.MuData({'rna': adata, ...})."
        )

    train = _training.train
    get_latent_representation = _inference.get_latent_representation
    predict = _inference.predict
    predict_set = _trust.predict_set
    novelty = _trust.novelty
    cross_validated_accuracy = _trust.cross_validated_accuracy
    check_query = _trust.check_query
    add_class = _query.add_class
    impute = _translation.impute
    write_latent = _inference.write_latent
    joint_embedding = _inference.joint_embedding
    get_elbo = _inference.get_elbo
    get_reconstruction_error = _inference.get_reconstruction_error
    get_marginal_ll = _inference.get_marginal_ll
    posterior_predictive_sample = _inference.posterior_predictive_sample
    translate = _translation.translate
    reconstruct = _translation.reconstruct
    feature_importance = _importance.feature_importance
    class_counts = _summary.class_counts
    missing_pairs = _summary.missing_pairs
    link_summary = property(_summary.link_summary)
    get_var_names = _summary.get_var_names
    save = _persistence.save
    load = classmethod(_persistence.load)
    load_query_data = classmethod(_query.load_query_data)
    __repr__ = _summary.describe
