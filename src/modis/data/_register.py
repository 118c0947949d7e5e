from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from scvi.data import AnnDataManager
from scvi.data._manager import AnnDataManagerValidationCheck
from scvi.data.fields import MuDataLayerField

from .._constants import BATCH_KEY, LABELS_KEY
from ._fields import VocabularyField
from ._labels import class_names, collect_batches, collect_labels, encode
from ._spec import per_modality, x_registry_key
from ._summary import count_classes
from ._validation import (
    check_likelihoods,
    check_mudata,
    check_names,
    check_values,
    resolve_modalities,
)

if TYPE_CHECKING:
    import pandas as pd
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
    modalities = resolve_modalities(mdata, setup["modalities"])
    layers = per_modality(setup["layer"], modalities, "layer")
    likelihoods = per_modality(setup["likelihood"], modalities, "likelihood", "gaussian")
    for argument in ("labels_key", "batch_key"):
        per_modality(setup[argument], modalities, argument)
    check_likelihoods(likelihoods)
    check_names(mdata, modalities)
    labels: dict[str, pd.Series] | None = None
    if setup["labels_key"] is not None:
        labels = collect_labels(
            mdata, modalities, setup["labels_key"], str(setup["unlabeled_category"])
        )
    batches = (
        collect_batches(mdata, modalities, setup["batch_key"]) if setup["batch_key"] else None
    )
    classes, batch_names = class_names(labels or {}), class_names(batches or {})
    if source_registry is not None:
        classes, batch_names = _saved_names(source_registry, labels, batches)
    check_values(mdata, modalities, layers, likelihoods)
    ignored = [name for name in mdata.mod if name not in modalities]
    fields = [
        MuDataLayerField(
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
        VocabularyField("ignored_modalities", ignored),
    ]
    manager = AnnDataManager(
        fields=fields,
        setup_method_args=setup_method_args,
        validation_checks=AnnDataManagerValidationCheck(check_fully_paired_mudata=False),
    )
    manager.register_fields(mdata, source_registry)
    if source_registry is not None:
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


def _saved_names(
    source_registry: dict, labels: dict | None, batches: dict | None
) -> tuple[list[str], list[str]]:
    """Vocabularies of a saved model, after checking that the data fit them."""
    states = source_registry["field_registries"]
    saved = [
        list(states[key]["state_registry"][VocabularyField.NAMES_KEY])
        for key in (LABELS_KEY, BATCH_KEY)
    ]
    encode(labels or {}, saved[0])
    encode(batches or {}, saved[1], "batch")
    return saved[0], saved[1]
