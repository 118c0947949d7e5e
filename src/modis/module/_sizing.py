from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["sizes_for"]

# Larger data carry networks with hidden layers; a modality without labels needs the closer
# alignment that these reach.
_SMALL_COHORT = 2_500
_COMPONENTS = 50


def sizes_for(n_obs: Sequence[int], n_labeled: Sequence[int], n_classes: int) -> dict[str, Any]:
    """Choose the encoders by the size of the cohort.

    The rule of the default architecture. Chosen on training samples of tumours and of blood and
    bone marrow cells, on folds that were held out of them:

    - More than 2,500 samples in the largest modality, or a modality without any label: encoders
      with a hidden layer see the features.
    - Otherwise encoders are linear and see the 50 leading principal components.

    Parameters
    ----------
    n_obs, n_labeled
        Observations, and labelled ones, of every modality.
    n_classes
        Number of classes.

    Returns
    -------
    ``n_layers`` and ``n_components`` of :class:`~modis.module.Architecture`.

    Examples
    --------
    >>> from modis.module import sizes_for
    >>> sizes_for(n_obs=[340, 790], n_labeled=[340, 790], n_classes=5)
    {'n_layers': 0, 'n_components': 50}
    >>> sizes_for(n_obs=[340, 790], n_labeled=[340, 0], n_classes=5)
    {'n_layers': 1, 'n_components': None}
    """
    if n_classes < 2 or not all(n_labeled) or max(n_obs) > _SMALL_COHORT:
        return {"n_layers": 1, "n_components": None}
    return {"n_layers": 0, "n_components": _COMPONENTS}
