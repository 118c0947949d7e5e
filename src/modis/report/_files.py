"""Files out of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..studies._reading import without_pulling

if TYPE_CHECKING:
    from pathlib import Path

    import mudata as md

__all__ = ["clear_output_folder", "write_mudata"]

#: Everything that a run may leave in its folder.
OUTPUTS = (
    "integrated.h5mu",
    "metrics.csv",
    "feature_importance.csv",
    "report.html",
    "latent_umap.png",
    "confusion.png",
    "translation.png",
    "feature_importance.png",
    "history.png",
    "class_counts.png",
)


def write_mudata(mdata: md.MuData, path: Path) -> None:
    """Write a MuData as it is, without copies of its modalities' columns."""
    with without_pulling():
        mdata.write_h5mu(path)


def clear_output_folder(out: Path) -> None:
    """Remove the results of an earlier run, and nothing else."""
    for name in OUTPUTS:
        (out / name).unlink(missing_ok=True)
