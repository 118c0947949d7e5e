from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from scvi.data import AnnDataManager
from scvi.data._manager import AnnDataManagerValidationCheck

from .._constants import BATCH_KEY, LABELS_KEY
from ._errors import NotInDataError
from ._fields import FeaturesField, VocabularyField
from ._labels import (
    class_names,
    collect_batches,
    collect_covariate,
    collect_labels,
    encode,
    find_labels,
)
from ._modality import check_features, check_known_modalities
from ._spec import DataSpec, covariate_key, per_modality, unlabeled_name, x_registry_key
from ._summary import count_classes
from ._validation import (
    check_likelihoods,
    check_mudata,
    check_names,
    check_values,
    resolve_modalities,
)

if TYPE_CHECKING:
    from mudata import MuData

__all__ = ["register"]

# a child of scvi's logger: scvi.settings.verbosity and its handler hold for it
logger = logging.getLogger("scvi.modis")


def register(
    mdata: MuData, setup_method_args: dict[str, Any], source_registry: dict | None = None
) -> AnnDataManager:
    """Check a MuData and register it; refuse it whole or not at all.

    Parameters
    ----------
    mdata
        The user's data. Nothing is written to them but scvi-tools' identifiers in ``.uns``,
        and these only after every check has passed.
    setup_method_args
        What ``setup_mudata`` was called with.
    source_registry
        Registry of a saved model that the data must fit.

    Returns
    -------
    The manager of the data.
    """
    setup = setup_method_args["setup_args"]
    check_mudata(mdata)
    saved = None if source_registry is None else DataSpec.from_registry(source_registry)
    if saved is None:
        modalities = resolve_modalities(mdata, setup["modalities"])
    else:
        modalities = saved.modalities
        _check_fits(mdata, saved)
    for argument in ("labels_key", "batch_key"):
        if not isinstance(setup[argument], str | dict | None):
            raise TypeError(
                f"{argument} is the name of a column, or a dict of names by modality, not "
                f"{setup[argument]!r}."
            )
        per_modality(setup[argument], modalities, argument)
    covariate_keys = setup["categorical_covariate_keys"] or ()
    if isinstance(covariate_keys, str) or not all(isinstance(key, str) for key in covariate_keys):
        raise TypeError(
            "categorical_covariate_keys is a list of names of columns, not "
            f"{setup['categorical_covariate_keys']!r}."
        )
    layers = per_modality(setup["layer"], modalities, "layer")
    likelihoods = per_modality(setup["likelihood"], modalities, "likelihood", "gaussian")
    check_likelihoods(likelihoods)
    check_names(mdata, modalities)
    # data that are attached to a saved model may lack labels
    read = collect_labels if saved is None and setup["labels_key"] is not None else find_labels
    labels = read(
        mdata,
        modalities,
        setup["labels_key"],
        unlabeled_name(setup["unlabeled_category"]),
        warn=True,
    )
    batches = (
        collect_batches(mdata, modalities, setup["batch_key"]) if setup["batch_key"] else None
    )
    covariates = {key: collect_covariate(mdata, modalities, key) for key in covariate_keys}
    classes, batch_names = class_names(labels), class_names(batches or {})
    categories = {key: class_names(columns) for key, columns in covariates.items()}
    if saved is not None:
        classes, batch_names, categories = saved.classes, saved.batches, saved.covariates
        encode(labels, classes)
        encode(batches or {}, batch_names, "batch")
        for key, columns in covariates.items():
            encode(columns, categories[key], f"covariate '{key}'")
    check_values(
        mdata,
        modalities,
        layers,
        likelihoods,
        features=None if saved is None else saved.var_names,
        warn=saved is None,
    )
    ignored = [name for name in mdata.mod if name not in modalities]
    fields = [
        FeaturesField(
            x_registry_key(name),
            layers[name],
            mod_key=name,
            is_count_data=False,
            correct_data_format=False,
        )
        for name in modalities
    ]
    fields += [
        VocabularyField(LABELS_KEY, classes),
        VocabularyField(BATCH_KEY, batch_names),
        *(VocabularyField(covariate_key(key), names) for key, names in categories.items()),
        VocabularyField("ignored_modalities", ignored),
    ]
    manager = AnnDataManager(
        fields=fields,
        setup_method_args=setup_method_args,
        validation_checks=AnnDataManagerValidationCheck(check_fully_paired_mudata=False),
    )
    manager.register_fields(mdata, source_registry)
    if saved is not None:
        return manager
    counts = count_classes(mdata, modalities, labels, classes)
    # one row per class: narrow enough for a terminal
    logger.info("Observations by class and modality:\n%s", counts.T.to_string())
    if len(classes) < 2:
        logger.info(
            "%s: the model is trained without a class head and cannot predict classes.",
            f"Only one class ('{classes[0]}')" if classes else "No labels",
        )
    return manager


def _check_fits(mdata: MuData, saved: DataSpec) -> None:
    """Refuse data that cannot be attached to a saved model."""
    check_known_modalities(mdata, saved)
    missing = [name for name in saved.modalities if name not in mdata.mod]
    if missing:
        raise NotInDataError(
            f"The data lack modalities {missing}; the model was trained on {saved.modalities}. "
            "Load the model without data, MODIS.load(folder, False), and give the data to its "
            "methods: they may lack modalities."
        )
    for name in saved.modalities:
        check_features(mdata, name, saved)
