"""A MuData as one :class:`Modality` each, ready for the networks."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from mudata import MuData

from .._constants import UNLABELED_CODE
from ._errors import NotInDataError, name_some
from ._labels import encode_conditions
from ._matrix import FeatureMatrix, Modality
from ._spec import DataSpec, hash_names
from ._validation import (
    check_layer,
    check_mudata,
    check_names,
    check_up_to_date,
    check_values,
    warn_of_numbers,
)

#: Share of a modality's features that new data may lack.
MOST_MISSING = 0.5


def read_registered(mdata: MuData, spec: DataSpec) -> dict[str, Modality]:
    """Read the MuData that was registered, with labels, batches and covariates as at set-up."""
    check_unchanged(mdata, spec)
    return _read(mdata, spec, spec.modalities, spec.label_codes, spec.condition_codes)


def registered_labels(mdata: MuData, spec: DataSpec) -> dict[str, pd.Series]:
    """Class names of the registered data as at set-up, by modality; `None` where not labelled."""
    check_unchanged(mdata, spec)
    # the code of the unlabelled, -1, is that of the last
    names = np.array([*spec.classes, None], dtype=object)
    return {
        name: pd.Series(names[codes], index=mdata.mod[name].obs_names, dtype=object)
        for name, codes in spec.label_codes.items()
    }


def check_unchanged(mdata: MuData, spec: DataSpec) -> None:
    """Refuse registered data that lack a modality, or whose names are not those of the set-up."""
    _check_present(mdata, spec.modalities)
    for modality in spec.modalities:
        adata = mdata.mod[modality]
        check_layer(adata, modality, spec.layers[modality])
        for what, found, then in (
            ("observations", adata.obs_names, spec.obs_hashes[modality]),
            ("features", adata.var_names, spec.var_hashes[modality]),
        ):
            now, n = hash_names(found), min(len(found), len(then))
            if np.array_equal(now, then):
                continue
            differ = [*found[:n][now[:n] != then[:n]], *found[n:]]
            others = f"first changes: {name_some(differ)}" if differ else "the last are gone"
            raise ValueError(
                f"The {what} of modality '{modality}' have changed since setup_mudata: "
                f"{len(then)} then, {len(now)} now; {others}. Call MODIS.setup_mudata again, and "
                "make a new model."
            )
        check_up_to_date(mdata, modality)


def read_new(
    mdata: MuData,
    spec: DataSpec,
    modalities: Sequence[str] | None = None,
    *,
    rows: Mapping[str, np.ndarray] | None = None,
    decode: bool = True,
) -> dict[str, Modality]:
    """Read another MuData, which may lack modalities; labels are not read.

    Of `rows`, positions by modality, values and conditions are checked; the others must not be
    used. Conditions are needed to decode only: otherwise their codes are 0, also of a new batch.
    """
    check_mudata(mdata)
    _check_present(mdata, modalities or ())
    names = [
        name
        for name in spec.modalities
        if name in mdata.mod and (modalities is None or name in modalities)
    ]
    check_names(mdata, names)
    check_fits(mdata, spec, names, whole=False)
    if not names:
        raise ValueError(
            f"The data have none of the model's modalities {spec.modalities}; they have "
            f"{list(mdata.mod)}."
        )
    check_values(
        mdata, names, spec.layers, spec.likelihoods, features=spec.var_names, rows=rows, warn=False
    )
    warn_of_numbers(mdata, names)
    used = spec if decode else replace(spec, batch_key=None, covariates={}, numbers={})
    codes, _ = encode_conditions(mdata, names, used, rows)
    no_labels = {name: np.full(mdata.mod[name].n_obs, UNLABELED_CODE) for name in names}
    return _read(mdata, spec, names, no_labels, codes)


def _read(
    mdata: MuData,
    spec: DataSpec,
    modalities: Sequence[str],
    labels: Mapping[str, np.ndarray],
    conditions: Mapping[str, np.ndarray],
) -> dict[str, Modality]:
    read = {}
    for name in modalities:
        adata = mdata.mod[name]
        matrix = FeatureMatrix(adata, spec.layers[name], _features(mdata, name, spec))
        # 64 bits for whole numbers, 32 for others, as torch wants them
        kinds = {"i": np.int64, "f": np.float32}
        codes = (own[name].astype(kinds[own[name].dtype.kind]) for own in (labels, conditions))
        read[name] = Modality(name, matrix, adata.obs_names, *codes)
    return read


def _check_present(mdata: MuData, modalities: Sequence[str]) -> None:
    for name in modalities:
        if name not in mdata.mod:
            raise NotInDataError(
                f"The data have no modality '{name}'; they have {list(mdata.mod)}."
            )


def check_fits(
    mdata: MuData, spec: DataSpec, modalities: Sequence[str], *, whole: bool = True
) -> None:
    """Refuse unknown modalities, and those that lack features: half, or if `whole`, any."""
    known = {*spec.modalities, *spec.ignored}
    unknown = [name for name in mdata.mod if name not in known]
    if unknown:
        raise NotInDataError(
            f"The model does not know modalities {unknown}; it was trained on {spec.modalities}. "
            "Rename them, or leave them out: MuData({name: mdata.mod[name] for name in [...]})."
        )
    for name in modalities:
        known = pd.Index(spec.var_names[name])
        missing = known[_features(mdata, name, spec) < 0]
        if not len(missing):
            continue
        lacks = (
            f"Modality '{name}' lacks {len(missing)} of the {len(known)} features that the model "
            f"was trained on: {name_some(missing)}. Features are matched by var_names."
        )
        if whole or len(missing) > MOST_MISSING * len(known):
            raise ValueError(lacks)
        warnings.warn(f"{lacks} They are filled in like missing values.", stacklevel=5)


def _features(mdata: MuData, modality: str, spec: DataSpec) -> np.ndarray:
    """Positions of the model's features in the data, -1 for those that are not there."""
    return mdata.mod[modality].var_names.get_indexer(pd.Index(spec.var_names[modality]))
