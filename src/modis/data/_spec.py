from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._constants import BATCH_KEY, LABELS_KEY, X_KEY
from ._errors import NotInDataError
from ._fields import VocabularyField

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DataSpec", "covariate_key", "per_modality", "unlabeled_name", "x_registry_key"]


def x_registry_key(modality: str) -> str:
    """Registry key of a modality's features."""
    return f"{X_KEY}_{modality}"


def covariate_key(covariate: str) -> str:
    """Registry key of a categorical covariate."""
    return f"covariate_{covariate}"


def per_modality(value: Any, modalities: list[str], argument: str, default: Any = None) -> dict:
    """Spread an argument over the modalities.

    Parameters
    ----------
    value
        One value for all modalities, or a dict by modality.
    modalities
        Names of the modalities.
    argument
        Name of the argument, for the error.
    default
        Value for the modalities that a dict leaves out.

    Raises
    ------
    KeyError
        If the dict names an unknown modality.
    """
    if not isinstance(value, dict):
        return dict.fromkeys(modalities, value)
    unknown = sorted(set(value) - set(modalities))
    if unknown:
        raise NotInDataError(f"{argument} names modalities {unknown}; the data have {modalities}.")
    return {modality: value.get(modality, default) for modality in modalities}


def unlabeled_name(category: object) -> str:
    """Name of the category for unlabelled observations, written as class names are."""
    return "unknown" if category is None else str(category).strip()


@dataclass(frozen=True)
class DataSpec:
    """What a registered MuData looked like: all that is needed to read another one alike.

    ``var_names``, ``layers`` and ``likelihoods`` are by modality, ``covariates`` are the
    categories by column; ``labels_key`` and ``batch_key`` are as the user gave them.
    """

    var_names: dict[str, np.ndarray]
    layers: dict[str, str | None]
    likelihoods: dict[str, str]
    classes: list[str]
    batches: list[str]
    covariates: dict[str, list[str]]
    ignored: list[str]
    labels_key: str | dict[str, str] | None
    batch_key: str | dict[str, str] | None
    unlabeled_category: str

    @property
    def modalities(self) -> list[str]:
        """Names of the modalities, in the order of their codes."""
        return list(self.var_names)

    @classmethod
    def from_registry(cls, registry: Mapping[str, Any]) -> DataSpec:
        """Read the specification from an AnnDataManager's registry."""
        fields, setup = registry["field_registries"], registry["setup_args"]
        states = {key: field["state_registry"] for key, field in fields.items()}
        prefix = x_registry_key("")
        var_names = {
            key.removeprefix(prefix): np.asarray(state["column_names"])
            for key, state in states.items()
            if key.startswith(prefix)
        }
        modalities = list(var_names)

        def names(key: str) -> list[str]:
            return list(states[key][VocabularyField.NAMES_KEY])

        return cls(
            var_names=var_names,
            layers=per_modality(setup["layer"], modalities, "layer"),
            likelihoods=per_modality(setup["likelihood"], modalities, "likelihood", "gaussian"),
            classes=names(LABELS_KEY),
            batches=names(BATCH_KEY),
            covariates={
                key: names(covariate_key(key))
                for key in setup.get("categorical_covariate_keys") or ()
            },
            ignored=names("ignored_modalities"),
            labels_key=setup["labels_key"],
            batch_key=setup["batch_key"],
            unlabeled_category=unlabeled_name(setup["unlabeled_category"]),
        )
