from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["sizes_for"]

# Larger data carry networks with hidden layers.
_SMALL_COHORT = 2_500
# With fewer labelled samples, more components mean more ways to be wrong.
_FEW_LABELS = 500
_COMPONENTS_PER_CLASS, _COMPONENT_BOUNDS = 4, (20, 50)


def sizes_for(n_obs: Sequence[int], n_labeled: Sequence[int], n_classes: int) -> dict[str, Any]:
    """Choose the encoders by the size of the cohort.

    The rule of the default architecture. Chosen on training samples of tumours and of blood and
    bone marrow cells, on folds that were held out of them:

    - No labels, or more than 2,500 samples in the largest modality: encoders with a hidden layer
      see the features.
    - Otherwise encoders are linear and see the leading principal components: 50 of them, or, with
      fewer than 500 labelled samples in the median modality that has labels, four per class, at
      least 20 and at most 50.

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
    >>> sizes_for(n_obs=[20, 20], n_labeled=[20, 20], n_classes=5)
    {'n_layers': 0, 'n_components': 20}
    >>> sizes_for(n_obs=[6000, 6000], n_labeled=[6000, 0], n_classes=8)
    {'n_layers': 1, 'n_components': None}
    """
    labeled = [n for n in n_labeled if n]
    if n_classes < 2 or not labeled or max(n_obs) > _SMALL_COHORT:
        return {"n_layers": 1, "n_components": None}
    least, most = _COMPONENT_BOUNDS
    few = np.median(labeled) < _FEW_LABELS
    n_components = int(np.clip(_COMPONENTS_PER_CLASS * n_classes, least, most)) if few else most
    return {"n_layers": 0, "n_components": n_components}
