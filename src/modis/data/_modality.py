from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._constants import UNLABELED_CODE
from ._errors import NotInDataError
from ._labels import collect_batches, collect_covariate, encode, find_labels
from ._matrix import FeatureMatrix
from ._text import name_some
from ._validation import check_mudata, check_names, check_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mudata import MuData
    from numpy.typing import NDArray

    from ._spec import DataSpec

__all__ = [
    "Modality",
    "check_features",
    "check_known_modalities",
    "read_new",
    "read_registered",
]


@dataclass(frozen=True)
class Modality:
    """One modality, ready to be cut into minibatches.

    ``labels`` are class codes of shape ``(n_obs,)``, -1 where not labelled; ``batch`` are the
    codes of the batch and of each categorical covariate, shape ``(n_obs, 1 + n_covariates)``.
    """

    name: str
    matrix: FeatureMatrix
    obs_names: pd.Index
    labels: np.ndarray
    batch: np.ndarray

    @property
    def n_obs(self) -> int:
        """Number of observations."""
        return self.matrix.shape[0]

    def label_counts(
        self, n_classes: int, rows: slice | np.ndarray = slice(None)
    ) -> NDArray[np.intp]:
        """Labelled observations of each class, shape ``(n_classes,)``; of all rows by default."""
        labels = self.labels[rows]
        return np.bincount(labels[labels >= 0], minlength=n_classes)


def read_registered(mdata: MuData, spec: DataSpec) -> dict[str, Modality]:
    """Read the MuData that was registered, with its labels as they are now."""
    names = find_labels(mdata, spec.modalities, spec.labels_key, spec.unlabeled_category)
    labels = encode(names, spec.classes)
    return _read(mdata, spec, spec.modalities, labels, _batch_codes(mdata, spec, spec.modalities))


def read_new(
    mdata: MuData,
    spec: DataSpec,
    modalities: Sequence[str] | None = None,
    *,
    check: bool = True,
    decode: bool = True,
) -> dict[str, Modality]:
    """Read another MuData, which may lack modalities and labels.

    Features are matched by name; those that the model does not know are left out. The labels
    are not read.

    Parameters
    ----------
    mdata
        New data; read only.
    spec
        What the training data looked like.
    modalities
        Modalities to read, `None` for all.
    check
        Whether the values are checked; not needed for data that were registered.
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
    check_known_modalities(mdata, spec)
    present = [name for name in spec.modalities if name in mdata.mod]
    for name in modalities or ():
        if name not in present:
            raise NotInDataError(
                f"The data have no modality '{name}'; they have {list(mdata.mod)}."
            )
    wanted = [name for name in present if modalities is None or name in set(modalities)]
    if not wanted:
        raise ValueError(
            f"The data have none of the model's modalities {spec.modalities}; they have "
            f"{list(mdata.mod)}."
        )
    check_names(mdata, wanted)
    for name in wanted:
        check_features(mdata, name, spec)
    if check:
        check_values(
            mdata,
            wanted,
            spec.layers,
            spec.likelihoods,
            features=spec.var_names,
            warn=False,
        )
    conditions = spec if decode else replace(spec, batch_key=None, covariates={})
    batch = _batch_codes(mdata, conditions, wanted)
    return _read(mdata, spec, wanted, _no_codes(mdata, wanted), batch)


def _read(
    mdata: MuData,
    spec: DataSpec,
    modalities: Sequence[str],
    labels: dict[str, np.ndarray],
    batch: dict[str, np.ndarray],
) -> dict[str, Modality]:
    read = {}
    for name in modalities:
        adata = mdata.mod[name]
        columns = adata.var_names.get_indexer(spec.var_names[name])
        matrix = FeatureMatrix(adata, spec.layers[name], columns)
        read[name] = Modality(name, matrix, adata.obs_names, labels[name], batch[name])
    return read


def check_known_modalities(mdata: MuData, spec: DataSpec) -> None:
    """Refuse data with a modality that the model does not know."""
    known = {*spec.modalities, *spec.ignored}
    unknown = [name for name in mdata.mod if name not in known]
    if unknown:
        raise NotInDataError(
            f"The model does not know modalities {unknown}; it was trained on {spec.modalities}. "
            "Rename them, or leave them out: MuData({name: mdata.mod[name] for name in [...]})."
        )


def check_features(mdata: MuData, modality: str, spec: DataSpec) -> None:
    """Refuse data that lack features of the model."""
    known = pd.Index(spec.var_names[modality])
    missing = known.difference(mdata.mod[modality].var_names, sort=False)
    if len(missing):
        raise ValueError(
            f"Modality '{modality}' lacks {len(missing)} of the {len(known)} features that the "
            f"model was trained on: {name_some(missing)}. Features are matched by var_names."
        )


def _no_codes(mdata: MuData, modalities: Sequence[str]) -> dict[str, np.ndarray]:
    return {
        name: np.full(mdata.mod[name].n_obs, UNLABELED_CODE, dtype=np.int64) for name in modalities
    }


def _batch_codes(
    mdata: MuData, spec: DataSpec, modalities: Sequence[str]
) -> dict[str, np.ndarray]:
    """Codes of the batch and of each covariate, ``(n_obs, 1 + n_covariates)`` by modality."""
    if spec.batch_key is None:
        codes = {name: np.zeros(mdata.mod[name].n_obs, dtype=np.int64) for name in modalities}
    else:
        codes = encode(collect_batches(mdata, modalities, spec.batch_key), spec.batches, "batch")
    conditions = [codes]
    for key, categories in spec.covariates.items():
        columns = collect_covariate(mdata, modalities, key)
        conditions.append(encode(columns, categories, f"covariate '{key}'"))
    return {name: np.stack([codes[name] for codes in conditions], axis=1) for name in modalities}
