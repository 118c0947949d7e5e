from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from mudata import MuData
from scvi.data import AnnDataManager
from scvi.data._manager import AnnDataManagerValidationCheck

from ._errors import NotInDataError
from ._labels import (
    class_names,
    collect_conditions,
    collect_labels,
    count_classes,
    encode,
    encode_conditions,
    find_labels,
)
from ._reading import check_fits
from ._spec import DataSpec, make_fields, per_modality
from ._validation import (
    check_likelihoods,
    check_mudata,
    check_names,
    check_values,
    resolve_modalities,
)

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
    The manager of the data. Its registry keeps labels, batches and covariates as they are now.
    """
    check_mudata(mdata)
    if source_registry is None:
        spec = _describe(mdata, setup_method_args["setup_args"])
    else:
        spec = DataSpec.from_registry(source_registry)
        missing = [name for name in spec.modalities if name not in mdata.mod]
        check_fits(mdata, spec, [name for name in spec.modalities if name in mdata.mod])
        if missing:
            raise NotInDataError(
                f"The data lack modalities {missing}; the model was trained on {spec.modalities}. "
                "Load the model without data, MODIS.load(folder, False), and give the data to its "
                "methods: they may lack modalities."
            )
    names = spec.modalities
    check_names(mdata, names)
    if source_registry is None and spec.labels_key is not None:
        labels = collect_labels(mdata, names, spec.labels_key, spec.unlabeled_category)
    else:
        # data that are attached to a saved model may lack labels
        labels = find_labels(mdata, names, spec.labels_key, spec.unlabeled_category, warn=True)
    conditions = collect_conditions(mdata, names, spec)
    if source_registry is None:
        batches, *categories = map(class_names, conditions)
        covariates = dict(zip(spec.covariates, categories, strict=True))
        spec = replace(spec, classes=class_names(labels), batches=batches, covariates=covariates)
    n_obs = {name: mdata.mod[name].n_obs for name in names}
    condition_codes = encode_conditions(conditions, spec, n_obs)
    spec = spec.attached(mdata, encode(labels, spec.classes), condition_codes)
    check_values(
        mdata,
        names,
        spec.layers,
        spec.likelihoods,
        features=None if source_registry is None else spec.var_names,
        warn=source_registry is None,
    )
    manager = AnnDataManager(
        fields=make_fields(spec),
        setup_method_args=setup_method_args,
        validation_checks=AnnDataManagerValidationCheck(check_fully_paired_mudata=False),
    )
    manager.register_fields(mdata, source_registry)
    if source_registry is None:
        _announce(count_classes(mdata, names, labels, spec.classes), spec.classes)
    return manager


def _describe(mdata: MuData, setup: dict[str, Any]) -> DataSpec:
    """What the arguments say of new data; the names in the columns are still to be found."""
    modalities = resolve_modalities(mdata, setup["modalities"])
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
    likelihoods = per_modality(setup["likelihood"], modalities, "likelihood", "gaussian")
    check_likelihoods(likelihoods)
    category = setup["unlabeled_category"]
    return DataSpec(
        var_names={name: np.asarray(mdata.mod[name].var_names) for name in modalities},
        layers=per_modality(setup["layer"], modalities, "layer"),
        likelihoods=likelihoods,
        classes=[],
        batches=[],
        covariates={key: [] for key in covariate_keys},
        ignored=[name for name in mdata.mod if name not in modalities],
        labels_key=setup["labels_key"],
        batch_key=setup["batch_key"],
        unlabeled_category="unknown" if category is None else str(category).strip(),
    )


def _announce(counts: pd.DataFrame, classes: list[str]) -> None:
    # one row per class: narrow enough for a terminal
    logger.info("Observations by class and modality:\n%s", counts.T.to_string())
    if len(classes) < 2:
        logger.info(
            "%s: the model is trained without a class head and cannot predict classes.",
            f"Only one class ('{classes[0]}')" if classes else "No labels",
        )
