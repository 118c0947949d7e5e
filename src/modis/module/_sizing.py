from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["sizes_for"]

# Larger data carry networks with hidden layers. Where a modality has no label of a class, it needs
# the closer alignment that these reach, if the class is known elsewhere.
_SMALL_COHORT = 2_500
_KNOWN = 5
_COMPONENTS = 50


def sizes_for(n_obs: Sequence[int], n_labeled: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Choose the encoders by the size of the cohort.

    The rule of the default architecture. Chosen on training samples of tumours and of blood and
    bone marrow cells, on folds that were held out of them, and on simulated samples:

    - More than 2,500 samples in the largest modality, or a modality without any label, or without
      one of a class that has five or more in another: encoders with a hidden layer see the
      features.
    - Otherwise encoders are linear and see the 50 leading principal components.

    Parameters
    ----------
    n_obs
        Observations of every modality.
    n_labeled
        Labelled observations of each class, for every modality.

    Returns
    -------
    ``n_layers`` and ``n_components`` of :class:`~modis.module.Architecture`.

    Examples
    --------
    >>> from modis.module import sizes_for
    >>> sizes_for(n_obs=[340, 790], n_labeled=[[120, 5, 60], [300, 15, 90]])
    {'n_layers': 0, 'n_components': 50}
    >>> sizes_for(n_obs=[340, 790], n_labeled=[[120, 5, 60], [300, 0, 90]])
    {'n_layers': 1, 'n_components': None}
    """
    counts = np.asarray(n_labeled)
    labeled = counts.ndim == 2 and counts.shape[1] > 1 and counts.any(axis=1).all()
    if not labeled or max(n_obs) > _SMALL_COHORT or _lacks_a_class(counts):
        return {"n_layers": 1, "n_components": None}
    return {"n_layers": 0, "n_components": _COMPONENTS}


def _lacks_a_class(counts: np.ndarray) -> bool:
    """Whether some modality has no label of a class that is known in another."""
    known = counts.max(axis=0) >= _KNOWN
    return bool((counts[:, known] == 0).any())
