"""A MuData as one :class:`Modality` each, ready for the networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from mudata import MuData

from .._constants import UNLABELED_CODE
from ._errors import NotInDataError, name_some
from ._labels import collect_conditions, encode_conditions
from ._matrix import FeatureMatrix, Modality
from ._spec import DataSpec, hash_names
from ._validation import check_mudata, check_names, check_up_to_date, check_values


def read_registered(
    mdata: MuData, spec: DataSpec, modalities: Sequence[str] | None = None
) -> dict[str, Modality]:
    """Read the MuData that was registered, with labels, batches and covariates as at set-up.

    By default all modalities are read. Errors are those of :func:`check_unchanged`.
    """
    names = [name for name in spec.modalities if modalities is None or name in modalities]
    check_unchanged(mdata, spec, names)
    return _read(mdata, spec, names, spec.label_codes, spec.condition_codes)


def registered_labels(mdata: MuData, spec: DataSpec) -> dict[str, pd.Series]:
    """Class names of the registered data as at set-up, by modality; `None` where not labelled."""
    check_unchanged(mdata, spec)
    # the code of the unlabelled, -1, is that of the last
    names = np.array([*spec.classes, None], dtype=object)
    return {
        name: pd.Series(names[codes], index=mdata.mod[name].obs_names, dtype=object)
        for name, codes in spec.label_codes.items()
    }


def check_unchanged(
    mdata: MuData, spec: DataSpec, modalities: Sequence[str] | None = None
) -> None:
    """Refuse registered data whose observations or features are not those of the set-up.

    Raises
    ------
    KeyError
        If a modality is not there any more.
    ValueError
        If names were changed, removed, added or put in another order, or the MuData was not
        updated after such a change.
    """
    for modality in spec.modalities if modalities is None else modalities:
        if modality not in mdata.mod:
            raise NotInDataError(
                f"The data have no modality '{modality}'; they have {list(mdata.mod)}."
            )
        adata = mdata.mod[modality]
        for what, names, then in (
            ("observations", adata.obs_names, spec.obs_hashes[modality]),
            ("features", adata.var_names, spec.var_hashes[modality]),
        ):
            now, n = hash_names(names), min(len(names), len(then))
            if np.array_equal(now, then):
                continue
            differ = [*names[:n][now[:n] != then[:n]], *names[n:]]
            found = f"the first others are {name_some(differ)}" if differ else "the last are gone"
            raise ValueError(
                f"The {what} of modality '{modality}' are not those of setup_mudata any more: "
                f"{len(then)} then, {len(now)} now; {found}. Call MODIS.setup_mudata again, and "
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
    """Read another MuData, which may lack modalities and labels.

    Features are matched by name; those that the model does not know are left out. The labels
    are not read.

    Parameters
    ----------
    mdata, spec
        New data, read only, and what the training data looked like.
    modalities
        Modalities to read, `None` for all.
    rows
        Positions of the observations whose values, batches and covariates are checked, by
        modality; all by default. The others must not be used.
    decode
        Whether they will be decoded, which needs their batches and covariates. Encoders do not
        know of batches, so that data of a new batch can be encoded; its codes are then all 0.

    Raises
    ------
    KeyError
        If a modality is unknown to the model or missing in the data.
    ValueError
        If features are missing, or values cannot be used.
    """
    check_mudata(mdata)
    present = [name for name in spec.modalities if name in mdata.mod]
    for name in modalities or ():
        if name not in present:
            raise NotInDataError(
                f"The data have no modality '{name}'; they have {list(mdata.mod)}."
            )
    wanted = [name for name in present if modalities is None or name in modalities]
    check_fits(mdata, spec, wanted)
    if not wanted:
        raise ValueError(
            f"The data have none of the model's modalities {spec.modalities}; they have "
            f"{list(mdata.mod)}."
        )
    check_names(mdata, wanted)
    check_values(
        mdata,
        wanted,
        spec.layers,
        spec.likelihoods,
        features=spec.var_names,
        rows=rows,
        warn=False,
    )
    n_obs = {name: mdata.mod[name].n_obs for name in wanted}
    used = spec if decode else replace(spec, batch_key=None, covariates={})
    conditions = collect_conditions(mdata, wanted, used, rows)
    codes = encode_conditions(conditions, used, n_obs, rows)
    no_labels = {name: np.full(n, UNLABELED_CODE) for name, n in n_obs.items()}
    return _read(mdata, spec, wanted, no_labels, codes)


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
        codes = (each[name].astype(np.int64) for each in (labels, conditions))
        read[name] = Modality(name, matrix, adata.obs_names, *codes)
    return read


def check_fits(mdata: MuData, spec: DataSpec, modalities: Sequence[str]) -> None:
    """Refuse data with unknown modalities, or modalities that lack features of the model."""
    known = {*spec.modalities, *spec.ignored}
    unknown = [name for name in mdata.mod if name not in known]
    if unknown:
        raise NotInDataError(
            f"The model does not know modalities {unknown}; it was trained on {spec.modalities}. "
            "Rename them, or leave them out: MuData({name: mdata.mod[name] for name in [...]})."
        )
    for name in modalities:
        _features(mdata, name, spec)


def _features(mdata: MuData, modality: str, spec: DataSpec) -> np.ndarray:
    """Positions of the model's features in the data, refusing data that lack some."""
    known = pd.Index(spec.var_names[modality])
    positions = mdata.mod[modality].var_names.get_indexer(known)
    missing = known[positions < 0]
    if len(missing):
        raise ValueError(
            f"Modality '{modality}' lacks {len(missing)} of the {len(known)} features that the "
            f"model was trained on: {name_some(missing)}. Features are matched by var_names."
        )
    return positions
