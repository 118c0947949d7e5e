from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import rich.table
from scvi.data.fields import BaseAnnDataField, LayerField, MuDataWrapper

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

__all__ = ["FeaturesField", "VocabularyField"]


class _FeaturesField(LayerField):
    """Features of one modality; data that are attached to a model keep the model's order."""

    def transfer_field(
        self, state_registry: dict[str, Any], adata_target: AnnData, **kwargs: Any
    ) -> dict[str, Any]:
        """Keep the features of the training data; they are matched by name when read."""
        return {**state_registry, self.N_OBS_KEY: adata_target.n_obs}


FeaturesField = MuDataWrapper(_FeaturesField)


class VocabularyField(BaseAnnDataField):
    """A vocabulary that all modalities share (classes, batches), kept in the registry.

    Unlike :class:`scvi.data.fields.CategoricalObsField` it writes no column into the user's
    data: codes are made when they are needed, from the columns as they are.

    Parameters
    ----------
    registry_key
        Key in the registry.
    names
        The vocabulary, in the order of the codes.
    """

    NAMES_KEY = "names"

    def __init__(self, registry_key: str, names: list[str]) -> None:
        super().__init__()
        self._registry_key = registry_key
        self._names = names

    @property
    def registry_key(self) -> str:
        """Key in the registry."""
        return self._registry_key

    @property
    def attr_name(self) -> str:
        """Columns of this kind stand in ``obs``."""
        return "obs"

    @property
    def attr_key(self) -> str | None:
        """No single column holds the field."""
        return None

    @property
    def is_empty(self) -> bool:
        """Fields of this kind are always registered, even with an empty vocabulary."""
        return False

    def validate_field(self, adata: MuData) -> None:
        """Nothing to check: validation happens when the columns are read."""

    def register_field(self, adata: MuData) -> dict[str, Any]:
        """Store the vocabulary."""
        return {self.NAMES_KEY: np.asarray(self._names, dtype=object)}

    def transfer_field(
        self, state_registry: dict[str, Any], adata_target: MuData, **kwargs: Any
    ) -> dict[str, Any]:
        """Keep the vocabulary of the training data."""
        return {self.NAMES_KEY: state_registry[self.NAMES_KEY]}

    def get_summary_stats(self, state_registry: dict[str, Any]) -> dict[str, int]:
        """Number of names."""
        return {f"n_{self._registry_key}": len(state_registry[self.NAMES_KEY])}

    def view_state_registry(self, state_registry: dict[str, Any]) -> rich.table.Table:
        """Table of names and codes."""
        table = rich.table.Table(title=f"{self._registry_key} vocabulary")
        for column in ("code", "name"):
            table.add_column(column)
        for code, name in enumerate(state_registry[self.NAMES_KEY]):
            table.add_row(str(code), str(name))
        return table
