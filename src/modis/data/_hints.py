from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from ._matrix import FeatureMatrix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anndata import AnnData

__all__ = ["count_sources", "hint_at_likelihoods", "is_whole"]

# a child of scvi's logger: scvi.settings.verbosity and its handler hold for it
logger = logging.getLogger("scvi.modis")


def is_whole(x: np.ndarray) -> bool:
    """Whether all values are whole numbers."""
    return bool((x == np.round(x)).all())


def hint_at_likelihoods(
    ranges: Mapping[str, tuple[float, float]], where: Mapping[str, str], *, stacklevel: int
) -> None:
    """Tell of whole numbers that a continuous likelihood is to explain.

    Counts are warned about, once for all modalities; 0 and 1 alone are only a remark.

    Parameters
    ----------
    ranges
        Lowest and highest value of the modalities that hold whole numbers only.
    where
        What each modality, and layer, is called in a message.
    stacklevel
        As in :func:`warnings.warn`.
    """
    counts = [name for name, (lowest, highest) in ranges.items() if lowest >= 0 and highest > 1]
    for name, bounds in ranges.items():
        if bounds == (0.0, 1.0):
            logger.info(
                "%s holds 0 and 1 only: likelihood=%s suits such data better than a gaussian.",
                *(where[name], {name: "bernoulli"}),
            )
    if counts:
        found = "; ".join(
            f"{where[name]} holds whole numbers from {ranges[name][0]:.0f} to "
            f"{ranges[name][1]:.0f} only"
            for name in counts
        )
        warnings.warn(
            f"{found}. A gaussian explains counts badly. If they are counts, set likelihood="
            f"{dict.fromkeys(counts, 'nb')}; otherwise log-normalise them "
            "(scanpy.pp.normalize_total, scanpy.pp.log1p), or name a layer that holds such "
            f"values: layer={{{counts[0]!r}: ...}}.",
            UserWarning,
            stacklevel=stacklevel + 1,
        )


def count_sources(adata: AnnData, layer: str | None) -> list[str | None]:
    """Other layers, or ``X`` (`None`), whose values are counts.

    Parameters
    ----------
    adata
        The modality.
    layer
        The layer that holds none.
    """
    sources = [name for name in (*adata.layers, None) if name != layer]
    return [name for name in sources if _holds_counts(adata, name)]


def _holds_counts(adata: AnnData, layer: str | None) -> bool:
    x = adata.X if layer is None else adata.layers[layer]
    if x is None or not (np.issubdtype(x.dtype, np.number) or x.dtype == bool):
        return False
    if sparse.issparse(x):
        return bool((x.data >= 0).all()) and is_whole(x.data)
    chunks = FeatureMatrix(adata, layer).chunks()
    return all(bool((chunk >= 0).all()) and is_whole(chunk) for chunk in chunks)
