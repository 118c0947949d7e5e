from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
import rich.table
from mudata import MuData
from scvi.data.fields import BaseAnnDataField

from ._errors import NotInDataError

_SPEC_KEY = "modis"


@dataclass(frozen=True)
class DataSpec:
    """What a registered MuData was at set-up: all that is needed to read it, or one alike.

    ``labels_key`` and ``batch_key`` are as the user gave them, ``covariates`` are the categories
    by column, ``numbers`` are mean and deviation of those that are numbers. The others are by
    modality: ``label_codes`` are int32 of shape ``(n_obs,)``, -1 where not labelled;
    ``condition_codes``, of the batch and of each covariate, int32 of shape
    ``(n_obs, 1 + n_covariates)``, or float32 where some are numbers; ``obs_hashes`` and
    ``var_hashes`` tell whether the names of observations and features are still the same (see
    :func:`hash_names`); ``n_missing`` counts missing values, ``(n_obs,)``. Data that are attached
    to a saved model have their own codes, hashes and counts.
    """

    var_names: dict[str, np.ndarray]
    layers: dict[str, str | None]
    likelihoods: dict[str, str]
    classes: list[str]
    batches: list[str]
    covariates: dict[str, list[str]]
    numbers: dict[str, list[float]]
    ignored: list[str]
    labels_key: str | dict[str, str] | None
    batch_key: str | dict[str, str] | None
    unlabeled_category: str
    label_codes: dict[str, np.ndarray] = field(default_factory=dict)
    condition_codes: dict[str, np.ndarray] = field(default_factory=dict)
    obs_hashes: dict[str, np.ndarray] = field(default_factory=dict)
    var_hashes: dict[str, np.ndarray] = field(default_factory=dict)
    n_missing: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def modalities(self) -> list[str]:
        """Names of the modalities, in the order of their codes."""
        return list(self.var_names)

    @classmethod
    def from_registry(cls, registry: Mapping[str, Any]) -> Self:
        """Read the specification from an AnnDataManager's registry."""
        return cls(**registry["field_registries"][_SPEC_KEY]["state_registry"])


def hash_names(names: pd.Index) -> np.ndarray:
    """A number for each name, uint32 of shape ``(n_names,)``: a saved model names no patient."""
    return pd.util.hash_array(names.to_numpy(dtype=object)).astype(np.uint32)


def per_modality(value: Any, modalities: list[str], argument: str, default: Any = None) -> dict:
    """Spread one value, or a dict that may leave some out, over the modalities."""
    if not isinstance(value, dict):
        return dict.fromkeys(modalities, value)
    unknown = sorted(set(value) - set(modalities))
    if unknown:
        raise NotInDataError(f"{argument} names modalities {unknown}; the data have {modalities}.")
    return {name: value.get(name, default) for name in modalities}


class RecordField(BaseAnnDataField):
    """The specification in the registry; unlike scvi-tools' fields it writes no column."""

    registry_key = _SPEC_KEY
    attr_name = "obs"
    attr_key = None
    is_empty = False

    def __init__(self, spec: DataSpec) -> None:
        super().__init__()
        self._spec = spec

    def validate_field(self, adata: MuData) -> None:
        """Nothing to do: :func:`register` has checked the data."""

    def register_field(self, adata: MuData) -> dict[str, Any]:
        return dict(vars(self._spec))

    def transfer_field(
        self, state_registry: dict[str, Any], adata_target: MuData, **kwargs: Any
    ) -> dict[str, Any]:
        return self.register_field(adata_target)

    def get_summary_stats(self, state_registry: dict[str, Any]) -> dict[str, int]:
        return {
            "n_labels": len(state_registry["classes"]),
            "n_batch": len(state_registry["batches"]),
        }

    def view_state_registry(self, state_registry: dict[str, Any]) -> rich.table.Table:
        table = rich.table.Table("", "code", "name", title="Classes, batches and covariates")
        vocabularies = {"class": state_registry["classes"], "batch": state_registry["batches"]}
        for what, names in {**vocabularies, **state_registry["covariates"]}.items():
            for code, name in enumerate(names):
                table.add_row(what, str(code), name)
        for name, (center, spread) in state_registry["numbers"].items():
            table.add_row(name, "", f"{center:.4g} ± {spread:.4g}")
        return table
