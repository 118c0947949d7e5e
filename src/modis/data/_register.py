from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
from mudata import MuData
from scvi.data import AnnDataManager
from scvi.data._manager import AnnDataManagerValidationCheck

from .._constants import logger
from ._errors import NotInDataError
from ._labels import (
    COUNTED,
    as_name,
    check_vocabulary,
    class_names,
    collect_labels,
    count_classes,
    encode,
    encode_conditions,
    find_labels,
    warn_of_odd_classes,
)
from ._reading import check_fits
from ._spec import DataSpec, RecordField, hash_names, per_modality
from ._validation import (
    check_likelihoods,
    check_mudata,
    check_names,
    check_values,
    resolve_modalities,
    warn_of_numbers,
)


def register(
    mdata: MuData, setup_method_args: dict[str, Any], source_registry: dict | None = None
) -> AnnDataManager:
    """Check a MuData and register it; given the registry of a saved model, the data must fit it.

    Nothing is written but scvi-tools' identifiers in ``.uns``, after every check has passed.
    """
    is_new = source_registry is None
    check_mudata(mdata)
    if source_registry is None:
        spec = _describe(mdata, setup_method_args["setup_args"])
    else:
        spec = DataSpec.from_registry(source_registry)
    names = spec.modalities
    present = [name for name in names if name in mdata.mod]
    check_names(mdata, present)
    if not is_new:
        check_fits(mdata, spec, present)
    if missing := [name for name in names if name not in present]:
        raise NotInDataError(
            f"The data lack modalities {missing}; the model was trained on {names}. "
            "Load the model without data, MODIS.load(folder, False), and give the data to its "
            "methods: they may lack modalities."
        )
    # data that are attached to a saved model may lack labels
    collect = collect_labels if is_new else find_labels
    labels = collect(mdata, names, spec.labels_key, spec.unlabeled_category, warn=True)
    condition_codes, spec = encode_conditions(mdata, names, spec, is_new=is_new)
    if is_new:
        spec = replace(spec, classes=class_names(labels))
        check_vocabulary(spec.classes, COUNTED)
        check_vocabulary([*spec.batches, *chain(*spec.covariates.values())])
    label_codes, features = encode(labels, spec.classes), None if is_new else spec.var_names
    which = (mdata, names, spec.layers, spec.likelihoods)
    spec = replace(
        spec,
        label_codes={k: own.astype(np.int32) for k, own in label_codes.items()},
        condition_codes=condition_codes,
        obs_hashes={name: hash_names(mdata.mod[name].obs_names) for name in names},
        var_hashes={name: hash_names(mdata.mod[name].var_names) for name in names},
        n_missing=check_values(*which, features=features, warn=is_new),
    )
    warn_of_numbers(mdata, names)
    manager = AnnDataManager(
        fields=[RecordField(spec)],
        setup_method_args=setup_method_args,
        validation_checks=AnnDataManagerValidationCheck(check_fully_paired_mudata=False),
    )
    manager.register_fields(mdata, source_registry)
    if is_new:
        warn_of_odd_classes(labels, spec.classes)
        # one row per class: narrow enough for a terminal
        counts = count_classes(mdata, names, labels, spec.classes).T.to_string()
        logger.info("Observations by class and modality:\n%s", counts)
        if len(spec.classes) < 2:
            logger.info(
                "%s: the model is trained without a class head and cannot predict classes.",
                f"Only one class ('{spec.classes[0]}')" if spec.classes else "No labels",
            )
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
    for argument in ("categorical_covariate_keys", "continuous_covariate_keys"):
        keys = setup[argument] or ()
        if isinstance(keys, str) or not all(isinstance(key, str) for key in keys):
            raise TypeError(f"{argument} is a list of names of columns, not {keys!r}.")
    likelihoods = per_modality(setup["likelihood"], modalities, "likelihood", "gaussian")
    check_likelihoods(likelihoods)
    category = setup["unlabeled_category"]
    return DataSpec(
        var_names={name: np.asarray(mdata.mod[name].var_names) for name in modalities},
        layers=per_modality(setup["layer"], modalities, "layer"),
        likelihoods=likelihoods,
        classes=[],
        batches=[],
        covariates={key: [] for key in setup["categorical_covariate_keys"] or ()},
        numbers={key: [] for key in setup["continuous_covariate_keys"] or ()},
        ignored=[name for name in mdata.mod if name not in modalities],
        labels_key=setup["labels_key"],
        batch_key=setup["batch_key"],
        unlabeled_category="unknown" if category is None else as_name(category),
    )
